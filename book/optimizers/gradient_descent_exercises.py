"""Checks of the exercises of the chapter on gradient descent."""

import math
from numbers import Real
from typing import Any

import numpy as np

from aiarch.optimizers import beale, quadratic, rosenbrock


def check_limit(answer: Any) -> None:
    """Check the largest stable learning rate for curvatures 0.5, 4 and 10."""
    if answer is ...:
        print("Not answered yet.")
        return
    assert isinstance(answer, Real), f"Give one number, not {answer!r}."
    assert answer > 0, "A learning rate is positive."
    worst = max(abs(1 - 0.999 * answer * curvature) for curvature in (0.5, 4, 10))
    assert worst < 1, "At a rate just below yours some error still grows."
    worst = max(abs(1 - 1.001 * answer * curvature) for curvature in (0.5, 4, 10))
    assert worst > 1, "A larger rate still converges from every start."
    print("Correct: above it the most curved direction diverges.")


def check_steps(answer: Any) -> None:
    """Check the number of steps for condition number 3 and a thousandfold."""
    if answer is ...:
        print("Not answered yet.")
        return
    assert isinstance(answer, Real), f"Give one number, not {answer!r}."
    assert math.isfinite(answer) and answer == int(answer), (
        "A number of steps is an integer."
    )
    factor = 2 / 4
    assert factor**answer <= 1e-3, "After so many steps the error is still too large."
    assert factor ** (answer - 1) > 1e-3, "Fewer steps are enough at the best rate."
    print("Correct: at 1/L it takes 18, close to twice as many.")


def check_smoothness(answer: Any) -> None:
    """Check a function that returns the smoothness of the mean squared error."""
    if answer is ...:
        print("Not answered yet.")
        return
    assert callable(answer), "Assign a function of X."
    rng = np.random.default_rng(0)
    for shape in [(20, 3), (5, 5), (4, 7)]:
        X = rng.normal(size=shape)
        given = answer(X)
        curvatures = [  # exact second derivatives along random directions
            2 * np.sum((X @ v) ** 2) / len(X) / (v @ v)
            for v in rng.normal(size=(50, shape[1]))
        ]
        assert given >= max(curvatures), (
            f"For X of shape {shape} some direction is more curved than that."
        )
        values = np.linalg.svd(X, compute_uv=False)
        assert math.isclose(given, 2 * values[0] ** 2 / len(X), rel_tol=1e-9), (
            f"For X of shape {shape} a smaller constant would do."
        )
    print("Correct: no direction is more curved, and one is exactly so curved.")


def check_backtrack(answer: Any) -> None:
    """Check a function that finds a rate by halving."""
    if answer is ...:
        print("Not answered yet.")
        return
    assert callable(answer), "Assign a function of an objective and a point."
    cases = [
        (quadratic([0.5, 0.25]), [1.0, 1.0]),
        (quadratic([1.0, 10.0]), [1.0, 1.0]),
        (quadratic([1.0, 1000.0]), [1.0, 1e-4]),
        (rosenbrock, [-1.2, 1.0]),
        (beale, [1.0, 1.0]),
    ]
    for objective, start in cases:
        theta = np.array(start)
        rate = answer(objective, theta)
        gradient = objective.gradient(theta)

        def wins(rate, objective=objective, theta=theta, gradient=gradient):
            drop = objective(theta) - objective(theta - rate * gradient)
            return drop >= rate / 2 * gradient @ gradient

        assert np.array_equal(theta, start), "Your function changes its argument."
        assert wins(rate), f"From {start} the step with rate {rate} wins too little."
        power = -math.log2(rate)
        assert power == int(power) and 0 <= power, "Only halve, beginning at 1."
        assert power == 0 or not wins(2 * rate), (
            f"From {start} a larger rate would win enough already."
        )
    print("Correct: the rate adapts to the curvature without knowing it.")

"""Checks of the exercises of the chapter on pruning."""

import math
from numbers import Real
from typing import Any

import numpy as np


def check_survivors(answer: Any) -> None:
    """Check how many weights the cubic schedule leaves half-way."""
    if answer is ...:
        print("Not answered yet.")
        return
    assert isinstance(answer, Real), f"Give one number, not {answer!r}."
    assert answer != 33600, "Those are the pruned ones; how many are left?"
    assert answer != 28800, "That is the straight line's number: cube the time left."
    assert answer == 14400, "First the sparsity at step 50, then the count."
    print("Correct: seven eighths of the way in half of the time.")


def check_break_even(answer: Any) -> None:
    """Check the sparsity from which a sparse format is smaller."""
    if answer is ...:
        print("Not answered yet.")
        return
    assert isinstance(answer, Real), f"Give one number, not {answer!r}."
    assert not math.isclose(answer, 2 / 3, rel_tol=1e-6), (
        "That is the share that stays; the sparsity is the rest."
    )
    assert math.isclose(answer, 1 / 3, rel_tol=1e-6), (
        "Each nonzero weight takes 6 bytes in place of 4 for every weight."
    )
    print("Correct: a third of zeros pays for the places.")


def check_two_of_four(answer: Any) -> None:
    """Check a function that returns the mask of the pattern 2:4."""
    if answer is ...:
        print("Not answered yet.")
        return
    assert callable(answer), "Assign a function of an array."
    rng = np.random.default_rng(0)
    for shape in [(4, 1), (8, 3), (16, 5)]:
        weights = rng.normal(size=shape)
        mask = np.asarray(answer(weights.copy()))
        assert mask.shape == shape, (
            f"The mask has shape {mask.shape}, the weights {shape}."
        )
        mask = mask.astype(bool)
        fours = mask.reshape(-1, 4, shape[1])
        assert (fours.sum(axis=1) == 2).all(), (
            "In some four consecutive inputs of an output not exactly two stay."
        )
        sizes = np.abs(weights).reshape(fours.shape)
        smallest_kept = np.where(fours, sizes, np.inf).min(axis=1)
        largest_gone = np.where(fours, 0, sizes).max(axis=1)
        assert (smallest_kept > largest_gone).all(), (
            "Somewhere a smaller magnitude stays and a larger one goes."
        )
    print("Correct: two of each four, the larger ones.")


def check_cheapest(answer: Any) -> None:
    """Check a function that returns the weight to remove first."""
    if answer is ...:
        print("Not answered yet.")
        return
    assert callable(answer), "Assign a function of H and theta."
    rng = np.random.default_rng(1)
    for size in (2, 3, 5, 8):
        for _ in range(20):
            root = rng.normal(size=(size, size))
            H, theta = root @ root.T + 0.1 * np.eye(size), rng.normal(size=size)
            costs = [_rise_without(H, theta, j) for j in range(size)]
            given = answer(H.copy(), theta.copy())
            assert isinstance(given, int | np.integer), (
                f"Return one index, not {given!r}."
            )
            assert given == np.argmin(costs), (
                f"Removing weight {given} costs {costs[given]:.4f} after the others "
                f"have responded, removing weight {np.argmin(costs)} costs "
                f"{min(costs):.4f}."
            )
    print("Correct: the diagonal of the inverse decides, not that of H.")


def _rise_without(H: np.ndarray, theta: np.ndarray, j: int) -> float:
    """Minimum of the quadratic with weight j at zero, by solving for the others."""
    others = np.arange(len(theta)) != j
    delta = np.empty(len(theta))
    delta[j] = -theta[j]
    delta[others] = np.linalg.solve(H[np.ix_(others, others)], -H[others, j] * delta[j])
    return float(delta @ H @ delta / 2)

"""Checks of the exercises of the chapter on fine-tuning."""

import math
from numbers import Real
from typing import Any

import numpy as np


def check_rank(answer: Any) -> None:
    """Check the largest rank that saves numbers in a convolution's kernel."""
    if answer is ...:
        print("Not answered yet.")
        return
    assert isinstance(answer, Real), f"Give one number, not {answer!r}."
    assert answer != 105, "At 105 it trains more numbers than the kernel has."
    assert answer != 42, "The window counts, too: the matrix has 3 · 3 · 64 rows."
    assert answer != 128, "Rank 128 is what the matrix can have; does it save anything?"
    assert answer == 104, "Find the largest integer r with r (m + n) below m n."
    print("Correct: below a rank of 105.")


def check_rates(answer: Any) -> None:
    """Check a function that returns the rates of the layers, input first."""
    if answer is ...:
        print("Not answered yet.")
        return
    assert callable(answer), "Assign a function of num_layers, learning_rate and decay."
    for num_layers, rate, decay in [(1, 0.1, 0.5), (4, 0.1, 0.5), (3, 0.002, 1 / 2.6)]:
        given = answer(num_layers, rate, decay)
        assert isinstance(given, list | tuple | np.ndarray), (
            f"Return a list: {given!r}."
        )
        assert len(given) == num_layers, "Return one rate a layer."
        wanted = [rate * decay ** (num_layers - 1 - k) for k in range(num_layers)]
        if num_layers > 1 and np.allclose(given, wanted[::-1], rtol=1e-9, atol=0):
            raise AssertionError("That is the order from the output down; turn it.")
        assert np.allclose(given, wanted, rtol=1e-9, atol=0), (
            f"{num_layers} layers, rate {rate}, decay {decay:.3f}: got {list(given)}."
        )
    print("Correct: the input learns slowest.")


def check_merge(answer: Any) -> None:
    """Check a function that merges a convolution's adapter."""
    if answer is ...:
        print("Not answered yet.")
        return
    assert callable(answer), "Assign a function of kernel, a, b and alpha."
    rng = np.random.default_rng(0)
    for shape, rank, alpha in [((3, 3, 2, 5), 2, 2.0), ((1, 2, 4, 3), 3, 12.0)]:
        kernel = rng.normal(size=shape)
        a, b = rng.normal(size=(*shape[:-1], rank)), rng.normal(size=(rank, shape[-1]))
        before = kernel.copy()
        given = answer(kernel, a, b, alpha)
        assert np.array_equal(kernel, before), "Your function changes its argument."
        assert given is not None, "Return the merged kernel."
        assert np.shape(given) == shape, f"Return the shape {shape}."
        change = np.einsum("hwir,ro->hwio", a, b)
        assert not np.allclose(given, change * alpha / rank), "Add it to the kernel."
        assert alpha == rank or not np.allclose(given, kernel + alpha * change), (
            "The scale is alpha over the rank."
        )
        assert np.allclose(given, kernel + alpha / rank * change, rtol=1e-9), (
            f"Wrong for rank {rank} and alpha {alpha}."
        )
    print("Correct: one kernel, as it was before.")


def check_nearest(answer: Any) -> None:
    """Check a function that returns where gradient descent ends."""
    if answer is ...:
        print("Not answered yet.")
        return
    assert callable(answer), "Assign a function of X, y and theta_0."
    rng = np.random.default_rng(0)
    for n, d in [(2, 5), (7, 20)]:
        X, y, theta_0 = rng.normal(size=(n, d)), rng.normal(size=n), rng.normal(size=d)
        given = np.asarray(answer(X, y, theta_0), dtype="float64")
        assert given.shape == (d,), f"Return {d} weights, not the shape {given.shape}."
        missed = np.abs(X @ given - y).max()
        assert missed < 1e-6, f"It must explain the labels; it misses by {missed:.2g}."
        moved = given - theta_0
        seen = X.T @ np.linalg.lstsq(X.T, moved, rcond=None)[0]
        outside = np.linalg.norm(moved - seen) / max(np.linalg.norm(moved), 1e-12)
        assert math.isclose(outside, 0, abs_tol=1e-6), (
            f"{outside:.0%} of the way is at right angles to all rows: not the nearest."
        )
    print("Correct: nothing moves that no row sees.")

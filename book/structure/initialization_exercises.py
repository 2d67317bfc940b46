"""Checks of the exercises of the chapter on initialization."""

import math
from numbers import Real
from typing import Any

import numpy as np


def check_depth(answer: Any) -> None:
    """Check the number of layers after which Glorot's signal is below a millionth."""
    if answer is ...:
        print("Not answered yet.")
        return
    assert isinstance(answer, Real), f"Give one number, not {answer!r}."
    assert answer != 20, "One layer halves the mean square, not its root."
    assert answer != 39, "After 39 layers it is still above a millionth."
    assert answer == 40, "Find the smallest D with 2 to the −D/2 below a millionth."
    print("Correct: forty layers, and it is gone.")


def check_fan(answer: Any) -> None:
    """Check He's standard deviation for LeNet-5's second convolution."""
    if answer is ...:
        print("Not answered yet.")
        return
    assert isinstance(answer, Real), f"Give one number, not {answer!r}."
    assert not math.isclose(answer, 2 / 150, rel_tol=1e-3), "That is the variance."
    assert not math.isclose(answer, math.sqrt(2 / 6), rel_tol=1e-3), (
        "An entry of the output sums over the window, too."
    )
    assert math.isclose(answer, math.sqrt(2 / 150), rel_tol=1e-3), (
        "Count the products in one entry of the output: window times channels in."
    )
    print("Correct: 150 products a sum.")


def check_leaky(answer: Any) -> None:
    """Check a function that returns the variance for a leaky ReLU."""
    if answer is ...:
        print("Not answered yet.")
        return
    assert callable(answer), "Assign a function of fan_in and slope."
    z = np.random.default_rng(0).normal(size=1_000_000)
    z = np.concatenate([z, -z])  # exactly symmetric
    z /= np.sqrt(np.mean(z**2))
    for fan_in, slope in [(10, 0.0), (10, 1.0), (300, 0.2), (7, 0.5)]:
        given = answer(fan_in, slope)
        assert isinstance(given, Real), f"Return one number, not {given!r}."
        assert given > 0, f"A variance is positive, not {given!r}."
        kept = np.mean(np.maximum(z, slope * z) ** 2) * fan_in * given
        assert math.isclose(kept, 1, rel_tol=1e-6), (
            f"With fan-in {fan_in} and slope {slope} one layer multiplies the mean "
            f"square by {kept:.4f}."
        )
    print("Correct: what leaks through counts by its square.")


def check_lsuv(answer: Any) -> None:
    """Check a function that rescales kernels layer by layer."""
    if answer is ...:
        print("Not answered yet.")
        return
    assert callable(answer), "Assign a function of kernels, x and activation."
    for activation, scale in [(np.tanh, 3.0), (lambda z: np.maximum(z, 0), 0.01)]:
        rng = np.random.default_rng(0)
        shapes = [(20, 30), (30, 30), (30, 10)]
        kernels = [scale * rng.normal(size=shape) for shape in shapes]
        before = [W.copy() for W in kernels]
        x = rng.normal(size=(50, 20))
        given = answer(kernels, x, activation)
        for old, new in zip(before, kernels, strict=True):
            assert np.array_equal(old, new), "Your function changes its argument."
        assert given is not None and len(given) == 3, "Return one kernel a layer."
        h = x
        for number, (old, W) in enumerate(zip(before, given, strict=True), start=1):
            assert np.shape(W) == old.shape, f"Kernel {number} has another shape."
            ratio = np.asarray(W) / old
            assert np.allclose(ratio, ratio.flat[0]), "Multiply kernels by one number."
            deviation = np.std(h @ W)
            assert math.isclose(deviation, 1, rel_tol=1e-6), (
                f"The pre-activations of layer {number} have the standard deviation "
                f"{deviation:.3f} in the rescaled net, not 1."
            )
            h = activation(h @ W)
    print("Correct: every layer starts with variance 1.")

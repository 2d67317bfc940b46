"""Checks of the exercises of the chapter on measuring."""

from collections.abc import Callable
from typing import Any

import numpy as np


def check_images(answer: Any) -> None:
    """Check the smallest number of images for an error of 0.2 points at 96.5%."""
    if answer is ...:
        print("Not answered yet.")
        return
    _need_number(answer)
    assert answer >= 1, "At least one image is needed."
    assert answer == round(answer), "A number of images is an integer."
    variance = 0.965 * (1 - 0.965)
    assert variance / answer <= 0.002**2, (
        "With so few images the standard error is still above 0.2 points, 0.002."
    )
    assert variance / (answer - 1) > 0.002**2, "Fewer images are enough."
    print("Correct: more than eight thousand, where 1,000 give .58 points.")


def check_discordant(answer: Any) -> None:
    """Check the standard error of a difference with 20 and 10 disagreements."""
    if answer is ...:
        print("Not answered yet.")
        return
    _need_number(answer)
    assert answer > 0.1, "Give points, not a fraction: a point is 0.01."
    variance = 1000 * (answer / 100) ** 2
    assert variance < 0.035, "Too large: on 970 images the difference is zero."
    assert variance > 0.0295, "Too small: all thirty disagreements count."
    assert abs(variance - 0.0299) < 3e-5, (
        "Close: give three decimals, and do not forget the squared mean."
    )
    print("Correct: one point is less than two of these, so it is no win.")


def check_flops(answer: Any) -> None:
    """Check the operations of a 3×3 convolution with bias and ReLU on 32×32×3."""
    if answer is ...:
        print("Not answered yet.")
        return
    _need_number(answer)
    outputs = 30 * 30 * 16
    assert answer % (32 * 32) != 0, "Without padding the output is smaller than 32×32."
    assert answer >= outputs * 2 * 27, "A multiply-add is two operations, not one."
    assert answer > outputs * (2 * 27 + 1), "Bias and ReLU both take part."
    assert answer == outputs * (2 * 27 + 2), "Count again what one output takes."
    print("Correct: 56 operations for each of 14,400 outputs.")


def check_paired(answer: Any) -> None:
    """Check a function that returns the paired interval of two models."""
    if answer is ...:
        print("Not answered yet.")
        return
    assert isinstance(answer, Callable), "Give the function itself, not its result."
    rng = np.random.default_rng(0)
    second = (rng.random(800) < 0.9).astype(float)
    first = np.where(rng.random(800) < 0.04, 1 - second, second)
    low, high = answer(first, second, 1)
    difference = first - second
    assert low < difference.mean() < high, (
        "The measured difference, first less second, must lie between low and high."
    )
    error = difference.std() / np.sqrt(800)
    width = (high - low) / error
    assert width < 5, "Too wide: are the two models resampled separately?"
    assert 3.5 < width < 4.4, "A 95% interval is about 3.9 standard errors wide."
    same = answer(first, first, 2)
    assert tuple(same) == (0, 0), "A model does not differ from itself."
    # Right and wrong answers give few distinct limits, so one seed proves little.
    once, again = (
        [tuple(answer(first, second, seed)) for seed in range(2, 14)] for _ in range(2)
    )
    assert once == again, "The same seed must give the same interval."
    assert len(set(once)) > 1, "Another seed must draw other resamples."
    print("Correct: paired, and reproducible by its seed.")


def _need_number(answer: Any) -> None:
    is_number = isinstance(answer, int | float | np.number)
    assert is_number and not isinstance(answer, bool), (
        f"Give one number, not {answer!r}."
    )

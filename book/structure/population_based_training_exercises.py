"""Checks of the exercises of the chapter on population-based training."""

from numbers import Real
from typing import Any

import numpy as np


def check_reach(answer: Any) -> None:
    """Check the number of rounds."""
    if answer is ...:
        print("Not answered yet.")
        return
    assert isinstance(answer, Real), f"Give one number, not {answer!r}."
    assert answer != 11, "Eleven copies are right; the first round comes before them."
    assert answer == 12, "Solve 0.8**k <= 0.1 for the copies k, and add a round."
    print("Correct: eleven copies in a row, all of them downwards.")


def check_drift(answer: Any) -> None:
    """Check the median of a rate after 40 copies without selection."""
    if answer is ...:
        print("Not answered yet.")
        return
    assert isinstance(answer, Real), f"Give one number, not {answer!r}."
    assert abs(answer - 1) > 1e-3, "The mean stays 1; the median does not."
    assert abs(answer - 0.96**40) > 1e-3, "40 copies are 20 pairs of up and down."
    assert abs(answer - 0.96**20) < 5e-3, "Multiply 20 factors of each kind."
    print("Correct: noise alone brings rates down.")


def check_lineage(answer: Any) -> None:
    """Check the way back through the copies."""
    if answer is ...:
        print("Not answered yet.")
        return
    assert callable(answer), "Assign a function of parents and member."
    rows = [[0, 1, 2], [0, 0, 2], [2, 1, 2], [1, 1, 0]]
    for member, wanted in ((0, [0, 1, 1, 0]), (1, [0, 1, 1, 1]), (2, [2, 2, 0, 2])):
        found = answer([list(row) for row in rows], member)
        assert np.shape(found) == np.shape(wanted), "Return one member for each round."
        assert [int(one) for one in found] == wanted, (
            f"parents {rows}, member {member}: the way is {wanted}, not {list(found)}."
        )
    print("Correct: that is the lineage, first round first.")


def check_rate(answer: Any) -> None:
    """Check the best rate of one step."""
    if answer is ...:
        print("Not answered yet.")
        return
    assert callable(answer), "Assign a function of eigenvalues, moments and noise."
    rng = np.random.default_rng(0)
    for size in (1, 2, 5):
        eigenvalues, moments, noise = rng.uniform(0.1, 2, (3, size))
        found = answer(eigenvalues, moments, noise)
        assert np.shape(found) == (), "Return one number, for all directions together."
        losses = [
            eigenvalues @ ((1 - rate * eigenvalues) ** 2 * moments + rate**2 * noise)
            for rate in (found - 1e-3, found, found + 1e-3)
        ]
        assert losses[1] < min(losses[0], losses[2]), (
            f"With {size} directions another rate has a lower loss after the step."
        )
    print("Correct: no other rate is better for the next step.")

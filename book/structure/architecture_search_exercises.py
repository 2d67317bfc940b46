"""Checks of the exercises of the chapter on architecture search."""

from numbers import Real
from typing import Any

import numpy as np


def check_trials(answer: Any) -> None:
    """Check the number of random trials."""
    if answer is ...:
        print("Not answered yet.")
        return
    assert isinstance(answer, Real), f"Give one number, not {answer!r}."
    assert answer != 113, "Round up: with 113 trials the certainty is just below 90%."
    assert answer == 114, "Solve 1 - 0.98**k >= 0.9 for k."
    print("Correct: whatever the size of the space.")


def check_lifetime(answer: Any) -> None:
    """Check the probability that the best member has a child."""
    if answer is ...:
        print("Not answered yet.")
        return
    assert isinstance(answer, Real), f"Give one probability, not {answer!r}."
    once = 1 - 0.95**5
    assert abs(answer - once) > 1e-3, "That is one tournament; it lives for 20."
    missed = 0.95**100
    assert abs(answer - missed) > 1e-3, "That is the probability of having none."
    assert abs(answer - (1 - missed)) < 1e-4, "Count the draws of 20 tournaments."
    print("Correct: almost certainly, but not for sure.")


def check_dominated(answer: Any) -> None:
    """Check who is dominated."""
    if answer is ...:
        print("Not answered yet.")
        return
    assert callable(answer), "Assign a function of accuracies and latencies."
    cases = [
        ([0.9, 0.8], [1.0, 2.0], [False, True], "worse in both is dominated"),
        ([0.9, 0.8], [2.0, 1.0], [False, False], "better in one is not dominated"),
        ([0.9, 0.9], [2.0, 1.0], [True, False], "equal in one, worse in the other"),
        ([0.9, 0.8], [1.0, 1.0], [False, True], "equal in one, worse in the other"),
        ([0.9, 0.9], [1.0, 1.0], [False, False], "equal nets dominate none"),
        ([0.7], [1.0], [False], "a net does not dominate itself"),
    ]
    for accuracies, latencies, wanted, reason in cases:
        found = answer(accuracies, latencies)
        assert np.shape(found) == np.shape(wanted), "Return one boolean for each net."
        assert [bool(one) for one in found] == wanted, (
            f"accuracies {accuracies}, latencies {latencies}: {reason}."
        )
    print("Correct: what is left is the front.")


def check_oldest(answer: Any) -> None:
    """Check who is alive in regularized evolution."""
    if answer is ...:
        print("Not answered yet.")
        return
    assert callable(answer), "Assign a function of scores, births and size."
    scores = [5.0, 1.0, 9.0, 2.0, 4.0, 3.0]
    for births, size, wanted in (
        (3, 3, [5.0, 1.0, 9.0]),
        (5, 3, [9.0, 2.0, 4.0]),
        (6, 3, [2.0, 4.0, 3.0]),
        (2, 3, [5.0, 1.0]),
        (6, 1, [3.0]),
    ):
        found = answer(list(scores), births, size)
        assert np.shape(found) == np.shape(wanted), (
            f"After {births} births at most {size} members are alive, and not more "
            "than were born."
        )
        assert sorted(found) == sorted(wanted), (
            f"After {births} births with {size} members alive: {wanted}; only age "
            "matters."
        )
    print("Correct: the record of 9 dies like any other.")

"""Results of searches: what was tried, in order, and the best of it.

Chapter: structure/architecture-search
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from aiarch.training.spaces import Configuration


@dataclass(frozen=True)
class Trial:
    """One configuration that was tried, and what came of it.

    Attributes:
        number: place in the search, from 0.
        configuration: what was tried, a value for each name of the space.
        seed: what `evaluate` got to make its random numbers from.
        value: what `evaluate` returned, higher is better; None if it failed.
        error: why it failed, or None.
        seconds: time that `evaluate` took.
        resource: what the trial was allowed to spend, in `successive_halving`.
    """

    number: int
    configuration: Configuration
    seed: int
    value: float | None
    error: str | None
    seconds: float = field(compare=False)
    resource: int | None = None

    @property
    def score(self) -> float:
        """The value, or -∞ for a trial that failed: what trials are compared by."""
        return -math.inf if self.value is None else self.value


@dataclass(frozen=True)
class Search:
    """All trials of a search, in order."""

    trials: tuple[Trial, ...]

    @property
    def best(self) -> Trial:
        """The trial with the highest value; of equals the first.

        Where trials had different resources, only those with the most count.

        Raises:
            ValueError: every trial failed.
        """
        found = [trial for trial in self.trials if trial.value is not None]
        if not found:
            raise ValueError(
                f"none of the {len(self.trials)} trials has a value; the first failed "
                f"by {self.trials[0].error if self.trials else None!r}; mend "
                "`evaluate` and search anew."
            )
        most = max(trial.resource or 0 for trial in found)
        found = [trial for trial in found if (trial.resource or 0) == most]
        return max(found, key=lambda trial: trial.score)

    @property
    def best_so_far(self) -> NDArray[np.float64]:
        """Highest value among the first k + 1 trials, shape (num_trials,)."""
        return np.maximum.accumulate([trial.score for trial in self.trials])


def take_best(trials: Sequence[Trial], count: int) -> list[Trial]:
    """Return the trials with the highest scores, best first; of equals the earlier.

    Args:
        trials: any number of trials.
        count: how many to return, at most.

    Returns:
        A new list.
    """
    return sorted(trials, key=lambda trial: -trial.score)[:count]

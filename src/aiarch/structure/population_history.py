"""What a population went through: stages, lineages, discovered schedules.

Chapter: structure/population-based-training
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aiarch.training.spaces import Configuration


@dataclass(frozen=True)
class Stage:
    """One member in one round.

    Attributes:
        round: from 0.
        member: from 0.
        parent: the member of the round before from which it went on; itself, unless
            it copied.
        hyperparameters: with which it was trained in this round.
        seed: what `train` got to make its random numbers from.
        value: what `train` returned beside the state, higher is better; None if the
            stage failed.
        error: why it failed, or None.
        seconds: time that `train` took.
    """

    round: int
    member: int
    parent: int
    hyperparameters: Configuration
    seed: int
    value: float | None = None
    error: str | None = None
    seconds: float = field(default=0.0, compare=False)

    @property
    def score(self) -> float:
        """The value, or -∞ for a stage that failed: what members are compared by."""
        return -math.inf if self.value is None else self.value


@dataclass(frozen=True)
class Population:
    """All stages of a population, and the states at the end.

    Attributes:
        rounds: for each round a tuple of stages, one for each member.
        states: state of each member after the last round; not compared by `==`.

    Example:
        >>> first = Stage(0, 0, 0, {"rate": 0.1}, 7, 1.0), Stage(0, 1, 1, {}, 8, 0.5)
        >>> then = Stage(1, 0, 0, {"rate": 0.1}, 3, 1.2), Stage(
        ...     1, 1, 0, {"rate": 0.08}, 4, 1.5
        ... )
        >>> population = Population((first, then), (None, None))
        >>> population.best.member, population.schedule("rate")
        (1, [0.1, 0.08])
    """

    rounds: tuple[tuple[Stage, ...], ...]
    states: tuple[Any, ...] = field(compare=False, repr=False)

    @property
    def best(self) -> Stage:
        """The stage of the last round with the highest value; of equals the first.

        Raises:
            ValueError: every member failed in the last round.
        """
        found = max(self.rounds[-1], key=lambda stage: stage.score)
        if found.value is None:
            raise ValueError(
                "no member has a value after the last round; the first failed by "
                f"{self.rounds[-1][0].error!r}; mend `train` and start anew."
            )
        return found

    @property
    def scores(self) -> NDArray[np.float64]:
        """Scores, shape (num_rounds, population_size); -∞ where a stage failed."""
        return np.array([[stage.score for stage in stages] for stages in self.rounds])

    def lineage(self, member: int | None = None) -> list[Stage]:
        """Return the stages through which a member's state went, first round first.

        Args:
            member: of the last round; by default the best one.

        Returns:
            One stage for each round.
        """
        member = self.best.member if member is None else member
        found = []
        for stages in reversed(self.rounds):
            found.append(stages[member])
            member = stages[member].parent
        return found[::-1]

    def schedule(self, name: str, member: int | None = None) -> list[Any]:
        """Return the values of a hyperparameter along a lineage, one a round.

        Args:
            name: of the hyperparameter.
            member: of the last round; by default the best one.

        Returns:
            One value for each round.
        """
        return [stage.hyperparameters[name] for stage in self.lineage(member)]

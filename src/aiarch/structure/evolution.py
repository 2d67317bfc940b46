"""Regularized evolution: the best of a sample has a child, and the oldest dies.

Chapter: structure/architecture-search
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from aiarch.training.results import Search
from aiarch.training.spaces import Space, as_space
from aiarch.training.trials import check_int, proposal_rng, run_trials


def evolve(
    space: Space | Mapping[str, Any],
    evaluate: Callable[..., float],
    *,
    budget: int,
    seed: int,
    population_size: int = 20,
    sample_size: int = 5,
    batch_size: int = 1,
    n_jobs: int | None = 1,
    journal: Any = None,
    progress: bool | None = None,
) -> Search:
    """Change one entry of a good configuration at a time, and forget the old ones.

    The first `population_size` trials are those of `random_search` with the same seed.
    Then, for each child, `sample_size` members are drawn with replacement; the best of
    them, Equation (3), `eq-as-tournament`, is its parent, `Space.mutate` changes one
    entry, the child joins the population and the oldest member leaves it, however good
    it is. A failed trial loses every comparison.

    Args:
        space: names with sequences of choices or distributions, see `Space`; at least
            one has a second choice.
        evaluate: `evaluate(configuration, seed)` returns a finite number, higher is
            better.
        budget: number of trials, at least `population_size`.
        seed: non-negative; decides what is proposed, and the seed of each trial.
        population_size: members that are alive, at least 2.
        sample_size: members that compete for a child, from 1 to `population_size`.
        batch_size: children proposed at a time, from the same population. After the
            first population, at most this many workers have work; it decides what is
            proposed, the number of workers does not.
        n_jobs: workers of joblib, as in `random_search`.
        journal: path of a file, as in `random_search`.
        progress: whether to show a bar on stderr; None for only at a terminal.

    Returns:
        A `Search` with `trials`, `best` and `best_so_far`.

    Raises:
        TypeError: an argument is of the wrong type.
        ValueError: an argument is out of range, a choice is empty, nothing can be
            mutated, or the journal belongs to another search.

    Example:
        >>> space = {f"bit_{k}": [0, 1] for k in range(20)}
        >>> def evaluate(configuration, seed):
        ...     return sum(configuration.values())
        >>> evolve(space, evaluate, budget=200, seed=0).best.value >= 17
        True

    References:
        Real, Aggarwal, Huang and Le, "Regularized Evolution for Image Classifier
        Architecture Search", 2019, arXiv:1802.01548, Algorithm 1.
    """
    space = as_space(space)
    check_int("budget", budget, 1)
    check_int("seed", seed, 0)
    check_int("population_size", population_size, 2)
    check_int("sample_size", sample_size, 1)
    check_int("batch_size", batch_size, 1)
    if sample_size > population_size:
        raise ValueError(
            f"`sample_size` must be at most `population_size`, got {sample_size} and "
            f"{population_size}; lower the first or raise the second."
        )
    if budget < population_size:
        raise ValueError(
            f"`budget` must be at least `population_size`, got {budget} and "
            f"{population_size}; without children this would be random search."
        )
    space.mutate(space.draw(proposal_rng(seed, 0)), proposal_rng(seed, 0))

    def child(members: list, number: int) -> dict[str, Any]:
        rng = proposal_rng(seed, number)
        rivals = rng.integers(len(members), size=sample_size)
        parent = max((members[k] for k in rivals), key=lambda trial: trial.score)
        return space.mutate(parent.configuration, rng)

    def plan(run: Callable) -> None:
        first = [space.draw(proposal_rng(seed, k)) for k in range(population_size)]
        population = deque(run((c, None) for c in first), maxlen=population_size)
        for begin in range(population_size, budget, batch_size):
            numbers = range(begin, min(begin + batch_size, budget))
            members = list(population)
            population.extend(run([(child(members, k), None) for k in numbers]))

    return run_trials(
        plan,
        evaluate,
        space,
        kind="evolve",
        budget=budget,
        seed=seed,
        settings={
            "population_size": population_size,
            "sample_size": sample_size,
            "batch_size": batch_size,
        },
        n_jobs=n_jobs,
        journal=journal,
        progress=progress,
    )

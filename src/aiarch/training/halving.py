"""Successive halving: many short trials, fewer long ones.

Chapter: structure/architecture-search
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aiarch.training.results import Search, take_best
from aiarch.training.spaces import Space, as_space
from aiarch.training.trials import check_int, proposal_rng, run_trials


def halving_rungs(
    budget: int, min_resource: int, max_resource: int, reduction_factor: int
) -> list[tuple[int, int]]:
    """Return numbers of trials and resource of each rung, the longest within budget.

    Equation (5), `eq-as-halving`: rung k has `n // reduction_factor**k` trials of
    `min_resource * reduction_factor**k` each, with the largest n whose total is at
    most `budget`.

    Args:
        budget: what all trials together may spend.
        min_resource: what a trial of the first rung spends, at least 1.
        max_resource: most that a trial may spend; the last rung is the highest below.
        reduction_factor: a share of 1 in this many goes on, at least 2.

    Returns:
        Pairs (number of trials, resource of each).

    Raises:
        ValueError: `max_resource` is below `min_resource`, or the budget does not pay
            for one trial at the last rung.

    Example:
        >>> halving_rungs(120, 1, 9, 3)
        [(42, 1), (14, 3), (4, 9)]
    """
    for name, value, smallest in (
        ("budget", budget, 1),
        ("min_resource", min_resource, 1),
        ("max_resource", max_resource, 1),
        ("reduction_factor", reduction_factor, 2),
    ):
        check_int(name, value, smallest)
    if max_resource < min_resource:
        raise ValueError(
            f"`max_resource` must be at least `min_resource`, got {max_resource} and "
            f"{min_resource}; swap them."
        )
    resources = [min_resource]
    while resources[-1] * reduction_factor <= max_resource:
        resources.append(resources[-1] * reduction_factor)

    def rungs(first: int) -> list[tuple[int, int]]:
        counts = (first // reduction_factor**k for k in range(len(resources)))
        return list(zip(counts, resources, strict=True))

    def total(first: int) -> int:
        return sum(count * resource for count, resource in rungs(first))

    first = reduction_factor ** (len(resources) - 1)
    if total(first) > budget:
        raise ValueError(
            f"`budget` must pay for one trial at the last rung, at least "
            f"{total(first)}, got {budget}; raise it, or lower `max_resource`."
        )
    while total(first + 1) <= budget:
        first += 1
    return rungs(first)


def successive_halving(
    space: Space | Mapping[str, Any],
    evaluate: Callable[..., float],
    *,
    budget: int,
    seed: int,
    max_resource: int,
    min_resource: int = 1,
    reduction_factor: int = 3,
    n_jobs: int | None = 1,
    journal: Any = None,
    progress: bool | None = None,
) -> Search:
    """Try many configurations for a short time, and the best of them for longer.

    The first rung's configurations are those of `random_search` with the same seed.
    Of each rung the best go on, with `reduction_factor` times the resource; every
    trial starts from scratch and has a seed of its own. Failed trials come last.

    Args:
        space: names with sequences of choices or distributions, see `Space`.
        evaluate: `evaluate(configuration, seed, resource)` returns a finite number,
            higher is better; it spends what `resource` says (epochs, samples, …).
        budget: what all trials together may spend, in units of the resource.
        seed: non-negative; decides what is drawn, and the seed of each trial.
        max_resource: most that a trial may spend.
        min_resource: what a trial of the first rung spends.
        reduction_factor: a share of 1 in this many goes on.
        n_jobs: workers of joblib, as in `random_search`.
        journal: path of a file, as in `random_search`.
        progress: whether to show a bar on stderr; None for only at a terminal.

    Returns:
        A `Search`; its `best` is the best trial of the last rung.

    Raises:
        TypeError: an argument is of the wrong type.
        ValueError: an argument is out of range, a choice is empty, the budget is too
            small, or the journal belongs to another search.

    Example:
        >>> def evaluate(configuration, seed, resource):
        ...     return configuration["x"] + 1 / resource
        >>> found = successive_halving(
        ...     {"x": range(10)}, evaluate, budget=120, seed=0, max_resource=9
        ... )
        >>> len(found.trials), found.best.configuration
        (60, {'x': 9})

    References:
        Jamieson and Talwalkar, "Non-stochastic Best Arm Identification and
        Hyperparameter Optimization", 2016, arXiv:1502.07943. Here the resource of a
        rung is fixed and the number of configurations follows from the budget.
    """
    space = as_space(space)
    check_int("seed", seed, 0)
    rungs = halving_rungs(budget, min_resource, max_resource, reduction_factor)

    def plan(run: Callable) -> None:
        count, resource = rungs[0]
        tried = run((space.draw(proposal_rng(seed, k)), resource) for k in range(count))
        for count, resource in rungs[1:]:
            kept = take_best(tried, count)
            tried = run((trial.configuration, resource) for trial in kept)

    return run_trials(
        plan,
        evaluate,
        space,
        kind="successive_halving",
        budget=budget,
        seed=seed,
        settings={"rungs": rungs},
        n_jobs=n_jobs,
        journal=journal,
        progress=progress,
    )

"""Random search: configurations drawn independently, the baseline of every search.

Chapter: structure/architecture-search
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from aiarch.training.results import Search
from aiarch.training.spaces import Space, as_space
from aiarch.training.trials import proposal_rng, run_trials


def random_search(
    space: Space | Mapping[str, Any],
    evaluate: Callable[..., float],
    *,
    budget: int,
    seed: int,
    n_jobs: int | None = 1,
    journal: Any = None,
    progress: bool | None = None,
) -> Search:
    """Try `budget` configurations drawn independently, and keep the best.

    Draws are with replacement. After k of them the best is among the best share q of
    the space with the probability of Equation (1), `eq-as-random`. The trials of a
    larger budget begin with those of a smaller one.

    Args:
        space: names with sequences of choices or distributions, see `Space`.
        evaluate: `evaluate(configuration, seed)` returns a finite number, higher is
            better. With several workers it must be possible to pickle it (joblib
            can pickle most functions).
        budget: number of trials.
        seed: non-negative; decides what is drawn, and the seed of each trial.
        n_jobs: workers of joblib; None for what `joblib.parallel_config` says. The
            number changes no trial, unless `evaluate` depends on it.
        journal: path of a file in which every finished trial is recorded before the
            next one starts (with several workers: as it comes back), or None. Called
            again with the same file, the search goes on where it was. A changed
            `evaluate` is not noticed: give it another file.
        progress: whether to show a bar on stderr; None for only at a terminal.

    Returns:
        A `Search` with `trials`, `best` and `best_so_far`.

    Raises:
        TypeError: an argument is of the wrong type.
        ValueError: an argument is out of range, a choice is empty, or the journal
            belongs to another search.

    Example:
        >>> def evaluate(configuration, seed):
        ...     return -abs(configuration["x"] - 7)
        >>> random_search({"x": range(10)}, evaluate, budget=30, seed=0).best.value
        0.0

    References:
        Bergstra and Bengio, "Random Search for Hyper-Parameter Optimization", 2012,
        JMLR 13.
    """
    space = as_space(space)

    def plan(run: Callable) -> None:
        run((space.draw(proposal_rng(seed, k)), None) for k in range(budget))

    return run_trials(
        plan,
        evaluate,
        space,
        kind="random_search",
        budget=budget,
        seed=seed,
        settings={},
        n_jobs=n_jobs,
        journal=journal,
        progress=progress,
    )

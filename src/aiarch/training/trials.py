"""Trials: the engine below every search, which runs, records and resumes.

Chapter: structure/architecture-search
"""

from __future__ import annotations

import copy
import itertools
import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from typing import Any

import joblib
import numpy as np
from tqdm import tqdm

from aiarch.training.journals import Journal
from aiarch.training.results import Search, Trial
from aiarch.training.spaces import Configuration, Space, as_json, as_space, described

FORMAT = 1
Proposal = tuple[Configuration, int | None]
Plan = Callable[[Callable[[Iterable[Proposal]], list[Trial]]], None]


def run_trials(
    plan: Plan,
    evaluate: Callable[..., float],
    space: Space | Mapping[str, Any],
    *,
    kind: str,
    budget: int,
    seed: int,
    settings: Mapping[str, Any],
    n_jobs: int | None = 1,
    journal: Any = None,
    progress: bool | None = None,
) -> Search:
    """Carry out a plan of trials; what `random_search` and its kin stand on.

    `plan(run)` proposes and learns: `run(proposals)` takes a list of pairs
    (configuration, resource or None) and returns their trials in the same order. What
    a plan proposes must depend on `seed` and on earlier trials alone; then the number
    of workers changes nothing, and a search that is called again with its journal
    takes finished trials from there.

    Args:
        plan: proposes configurations.
        evaluate: `evaluate(configuration, seed)`, or with `resource` as third argument
            where a proposal has one; returns a finite number, higher is better. What
            it raises, or a value that is not finite, is recorded as a failure.
        space: see `Space`.
        kind: name of the search in the journal.
        budget: what the search may spend, at least 1.
        seed: non-negative; trial k gets `SeedSequence([seed, k])`'s first number.
        settings: further arguments that decide what is proposed.
        n_jobs: workers of joblib; None for what `joblib.parallel_config` says.
        journal: path of a file, or None.
        progress: whether to show a bar on stderr; None for only at a terminal.

    Returns:
        A `Search`.

    Raises:
        TypeError: `budget` or `seed` is no int, or `evaluate` cannot be called.
        ValueError: `budget` is below 1, `seed` is negative, or the journal belongs to
            another search.

    Example:
        >>> def plan(run):
        ...     run([({"x": 1}, None), ({"x": 3}, None)])
        >>> found = run_trials(
        ...     plan, lambda configuration, seed: configuration["x"], {"x": [1, 3]},
        ...     kind="both", budget=2, seed=0, settings={},
        ... )
        >>> found.best.configuration
        {'x': 3}
    """
    check_int("budget", budget, 1)
    check_int("seed", seed, 0)
    check_jobs("evaluate", evaluate, n_jobs)
    header = {
        "journal": "aiarch search",
        "format": FORMAT,
        "kind": kind,
        "budget": budget,
        "seed": seed,
        "settings": described(settings),
    }
    trials: list[Trial] = []
    with (
        _opened(journal, header, as_space(space)) as opened,
        progress_bar(kind, progress, unit=" trials") as bar,
    ):
        known, best = _known(opened), -math.inf

        def run(proposals: Iterable[Proposal]) -> list[Trial]:
            nonlocal best
            batch = list(enumerate(proposals, start=len(trials)))
            found = [_from_journal(known.get(k), p) for k, p in batch]
            jobs = (
                joblib.delayed(_tried)(evaluate, k, *proposal, _trial_seed(seed, k))
                for (k, proposal), trial in zip(batch, found, strict=True)
                if trial is None
            )
            for trial in as_they_end(jobs, n_jobs):
                if opened is not None:
                    opened.append({**asdict(trial), **_configuration_text(trial)})
                found[trial.number - len(trials)] = trial
                best = max(best, trial.score)
                bar.set_postfix(best=f"{best:.4g}", refresh=False)
                bar.update()
            trials.extend(found)
            return found

        plan(run)
    return Search(tuple(trials))


def as_they_end(jobs: Iterable[Any], n_jobs: int | None) -> Iterator[Any]:
    """Yield the results of joblib's jobs as they end, so that each can be recorded.

    A backend that returns only lists (Ray's) gets groups as large as its workers.
    """
    backend, _ = joblib.parallel.get_active_backend()
    if backend.supports_return_generator:
        yield from joblib.Parallel(
            n_jobs, return_as="generator_unordered", batch_size=1
        )(jobs)
        return
    jobs, size = iter(jobs), joblib.effective_n_jobs(n_jobs)
    with joblib.Parallel(n_jobs, batch_size=1) as workers:
        while group := list(itertools.islice(jobs, size)):
            yield from workers(group)


def progress_bar(name: str, wanted: bool | None, **options: Any) -> tqdm:
    """Return a bar of tqdm on stderr; by default (None) only at a terminal."""
    return tqdm(desc=name, disable=None if wanted is None else not wanted, **options)


def check_int(name: str, value: Any, smallest: int) -> None:
    """Raise unless `value`, called `name`, is an int of at least `smallest`."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"`{name}` must be an int, got {value!r}; pass {smallest}.")
    if value < smallest:
        raise ValueError(
            f"`{name}` must be at least {smallest}, got {value}; pass {smallest} or "
            "more."
        )


def check_jobs(name: str, function: Any, n_jobs: int | None) -> None:
    """Raise unless `function`, called `name`, can be called by `n_jobs` workers."""
    if n_jobs == 0:
        raise ValueError("`n_jobs` must not be 0; pass 1, a number of workers, or -1.")
    if not callable(function):
        raise TypeError(f"`{name}` must be a function, got {function!r}; pass one.")


def proposal_rng(seed: int, number: int) -> np.random.Generator:
    """Return the generator by which trial `number` is proposed."""
    return np.random.default_rng(np.random.SeedSequence([seed, number, 1]))


def _trial_seed(seed: int, number: int) -> int:
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def _tried(
    evaluate: Callable[..., float],
    number: int,
    configuration: Configuration,
    resource: int | None,
    seed: int,
) -> Trial:
    """Evaluate one configuration; this runs in a worker."""
    begin, value, error = time.perf_counter(), None, None
    extra = () if resource is None else (resource,)
    try:
        value = float(evaluate(_copied(configuration), seed, *extra))
        if not math.isfinite(value):
            value, error = None, f"returned {value}"
    except Exception as raised:  # a trial may fail in any way; the search goes on
        value, error = None, f"{type(raised).__name__}: {raised}"
    seconds = time.perf_counter() - begin
    return Trial(number, configuration, seed, value, error, seconds, resource)


def _copied(configuration: Configuration) -> Configuration:
    """Return a deep copy, without the time of one where entries cannot change."""
    return {
        name: entry if isinstance(entry, str | int | float) else copy.deepcopy(entry)
        for name, entry in configuration.items()
    }


def _opened(
    path: Any, header: dict[str, Any], space: Space
) -> AbstractContextManager[Journal | None]:
    if path is None:
        return nullcontext()
    return Journal(path, {**header, "space": space.describe()})


def _known(journal: Journal | None) -> dict[int, dict[str, Any]]:
    known: dict[int, dict[str, Any]] = {}
    for record in journal.records if journal is not None else ():
        if record["number"] in known:
            raise ValueError(
                f"the journal {journal.path} holds trial {record['number']} twice; "
                "it was written to from outside: start with another file."
            )
        known[record["number"]] = record
    return known


def _configuration_text(trial: Trial) -> dict[str, Any]:
    return {"configuration": described(trial.configuration)}


def _from_journal(record: dict[str, Any] | None, proposal: Proposal) -> Trial | None:
    """Return a recorded trial with its configuration as it was proposed."""
    if record is None:
        return None
    configuration, resource = proposal
    same = as_json(record["configuration"]) == as_json(configuration)
    if not same or record["resource"] != resource:
        raise ValueError(
            f"trial {record['number']} of the journal tried {record['configuration']}, "
            f"this search proposes {configuration}; another version has written the "
            "journal: start with another file."
        )
    return Trial(**{**record, "configuration": configuration})

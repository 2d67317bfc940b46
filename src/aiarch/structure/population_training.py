"""Population-based training: weights, and schedules of hyperparameters, in one run.

Chapter: structure/population-based-training
"""

from __future__ import annotations

import copy
import math
import os
import pickle
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import joblib
import numpy as np

from aiarch.structure.population_history import Population, Stage
from aiarch.structure.population_rules import (
    perturb,
    resample,
    tournament,
    truncation,
)
from aiarch.structure.population_store import StageStore
from aiarch.training.spaces import Configuration, Space, as_json, as_space, described
from aiarch.training.trials import (
    as_they_end,
    check_int,
    check_jobs,
    progress_bar,
    proposal_rng,
)

EXPLOIT = {"truncation": truncation, "tournament": tournament}
EXPLORE = {"perturb": perturb, "resample": resample}


def population_based_training(
    space: Space | Mapping[str, Any],
    train: Callable[[Any, Configuration, int], tuple[Any, float]],
    *,
    population_size: int,
    num_rounds: int,
    seed: int,
    start: Sequence[Mapping[str, Any]] | None = None,
    exploit: str | Callable | None = "truncation",
    explore: str | Callable | None = "perturb",
    n_jobs: int | None = 1,
    folder: str | os.PathLike | None = None,
    progress: bool | None = None,
) -> Population:
    """Train a population in rounds; bad members go on from copies of good ones.

    After each round `exploit` says who goes on from whose state and hyperparameters,
    and `explore` changes the hyperparameters of the copies (of all members, if
    `exploit` is None). A stage that raises, or whose value is not finite, is recorded;
    its member keeps the state that it had before and loses every comparison.

    Args:
        space: names with sequences of choices or distributions, see `Space`.
        train: `train(state, hyperparameters, seed)` returns a new state and a finite
            number, higher is better. The state, None in the first round, is pickled
            and may be anything that can be, such as a list of a model's weights.
        population_size: number of members, at least 2.
        num_rounds: how often each member is trained.
        seed: non-negative; decides everything that is drawn, and each stage's seed.
        start: hyperparameters of each member in the first round; by default drawn.
        exploit: "truncation", "tournament", a function of scores and generator that
            returns each member's parent, or None.
        explore: "perturb", "resample", a function of hyperparameters, space and
            generator that returns new ones, or None.
        n_jobs: workers of joblib; None for what `joblib.parallel_config` says. The
            number changes no stage, unless `train` depends on it.
        folder: path of a folder in which every finished stage is kept, its state and
            then its record, or None. Called again with the same folder, the training
            goes on where it was. A changed `train` is not noticed: give it another
            folder. States are pickled: open no folder that you do not trust.
        progress: whether to show a bar on stderr; None for only at a terminal.

    Returns:
        A `Population` with `rounds`, `states`, `best`, `lineage` and `schedule`.

    Raises:
        TypeError: an argument is of the wrong type.
        ValueError: an argument is out of range, a choice is empty, or the folder
            belongs to another call.

    Example:
        >>> def train(state, hyperparameters, seed):
        ...     state = (state or 0.0) + hyperparameters["speed"]
        ...     return state, state
        >>> found = population_based_training(
        ...     {"speed": [1, 2, 3]}, train, population_size=4, num_rounds=5, seed=0
        ... )
        >>> len(found.schedule("speed")), found.best.value > 10
        (5, True)

    References:
        Jaderberg et al., "Population Based Training of Neural Networks", 2017,
        arXiv:1711.09846, Algorithm 1. There members are not in step; here all end a
        round before any copies, so that the timing of workers decides nothing.
    """
    space = as_space(space)
    check_int("population_size", population_size, 2)
    check_int("num_rounds", num_rounds, 1)
    check_int("seed", seed, 0)
    check_jobs("train", train, n_jobs)
    header = {
        "journal": "aiarch population-based training",
        "format": 1,
        "population_size": population_size,
        "num_rounds": num_rounds,
        "seed": seed,
    }
    settings = {"start": start, "exploit": exploit, "explore": explore}
    if folder is not None:
        header |= {"space": space.describe(), **described(settings)}
    exploit = _rule("exploit", exploit, EXPLOIT)
    explore = _rule("explore", explore, EXPLORE)
    _check_start(start, space, population_size)
    rounds: list[tuple[Stage, ...]] = []
    total = population_size * num_rounds
    with (
        StageStore(folder, header) as store,
        progress_bar("population_based_training", progress, total=total) as bar,
    ):
        for number in range(num_rounds):
            rng = proposal_rng(seed, number)
            if rounds:
                plan = _next_round(rounds[-1], space, rng, exploit, explore)
            elif start is not None:
                plan = [(member, dict(given)) for member, given in enumerate(start)]
            else:
                plan = [(member, space.draw(rng)) for member in range(population_size)]
            rounds.append(_run_round(plan, number, train, store, seed, n_jobs, bar))
            if number:
                store.forget(number - 1, population_size)
        last = [store.load(num_rounds - 1, k) for k in range(population_size)]
    return Population(tuple(rounds), tuple(pickle.loads(packed) for packed in last))


def _next_round(
    stages: Sequence[Stage],
    space: Space,
    rng: np.random.Generator,
    exploit: Callable | None,
    explore: Callable | None,
) -> list[tuple[int, Configuration]]:
    """Return each member's parent and hyperparameters for the next round."""
    parents = list(range(len(stages)))
    if exploit is not None:
        parents = [int(p) for p in exploit([stage.score for stage in stages], rng)]
    plan = []
    for member, parent in enumerate(parents):
        given = dict(stages[parent].hyperparameters)
        if explore is not None and (exploit is None or parent != member):
            given = explore(given, space, rng)
        plan.append((parent, given))
    return plan


def _run_round(
    plan: Sequence[tuple[int, Configuration]],
    number: int,
    train: Callable,
    store: StageStore,
    seed: int,
    n_jobs: int | None,
    bar: Any,
) -> tuple[Stage, ...]:
    jobs, found = [], {}
    for member, (parent, given) in enumerate(plan):
        own = np.random.SeedSequence([seed, number, member, 2]).generate_state(1)[0]
        stage = Stage(number, member, parent, given, int(own))
        record = store.records.get((number, member))
        if record is None:
            state = store.load(number - 1, parent) if number else pickle.dumps(None)
            jobs.append(joblib.delayed(_trained)(train, stage, state))
        else:
            found[member] = _from_record(record, stage)
            bar.update()
    for stage, state in as_they_end(jobs, n_jobs):
        given = described(stage.hyperparameters) if store.folder else {}
        store.save({**asdict(stage), "hyperparameters": given}, state)
        found[stage.member] = stage
        bar.update()
    bar.set_postfix(best=f"{max(stage.score for stage in found.values()):.4g}")
    return tuple(found[member] for member in range(len(plan)))


def _trained(train: Callable, stage: Stage, state: bytes) -> tuple[Stage, bytes]:
    """Train one member for one round; this runs in a worker."""
    begin, value, error = time.perf_counter(), None, None
    try:
        given = copy.deepcopy(stage.hyperparameters)
        after, value = train(pickle.loads(state), given, stage.seed)
        value, packed = float(value), pickle.dumps(after)
        if math.isfinite(value):
            state = packed
        else:
            value, error = None, f"returned {value}"
    except Exception as raised:  # a stage may fail in any way; the others go on
        value, error = None, f"{type(raised).__name__}: {raised}"
    seconds = time.perf_counter() - begin
    return replace(stage, value=value, error=error, seconds=seconds), state


def _from_record(record: Mapping[str, Any], stage: Stage) -> Stage:
    """Return a recorded stage with its hyperparameters as they were proposed."""
    same = as_json(record["hyperparameters"]) == as_json(stage.hyperparameters)
    if not same or (record["parent"], record["seed"]) != (stage.parent, stage.seed):
        raise ValueError(
            f"the journal has round {stage.round}, member {stage.member} with "
            f"{record['hyperparameters']} from member {record['parent']}, this call "
            f"proposes {stage.hyperparameters} from member {stage.parent}; another "
            "version has written it: start with another folder."
        )
    ends = {name: record[name] for name in ("value", "error", "seconds")}
    return replace(stage, **ends)


def _rule(name: str, given: Any, known: Mapping[str, Callable]) -> Callable | None:
    if given is None or callable(given):
        return given
    if given not in known:
        raise ValueError(
            f"`{name}` must be one of {sorted(known)}, a function or None, got "
            f"{given!r}; pass one of these."
        )
    return known[given]


def _check_start(start: Any, space: Space, population_size: int) -> None:
    if start is None:
        return
    if len(start) != population_size:
        raise ValueError(
            f"`start` must have one entry for each of {population_size} members, got "
            f"{len(start)}; leave it out to draw them."
        )
    for given in start:
        if set(given) != set(space.choices):
            raise ValueError(
                f"each entry of `start` must have the names {list(space.choices)}, "
                f"got {list(given)}; give each a value."
            )

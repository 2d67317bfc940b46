import importlib.util
import json
import os
import random
import subprocess
import sys
import textwrap
import threading
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import search_cases as cases

from aiarch.training import run_trials

each_search = pytest.mark.parametrize("name", cases.SEARCHES)


@each_search
def test_the_same_call_gives_the_same_trials(name):
    search = partial(cases.SEARCHES[name], cases.BITS, cases.noisy_ones)
    first = search(seed=1)
    assert first == search(seed=1)
    assert first != search(seed=2)
    assert [t.number for t in first.trials] == list(range(len(first.trials)))
    assert len({t.seed for t in first.trials}) == len(first.trials)


@each_search
@pytest.mark.parametrize("n_jobs", [2, 3])
def test_workers_change_nothing(name, n_jobs):
    search = partial(cases.SEARCHES[name], cases.BITS, cases.noisy_ones, seed=1)
    with joblib.parallel_config("threading"):
        assert search(n_jobs=n_jobs) == search()


@each_search
def test_processes_change_nothing(name):
    search = partial(cases.SEARCHES[name], cases.BITS, cases.noisy_ones, seed=1)
    assert search(n_jobs=2) == search()


def test_the_order_in_which_workers_end_changes_nothing():
    first_ends_last = threading.Event()

    def evaluate(configuration, seed):
        if configuration["x"] == 0:
            assert first_ends_last.wait(10)
        else:
            first_ends_last.set()
        return configuration["x"]

    def plan(run):
        run([({"x": k}, None) for k in range(3)])

    with joblib.parallel_config("threading"):
        options = {"kind": "k", "budget": 3, "seed": 0, "settings": {}}
        found = run_trials(plan, evaluate, {"x": range(3)}, n_jobs=2, **options)
    assert [t.value for t in found.trials] == [0, 1, 2]


def test_a_trials_seed_comes_from_the_search_and_its_number():
    found = cases.SEARCHES["random_search"](cases.BITS, cases.noisy_ones, seed=3)
    for k, trial in enumerate(found.trials):
        wanted = np.random.SeedSequence([3, k]).generate_state(1)[0]
        assert trial.seed == wanted and type(trial.seed) is int


@each_search
def test_failures_are_recorded_and_the_search_goes_on(name, tmp_path):
    def evaluate(configuration, seed, resource=1):
        if seed % 4 == 0:
            raise RuntimeError("planted")
        return {1: np.nan, 2: np.inf}.get(seed % 4, cases.noisy_ones(configuration, 1))

    search = partial(cases.SEARCHES[name], cases.BITS, evaluate, seed=1)
    found = search(journal=tmp_path / "j")
    errors = {t.error for t in found.trials}
    assert errors == {"RuntimeError: planted", "returned nan", "returned inf", None}
    assert all((t.value is None) == (t.error is not None) for t in found.trials)
    assert found.best.value is not None
    assert search(journal=tmp_path / "j") == found == search()


def test_evaluate_may_change_its_configuration():
    def evaluate(configuration, seed):
        return len(configuration.pop("layers")) + (configuration.clear() or 0)

    space = {"layers": [[1], [1, 2]]}
    found = cases.SEARCHES["random_search"](space, evaluate, seed=0)
    assert {len(t.configuration["layers"]) for t in found.trials} == {1, 2}


@each_search
def test_a_finished_search_is_read_from_its_journal(name, tmp_path):
    search = partial(cases.SEARCHES[name], cases.BITS, seed=1, journal=tmp_path / "j")
    found = search(cases.noisy_ones)

    def never(configuration, seed, resource=1):
        raise AssertionError("a finished trial ran again")

    assert search(never) == found
    assert search(never).best.value == found.best.value


@each_search
@pytest.mark.parametrize("kept", [0, 1, 7, 20])
def test_a_cut_journal_is_filled_up(name, kept, tmp_path):
    path = tmp_path / "j"
    search = partial(cases.SEARCHES[name], cases.BITS, seed=1, journal=path)
    found = search(cases.noisy_ones)
    lines = path.read_bytes().splitlines(keepends=True)
    order = [lines[0], *random.Random(kept).sample(lines[1:], kept)]
    path.write_bytes(b"".join(order))
    ran = []

    def counted(configuration, seed, resource=1):
        ran.append(seed)
        return cases.noisy_ones(configuration, seed, resource)

    if name == "random_search" or kept < 2:  # else later trials are not yet proposed
        assert search(counted) == found
        assert len(ran) == len(found.trials) - kept
        assert sorted(path.read_bytes().splitlines()) != []


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 2},
        {"budget": 23},
        {"space": {**cases.BITS, "more": [1]}},
        {"space": {**cases.BITS, "bit_0": [1, 0]}},
        {"name": "evolve"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_another_searchs_journal_is_refused(changes, tmp_path):
    path = tmp_path / "j"
    call = {"name": "random_search", "space": cases.BITS, "seed": 1}

    def search(name, space, **options):
        return cases.SEARCHES[name](space, cases.noisy_ones, journal=path, **options)

    search(**call)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="another search"):
        search(**{**call, **changes})
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("option", "value"),
    [("population_size", 9), ("sample_size", 2), ("batch_size", 2)],
)
def test_settings_are_part_of_a_search(option, value, tmp_path):
    search = partial(
        cases.SEARCHES["evolve"],
        cases.BITS,
        cases.noisy_ones,
        seed=1,
        journal=tmp_path / "j",
    )
    search()
    with pytest.raises(ValueError, match=f"another search.*{option}"):
        search(**{option: value})


def test_a_trial_of_another_proposal_or_twice_is_refused(tmp_path):
    path = tmp_path / "j"
    search = partial(
        cases.SEARCHES["random_search"],
        cases.BITS,
        cases.noisy_ones,
        seed=1,
        journal=path,
    )
    search()
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines, lines[3]]))
    with pytest.raises(ValueError, match="trial 2 twice"):
        search()
    record = json.loads(lines[3])
    record["configuration"]["bit_0"] ^= 1
    path.write_text("".join([*lines[:3], json.dumps(record) + "\n"]))
    with pytest.raises(ValueError, match="this search proposes"):
        search()


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX")
@pytest.mark.parametrize(
    ("name", "n_jobs"),
    [("random_search", 1), ("evolve", 1), ("evolve", 2), ("successive_halving", 1)],
)
def test_killed_searches_lose_and_repeat_nothing(name, n_jobs, tmp_path):
    rng = random.Random(f"{name}{n_jobs}")
    undisturbed = cases.SEARCHES[name](cases.BITS, cases.noisy_ones, seed=5)
    journal, log = tmp_path / "j", tmp_path / "log"
    num_trials, kills, finished = len(undisturbed.trials), 0, []
    moments = sorted(rng.sample(range(1, num_trials), 4 if n_jobs == 1 else 2))
    for moment in moments:
        process = cases.search_in_process(name, journal, log, n_jobs)
        kills += cases.kill_at(process, journal, moment + 1, rng)
        lines = journal.read_bytes().splitlines()[1:]
        assert lines[: len(finished)] == finished  # none lost
        finished = [line for line in lines if line.endswith(b"}")]
    process = cases.search_in_process(name, journal, log, n_jobs)
    assert process.wait() == 0 and kills >= len(moments) - 1

    def never(configuration, seed, resource=1):
        raise AssertionError("a finished trial ran again")

    resumed = cases.SEARCHES[name](cases.BITS, never, seed=5, journal=journal)
    assert resumed == undisturbed
    runs = [int(line) for line in log.read_text().split()]
    # Under way at a kill were at most so many trials; only these ran twice.
    assert len(runs) <= num_trials + kills * n_jobs
    assert set(runs) == {trial.seed for trial in undisturbed.trials}


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"budget": 0}, ValueError, "`budget` must be at least 1"),
        ({"budget": 2.5}, TypeError, "`budget` must be an int"),
        ({"budget": True}, TypeError, "`budget` must be an int"),
        ({"seed": None}, TypeError, "`seed` must be an int"),
        ({"seed": 1.0}, TypeError, "`seed` must be an int"),
        ({"seed": -1}, ValueError, "`seed` must be at least 0"),
        ({"n_jobs": 0}, ValueError, "`n_jobs` must not be 0"),
        ({"evaluate": 3}, TypeError, "`evaluate` must be a function"),
        ({"space": {}}, ValueError, "at least one name"),
        ({"space": {"a": []}}, ValueError, "at least one choice"),
    ],
)
@each_search
def test_bad_arguments_are_refused(name, changes, error, match):
    call = {"space": cases.BITS, "evaluate": cases.noisy_ones, "seed": 1, **changes}
    with pytest.raises(error, match=match):
        cases.SEARCHES[name](**call)


def test_progress_goes_to_stderr_only_when_wanted(capsys):
    search = partial(
        cases.SEARCHES["random_search"], cases.BITS, cases.noisy_ones, seed=1
    )
    search()
    assert capsys.readouterr() == ("", "")
    search(progress=True)
    out, err = capsys.readouterr()
    assert out == "" and "random_search: 24 trials" in err and "best=" in err


@pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray, an extra, is not installed"
)
def test_two_ray_workers_change_nothing():
    code = """
    import joblib
    import ray
    import search_cases as cases
    from ray.util.joblib import register_ray

    ray.init(num_cpus=2, include_dashboard=False)
    register_ray()
    for name, search in cases.SEARCHES.items():
        alone = search(cases.BITS, cases.noisy_ones, seed=1)
        with joblib.parallel_config("ray"):
            assert search(cases.BITS, cases.noisy_ones, seed=1, n_jobs=2) == alone
        print(name)
    """
    # In a process of its own: Ray leaves processes and files open at its end.
    command = [sys.executable, "-c", textwrap.dedent(code)]
    places = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    run = subprocess.run(
        command, capture_output=True, text=True, timeout=300, env=environment
    )
    assert run.returncode == 0, run.stderr[-3000:]
    assert all(name in run.stdout.split() for name in cases.SEARCHES)

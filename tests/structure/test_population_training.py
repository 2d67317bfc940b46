import importlib.util
import os
import random
import subprocess
import sys
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pages
import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "training"))
import population_cases as cases
import search_cases

from aiarch.structure import population_based_training


def states_equal(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a.states, b.states, strict=True))


def test_the_toy_stops_at_039_without_and_reaches_119_with():
    without = cases.train_toy(0, exploit=None, explore=None)
    decay = (1 - 2 * 0.05) ** (4 * 20)  # of the coordinate that a member sees
    assert without.scores[-1] == pytest.approx(1.2 - 0.81 - 0.81 * decay**2)
    assert [round(float(score), 3) for score in without.scores[-1]] == [0.39, 0.39]
    assert min(cases.train_toy(seed).best.value for seed in range(30)) >= 1.19


def test_the_same_call_gives_the_same_population():
    first = cases.train_walk()
    assert first == cases.train_walk() and states_equal(first, cases.train_walk())
    assert first != cases.train_walk(seed=6)
    assert [len(stages) for stages in first.rounds] == [4] * 6
    stages = [stage for stages in first.rounds for stage in stages]
    assert len({stage.seed for stage in stages}) == 24
    assert all(type(stage.seed) is int for stage in stages)
    assert [(s.round, s.member) for s in stages] == [
        (n, k) for n in range(6) for k in range(4)
    ]


def test_more_rounds_begin_with_the_same_rounds():
    assert cases.train_walk(num_rounds=3).rounds == cases.train_walk().rounds[:3]


def test_copies_go_on_from_state_and_hyperparameters_of_their_parent():
    seen = {}

    def train(state, hyperparameters, seed):
        seen[seed] = state
        return seed, cases.walk(None, hyperparameters, seed)[1]

    def explore(hyperparameters, space, rng):
        return {**hyperparameters, "noise": hyperparameters["noise"] + 100}

    found = cases.train_walk(train, explore=explore)
    num_copies = 0
    for before, after in zip(found.rounds, found.rounds[1:], strict=False):
        ranked = sorted(range(4), key=lambda k: -before[k].score)
        for stage in after:
            parent = before[stage.parent]
            assert seen[stage.seed] == parent.seed
            copied = stage.parent != stage.member
            num_copies += copied
            assert copied == (stage.member == ranked[-1])
            assert stage.parent in (stage.member, ranked[0])
            assert stage.hyperparameters == {
                "speed": parent.hyperparameters["speed"],
                "noise": parent.hyperparameters["noise"] + 100 * copied,
            }
    assert num_copies == 5
    assert found.states == tuple(stage.seed for stage in found.rounds[-1])


def test_without_exploit_every_member_explores_and_none_copies():
    found = cases.train_walk(exploit=None, explore="resample")
    for before, after in zip(found.rounds, found.rounds[1:], strict=False):
        for old, new in zip(before, after, strict=True):
            assert new.parent == new.member
            assert new.hyperparameters["noise"] != old.hyperparameters["noise"]
    still = cases.train_walk(exploit=None, explore=None)
    for stages in still.rounds:
        for first, stage in zip(still.rounds[0], stages, strict=True):
            assert stage.hyperparameters == first.hyperparameters


def test_without_explore_copies_keep_what_they_copied():
    found = cases.train_walk(explore=None)
    for before, after in zip(found.rounds, found.rounds[1:], strict=False):
        for new in after:
            assert new.hyperparameters == before[new.parent].hyperparameters
    assert len({str(stage.hyperparameters) for stage in found.rounds[-1]}) < 4


def test_the_tournament_lets_several_copy():
    found = cases.train_walk(exploit="tournament", population_size=12)
    copies = [s.parent != s.member for stages in found.rounds[1:] for s in stages]
    assert 0.3 < np.mean(copies) < 0.7  # half lose on average


def test_rules_of_ones_own():
    found = cases.train_walk(
        exploit=lambda scores, rng: np.roll(range(4), 1),
        explore=lambda hyperparameters, space, rng: {"speed": 1, "noise": 0.0},
    )
    assert [stage.parent for stage in found.rounds[1]] == [3, 0, 1, 2]
    assert found.rounds[3][2].hyperparameters == {"speed": 1, "noise": 0.0}


@pytest.mark.parametrize("n_jobs", [2, 3])
def test_workers_change_nothing(n_jobs):
    with joblib.parallel_config("threading"):
        found = cases.train_walk(n_jobs=n_jobs)
    assert found == cases.train_walk() and states_equal(found, cases.train_walk())


def test_processes_and_a_folder_change_nothing(tmp_path):
    found = cases.train_walk(n_jobs=2, folder=tmp_path)
    assert found == cases.train_walk() and states_equal(found, cases.train_walk())
    assert len(list(tmp_path.glob("*.state"))) == 4  # of the last round


def test_a_finished_training_is_read_from_its_folder(tmp_path):
    found = cases.train_walk(folder=tmp_path)
    again = cases.train_walk(cases.never, folder=tmp_path)
    assert again == found and states_equal(again, found)


@pytest.mark.parametrize("moment", [0, 1, 4, 9, 16, 23])
def test_an_interrupted_training_goes_on(moment, tmp_path):
    left, ran = [moment], []

    def train(state, hyperparameters, seed):
        ran.append(seed)
        left[0] -= 1
        if left[0] == -1:
            raise KeyboardInterrupt
        return cases.walk(state, hyperparameters, seed)

    with pytest.raises(KeyboardInterrupt):
        cases.train_walk(train, folder=tmp_path)
    found = cases.train_walk(train, folder=tmp_path)
    assert found == cases.train_walk() and states_equal(found, cases.train_walk())
    assert len(ran) == 25 and len(set(ran)) == 24  # one began twice


@pytest.mark.skipif(os.name != "posix", reason="SIGKILL is POSIX")
@pytest.mark.parametrize(("n_jobs", "num_kills"), [(1, 10), (2, 2)])
def test_killed_trainings_lose_and_repeat_nothing(n_jobs, num_kills, tmp_path):
    rng = random.Random(n_jobs)
    folder, log = tmp_path / "folder", tmp_path / "log"
    journal = folder / "journal.jsonl"
    kills, finished, begun = 0, [], []
    for moment in sorted(rng.sample(range(1, 22), num_kills)):
        process = cases.walk_in_process(folder, log, n_jobs)
        kills += search_cases.kill_at(process, journal, moment + 1, rng)
        lines = journal.read_bytes().splitlines()[1:]
        assert lines[: len(finished)] == finished  # none lost
        now = log.read_text().split()
        assert not set(done(finished)) & set(now[len(begun) :])  # none repeated
        finished = [line for line in lines if line.endswith(b"}")]
        begun = now
    process = cases.walk_in_process(folder, log, n_jobs)
    assert process.wait() == 0 and kills >= num_kills - 1
    undisturbed = cases.train_walk()
    resumed = cases.train_walk(cases.never, folder=folder)
    assert resumed == undisturbed and states_equal(resumed, undisturbed)
    runs = log.read_text().split()
    assert not set(done(finished)) & set(runs[len(begun) :])
    assert len(runs) <= 24 + kills * n_jobs
    seeds = {str(stage.seed) for stages in undisturbed.rounds for stage in stages}
    assert set(runs) == seeds


def done(lines):
    """Seeds of finished stages, as text."""
    return [line.decode().split('"seed": ')[1].split(",")[0] for line in lines]


def test_a_state_without_its_record_is_made_anew(tmp_path):
    found = cases.train_walk(folder=tmp_path)
    journal = tmp_path / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-1]))
    (tmp_path / "round-0004-member-000.state").write_bytes(b"left by a kill")
    for member in range(4):  # what the last stage goes on from was forgotten
        donor = cases.train_walk(num_rounds=5, folder=tmp_path / "donor")
        name = f"round-0004-member-{member:03d}.state"
        (tmp_path / name).write_bytes((tmp_path / "donor" / name).read_bytes())
    (tmp_path / "round-0005-member-003.state").write_bytes(b"left by a kill")
    resumed = cases.train_walk(folder=tmp_path)
    assert resumed == found and states_equal(resumed, found)
    assert donor.rounds == found.rounds[:5]


def test_a_torn_last_line_is_kept_and_its_stage_runs_again(tmp_path):
    def stopping(state, hyperparameters, seed):
        if (tmp_path / "journal.jsonl").read_bytes().count(b"\n") == 11:
            raise KeyboardInterrupt
        return cases.walk(state, hyperparameters, seed)

    with pytest.raises(KeyboardInterrupt):
        cases.train_walk(stopping, folder=tmp_path)
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-20])
    with pytest.warns(RuntimeWarning, match="torn"):
        found = cases.train_walk(folder=tmp_path)
    assert found == cases.train_walk() and states_equal(found, cases.train_walk())
    assert (tmp_path / "journal.jsonl.torn").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 6},
        {"num_rounds": 7},
        {"population_size": 5},
        {"exploit": "tournament"},
        {"exploit": None},
        {"explore": "resample"},
        {"explore": cases.never},
        {"start": [{"speed": 1, "noise": 0.5}] * 4},
    ],
)
def test_the_folder_of_another_call_is_refused(changes, tmp_path):
    cases.train_walk(folder=tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match=f"another.*{next(iter(changes))}"):
        cases.train_walk(cases.never, folder=tmp_path, **changes)
    with pytest.raises(ValueError, match="another.*space"):
        space = {**cases.SPACE, "speed": [1, 2, 4]}
        population_based_training(space, cases.never, folder=tmp_path, **cases.OPTIONS)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_records_of_other_proposals_are_refused(tmp_path):
    cases.train_walk(folder=tmp_path)
    journal = tmp_path / "journal.jsonl"
    text = journal.read_text()
    journal.write_text(text.replace('"parent": 1', '"parent": 2', 1))
    with pytest.raises(ValueError, match="this call proposes"):
        cases.train_walk(cases.never, folder=tmp_path)


def test_rules_without_a_name_cannot_be_kept_in_a_folder(tmp_path):
    with pytest.raises(TypeError, match="cannot identify"):
        cases.train_walk(explore=lambda given, space, rng: given, folder=tmp_path)


@pytest.mark.parametrize("folder", [True, False])
def test_failures_are_recorded_and_the_training_goes_on(folder, tmp_path):
    folder = tmp_path if folder else None

    def train(state, hyperparameters, seed):
        state, value = cases.walk(state, hyperparameters, seed)  # changes in place
        if seed % 5 == 0:
            raise RuntimeError("planted")
        return state, {1: np.nan, 2: np.inf}.get(seed % 5, value)

    train_walk = partial(cases.train_walk, train, population_size=8, num_rounds=20)
    found = train_walk(folder=folder)
    stages = [stage for stages in found.rounds for stage in stages]
    errors = {stage.error for stage in stages}
    assert errors == {"RuntimeError: planted", "returned nan", "returned inf", None}
    assert all((stage.value is None) == (stage.error is not None) for stage in stages)
    assert found == train_walk(folder=folder)
    for before, after in zip(found.rounds, found.rounds[1:], strict=False):
        assert any(stage.value is not None for stage in before)
        for stage in after:
            assert before[stage.parent].value is not None  # nobody goes on from one


@pytest.mark.parametrize("error", ["RuntimeError: planted", "returned nan"])
def test_a_failed_stage_keeps_the_state_of_before(error):
    def train(state, hyperparameters, seed):
        state = [*(state or []), seed]
        if len(state) == 3 and "planted" in error:
            raise RuntimeError("planted")
        return state, 1.0 if len(state) < 3 else np.nan

    found = cases.train_walk(train, num_rounds=4)
    assert [len(state) for state in found.states] == [2] * 4
    assert {stage.error for stage in found.rounds[2]} == {error}
    with pytest.raises(ValueError, match=error):
        _ = found.best


def test_a_state_that_cannot_be_pickled_is_a_failure():
    found = cases.train_walk(lambda state, given, seed: (lambda: 0, 1.0), num_rounds=1)
    assert all("pickle" in stage.error for stage in found.rounds[0])


def test_train_may_change_its_hyperparameters():
    def train(state, hyperparameters, seed):
        return None, hyperparameters.pop("noise") + (hyperparameters.clear() or 0)

    found = cases.train_walk(train)
    assert all(set(s.hyperparameters) == set(cases.SPACE) for s in found.rounds[-1])


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"population_size": 1}, ValueError, "`population_size` must be at least 2"),
        ({"population_size": 2.0}, TypeError, "`population_size` must be an int"),
        ({"num_rounds": 0}, ValueError, "`num_rounds` must be at least 1"),
        ({"seed": -1}, ValueError, "`seed` must be at least 0"),
        ({"seed": None}, TypeError, "`seed` must be an int"),
        ({"n_jobs": 0}, ValueError, "`n_jobs` must not be 0"),
        ({"train": 3}, TypeError, "`train` must be a function"),
        ({"exploit": "best"}, ValueError, "`exploit` must be one of.*'best'"),
        ({"explore": 1.2}, ValueError, "`explore` must be one of.*1.2"),
        ({"start": [{"speed": 1, "noise": 0}]}, ValueError, "for each of 4 members"),
        ({"start": [{"speed": 1}] * 4}, ValueError, "must have the names"),
    ],
)
def test_bad_arguments_are_refused(changes, error, match, tmp_path):
    with pytest.raises(error, match=match):
        cases.train_walk(folder=tmp_path / "new", **changes)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("space", [{}, {"a": []}])
def test_an_empty_space_or_choice_is_refused(space):
    with pytest.raises(ValueError, match="at least one"):
        population_based_training(space, cases.walk, **cases.OPTIONS)


def test_progress_goes_to_stderr_only_when_wanted(capsys):
    cases.train_walk()
    assert capsys.readouterr() == ("", "")
    cases.train_walk(progress=True)
    out, err = capsys.readouterr()
    assert out == "" and "population_based_training: 100%" in err and "best=" in err


def test_progress_counts_what_was_there(capsys, tmp_path):
    cases.train_walk(folder=tmp_path)
    cases.train_walk(cases.never, folder=tmp_path, progress=True)
    assert "24/24" in capsys.readouterr().err


@pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="Ray, an extra, is not installed"
)
def test_rays_training_reaches_the_same_on_the_toy():
    path = pages.ROOT / "benchmarks" / "population_ray.py"
    # In a process of its own: Ray leaves processes and files open at its end.
    code = f"""if True:
    import runpy
    run = runpy.run_path({str(path)!r})["run"]
    found = run(
        0, num_trainings=1, num_rounds=20, resample_probabilities={{"always": 1.0}}
    )
    assert min(found["always_values"]) >= 1.19, found
    """
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert run.returncode == 0, run.stderr[-3000:]

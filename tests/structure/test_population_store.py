import json

import pytest

from aiarch.structure import StageStore
from aiarch.structure.population_store import JOURNAL

HEADER = {"kind": "test", "seed": 1}


@pytest.fixture(params=["memory", "folder"])
def folder(request, tmp_path):
    return None if request.param == "memory" else tmp_path / "deep" / "folder"


def test_states_come_back_until_they_are_forgotten(folder):
    with StageStore(folder, HEADER) as store:
        for number in range(2):
            for member in range(3):
                record = {"round": number, "member": member}
                store.save(record, f"{number}{member}".encode())
        assert store.load(0, 2) == b"02" and store.load(1, 0) == b"10"
        store.forget(0, 3)
        with pytest.raises((KeyError, FileNotFoundError)):
            store.load(0, 2)
        assert store.load(1, 2) == b"12"
        assert set(store.records) == {(n, m) for n in range(2) for m in range(3)}
    if folder is not None:
        assert len(list(folder.glob("*.state"))) == 3
        assert not list(folder.glob("*.part"))


def test_a_folder_is_read_again(tmp_path):
    with StageStore(tmp_path, HEADER) as store:
        store.save({"round": 0, "member": 1, "value": 0.1}, b"one")
    with StageStore(tmp_path, HEADER) as store:
        assert store.records == {(0, 1): {"round": 0, "member": 1, "value": 0.1}}
        assert store.load(0, 1) == b"one"


def test_the_state_is_in_place_before_its_record(tmp_path):
    with StageStore(tmp_path, HEADER) as store:
        append, seen = store._journal.append, []

        def looking(record):
            seen.extend(path.read_bytes() for path in tmp_path.glob("*.state"))
            append(record)

        store._journal.append = looking
        store.save({"round": 0, "member": 0}, b"whole")
    assert seen == [b"whole"]


def test_another_trainings_folder_is_refused_and_left_alone(tmp_path):
    with StageStore(tmp_path, HEADER) as store:
        store.save({"round": 0, "member": 0}, b"state")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match="another.*seed: 1 there, 2 here"):
        StageStore(tmp_path, {**HEADER, "seed": 2})
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    with StageStore(tmp_path, HEADER):  # the lock was given up
        pass


def test_two_at_once_are_refused(tmp_path):
    with StageStore(tmp_path, HEADER):
        with pytest.raises(RuntimeError, match="in use by another"):
            StageStore(tmp_path, HEADER)


def test_a_stage_that_is_there_twice_is_refused(tmp_path):
    with StageStore(tmp_path, HEADER) as store:
        store.save({"round": 3, "member": 2}, b"state")
    journal = tmp_path / JOURNAL
    lines = journal.read_text().splitlines()
    journal.write_text("\n".join([*lines, lines[1]]) + "\n")
    for _ in range(2):  # and the lock is given up each time
        with pytest.raises(ValueError, match="round 3, member 2 twice"):
            StageStore(tmp_path, HEADER)


def test_a_torn_last_line_is_kept_and_reported(tmp_path):
    with StageStore(tmp_path, HEADER) as store:
        for member in range(2):
            store.save({"round": 0, "member": member}, b"state")
    journal = tmp_path / JOURNAL
    journal.write_bytes(journal.read_bytes()[:-8])
    torn = journal.read_bytes().splitlines()[-1]
    with pytest.warns(RuntimeWarning, match="torn"):
        store = StageStore(tmp_path, HEADER)
    with store:
        assert set(store.records) == {(0, 0)}
    assert (tmp_path / f"{JOURNAL}.torn").read_bytes().splitlines() == [torn]
    assert [json.loads(line) for line in journal.read_text().splitlines()][1:] == [
        {"round": 0, "member": 0}
    ]


def test_a_state_that_is_gone_is_reported(tmp_path):
    with StageStore(tmp_path, HEADER) as store:
        store.save({"round": 0, "member": 0}, b"state")
        next(tmp_path.glob("*.state")).unlink()
        with pytest.raises(FileNotFoundError, match="round 0, member 0.* is gone"):
            store.load(0, 0)


def test_a_file_is_no_folder(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(NotADirectoryError, match="`folder` must be a folder"):
        StageStore(path, HEADER)

import json
import subprocess
import sys

import pytest

from aiarch.training import Journal

HEADER = {"kind": "test", "seed": 1}


def filled(path, count=3):
    with Journal(path, HEADER) as journal:
        for number in range(count):
            journal.append({"number": number})
    return path


def test_records_come_back_in_order(tmp_path):
    path = filled(tmp_path / "j")
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        HEADER,
        *({"number": n} for n in range(3)),
    ]
    with Journal(path, HEADER) as journal:
        assert journal.records == [{"number": n} for n in range(3)]
        journal.append({"number": 3})
        assert journal.records[-1] == {"number": 3}
    with Journal(path, HEADER) as journal:
        assert len(journal.records) == 4


def test_a_record_is_on_disk_when_append_returns(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(
        "os.fsync", lambda fd: synced.append((tmp_path / "j").read_text())
    )
    with Journal(tmp_path / "j", HEADER) as journal:
        journal.append({"number": 7})
    assert synced[-1].endswith('{"number": 7}\n')


def test_the_journal_of_another_is_refused_and_left_as_it_is(tmp_path):
    path = filled(tmp_path / "j")
    before = path.read_bytes()
    with pytest.raises(ValueError, match="another search.*seed: 1 there, 2 here"):
        Journal(path, {**HEADER, "seed": 2})
    with pytest.raises(ValueError, match="budget: None there, 5 here"):
        Journal(path, {**HEADER, "budget": 5})
    assert path.read_bytes() == before


@pytest.mark.parametrize("torn", [b'{"num', b"{", b'{"number": 3, "x": \n', b"\0\0"])
def test_a_torn_last_line_is_kept_and_reported(tmp_path, torn):
    path = filled(tmp_path / "j")
    whole = path.read_bytes()
    path.write_bytes(whole + torn)
    with pytest.warns(RuntimeWarning, match="torn"), Journal(path, HEADER) as journal:
        assert len(journal.records) == 3
        journal.append({"number": 3})
    assert (tmp_path / "j.torn").read_bytes() == torn.rstrip(b"\n") + b"\n"
    assert path.read_bytes() == whole + b'{"number": 3}\n'


def test_a_second_torn_line_joins_the_first(tmp_path):
    path = filled(tmp_path / "j")
    for torn in (b"{1", b"{2"):
        path.write_bytes(path.read_bytes() + torn)
        with pytest.warns(RuntimeWarning, match="torn"):
            Journal(path, HEADER).close()
    assert (tmp_path / "j.torn").read_bytes() == b"{1\n{2\n"


def test_a_torn_header_is_replaced(tmp_path):
    path = tmp_path / "j"
    path.write_bytes(b'{"kind": "te')
    with pytest.warns(RuntimeWarning, match="torn"):
        Journal(path, HEADER).close()
    assert json.loads(path.read_text()) == HEADER


def test_a_line_that_lacks_only_its_end_is_a_record(tmp_path):
    path = filled(tmp_path / "j")
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    with Journal(path, HEADER) as journal:
        assert len(journal.records) == 3
        journal.append({"number": 3})
    with Journal(path, HEADER) as journal:
        assert len(journal.records) == 4
    assert not (tmp_path / "j.torn").exists()


def test_damage_in_the_middle_is_an_error(tmp_path):
    path = filled(tmp_path / "j")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"{broken\n" + lines[2])
    with pytest.raises(ValueError, match="line 2 .*damaged"):
        Journal(path, HEADER)


def test_nan_is_no_record(tmp_path):
    with Journal(tmp_path / "j", HEADER) as journal:
        with pytest.raises(ValueError, match="JSON"):
            journal.append({"value": float("nan")})
    with Journal(tmp_path / "j", HEADER) as journal:
        assert journal.records == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no flock")
def test_two_processes_cannot_share_a_journal(tmp_path):
    path = tmp_path / "j"
    code = (
        "from aiarch.training import Journal\n"
        f"try: Journal({str(path)!r}, {HEADER!r})\n"
        "except RuntimeError as error: print(error)"
    )
    command = [sys.executable, "-c", code]
    with Journal(path, HEADER):
        said = subprocess.run(command, capture_output=True, text=True).stdout
        assert "in use by another process" in said
        with pytest.raises(RuntimeError, match="in use"):
            Journal(path, HEADER)
    assert subprocess.run(command, capture_output=True, text=True).stdout == ""

"""The scoreboard: rows, refusals, its two looks, and JSON."""

import json

import numpy as np
import pytest

from aiarch.foundations import Scoreboard, bootstrap_interval, measure_latency

ROW = {
    "quality": 0.95,
    "interval": (0.94, 0.96),
    "parameters": 61_706,
    "flops": 831_066,
    "size_bytes": 283_128,
    "p50_ms": 0.3,
    "p95_ms": 0.4,
}


@pytest.fixture
def board():
    board = Scoreboard("test accuracy", size_name=".keras file")
    board.add("plain", **ROW)
    return board


def test_rows_keep_order_and_values(board):
    board.add("smaller", **{**ROW, "parameters": np.int64(10)})
    assert [row["name"] for row in board.rows] == ["plain", "smaller"]
    assert board.rows[0] == {
        "name": "plain",
        "quality": 0.95,
        "low": 0.94,
        "high": 0.96,
        "parameters": 61_706,
        "flops": 831_066,
        "size_bytes": 283_128,
        "p50_ms": 0.3,
        "p95_ms": 0.4,
    }
    board.rows[0]["quality"] = 2  # a copy
    assert board.rows[0]["quality"] == 0.95


def test_measures_of_the_package_fit_in(board):
    right = np.arange(100) < 90
    interval = bootstrap_interval(right)
    latency = measure_latency(sum, [1, 2], repeats=20)
    times = {"p50_ms": None, "p95_ms": None, "latency": latency}
    board.add("other", **{**ROW, "quality": 0.9, "interval": interval, **times})
    assert board.rows[1]["low"] == interval.low
    assert board.rows[1]["p95_ms"] == latency.p95_ms


def test_a_name_is_not_used_twice(board):
    with pytest.raises(ValueError, match="'plain' is on the board already"):
        board.add("plain", **ROW)
    assert len(board) == 1


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"quality": float("nan")}, ValueError, "quality must be a finite number"),
        ({"quality": 0.97}, ValueError, "interval must hold quality=0.97"),
        ({"interval": (0.96, 0.94)}, ValueError, "interval must hold"),
        ({"parameters": -1}, ValueError, "parameters must be zero or positive"),
        ({"parameters": 1.5}, TypeError, "parameters must be an integer, got 1.5"),
        ({"flops": True}, TypeError, "flops must be an integer, got True"),
        ({"size_bytes": None}, TypeError, "size_bytes must be an integer, got None"),
        ({"p95_ms": 0.2}, ValueError, "were the two exchanged"),
        ({"p50_ms": -0.1}, ValueError, "neither negative"),
        ({"p50_ms": None}, ValueError, "p50_ms must be a finite number, got None"),
    ],
)
def test_bad_rows_are_refused(board, change, error, message):
    with pytest.raises(error, match=message):
        board.add("bad", **{**ROW, **change})
    assert len(board) == 1


def test_latency_is_given_once(board):
    with pytest.raises(ValueError, match="not both"):
        board.add("bad", latency=measure_latency(int, repeats=1), **ROW)


@pytest.mark.parametrize("name", ["", "  ", None, 3])
def test_names_are_words(board, name):
    with pytest.raises(ValueError, match="name must be a name in words"):
        board.add(name, **ROW)
    with pytest.raises(ValueError, match="quality_name must be a name"):
        Scoreboard(name)


def test_json_round_trip(board, tmp_path):
    board.add("Größe <b>", **ROW)
    board.save(tmp_path / "board.json")
    again = Scoreboard.load(tmp_path / "board.json")
    assert again.rows == board.rows
    assert (again.quality_name, again.size_name) == ("test accuracy", ".keras file")
    lower = Scoreboard("bits per byte", higher_is_better=False)
    lower.save(tmp_path / "board.json")
    assert Scoreboard.load(tmp_path / "board.json").higher_is_better is False


def test_files_that_hold_no_board_are_refused(board, tmp_path):
    path = tmp_path / "board.json"
    for text in ("{", "{}", "[]", '{"rows": [{"name": "x"}]}', '{"rows": 3}'):
        path.write_text(text)
        with pytest.raises(ValueError, match="must be a file written by Scoreboard"):
            Scoreboard.load(path)
    board.save(path)
    record = json.loads(path.read_text())
    record["rows"].append(record["rows"][0])
    path.write_text(json.dumps(record))
    with pytest.raises(ValueError, match="on the board already"):
        Scoreboard.load(path)


def test_terminal_and_page_show_the_same_cells(board):
    board.add("a & <b>", **ROW)
    data, metadata = board._repr_mimebundle_()
    assert metadata == {"aiarch": {"scoreboard": board.rows}}
    assert data["text/plain"] == str(board)
    assert "a &amp; &lt;b&gt;" in data["text/html"] and "<b>" not in data["text/html"]
    for cell in ("61,706", "831,066", "283,128", "0.9500", "0.9400 to 0.9600"):
        assert cell in str(board) and cell in data["text/html"]
    lines = str(board).splitlines()
    assert len(lines) == 3 and "higher is better" in lines[0]

"""The runner of benchmarks resumes, notices changes, and stored results are whole."""

import json

import bench
import pytest

RESULTS = sorted((bench.FOLDER / "results").rglob("*.json"))
SOURCE = """
SETTINGS = {"size": %d}
SEEDS = (0, 1, 2)


def run(seed, size):
    log = __import__("pathlib").Path(__file__).with_suffix(".log")
    with log.open("a") as file:
        file.write(f"{seed}\\n")
    if seed == 2 and log.read_text().count("2") == 1:
        raise KeyboardInterrupt
    return {"figure_ms": size * (seed + 1.0), "name": "text"}
"""


def test_a_stopped_benchmark_goes_on_where_it_was(tmp_path):
    path = tmp_path / "planted.py"
    path.write_text(SOURCE % 10)
    with pytest.raises(KeyboardInterrupt):
        bench.run_benchmark(path, "here", tmp_path)
    stored = json.loads((tmp_path / "here" / "planted.json").read_text())
    assert [run["seed"] for run in stored["runs"]] == [0, 1]
    target = bench.run_benchmark(path, "here", tmp_path)
    stored = json.loads(target.read_text())
    assert [run["seed"] for run in stored["runs"]] == [0, 1, 2]
    assert stored["summary"] == {"figure_ms_median": 20.0}
    assert path.with_suffix(".log").read_text().split() == ["0", "1", "2", "2"]


def test_other_settings_or_another_source_start_anew(tmp_path):
    path = tmp_path / "planted.py"
    path.with_suffix(".log").write_text("2\n")
    for size in (10, 20):
        path.write_text(SOURCE % size)
        target = bench.run_benchmark(path, "here", tmp_path)
        stored = json.loads(target.read_text())
        assert stored["summary"] == {"figure_ms_median": 2.0 * size}
        assert stored["settings"]["size"] == size


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_stored_results_are_whole_and_belong_to_a_benchmark(path):
    stored = json.loads(path.read_text())
    wanted = {"benchmark", "machine", "date", "versions", "settings", "runs", "summary"}
    assert set(stored) == wanted
    assert (stored["machine"], stored["benchmark"]) == (path.parent.name, path.stem)
    assert (bench.FOLDER / f"{path.stem}.py").exists()
    assert stored["summary"] == bench.summarise(stored["runs"])


def test_there_are_stored_results():
    assert RESULTS

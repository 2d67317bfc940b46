"""Run the files of `benchmarks/` and store what they measure, one run after the other.

A benchmark is a file with `SETTINGS` (a dictionary), `SEEDS` (a sequence) and
`run(seed, **SETTINGS)`, which returns figures by name. Each finished run is on disk
before the next one starts, so that a stopped benchmark goes on where it was; runs that
were made with other settings or another source file are made anew. Results are in
`benchmarks/results/<machine>/<benchmark>.json`.
"""

import argparse
import datetime
import hashlib
import importlib.metadata
import json
import os
import platform
import runpy
import statistics
import sys
from pathlib import Path

from pages import ROOT

FOLDER = ROOT / "benchmarks"
PACKAGES = ("numpy", "keras", "tensorflow", "jax", "torch")


def machine_name() -> str:
    """Name of this machine's kind, such as `x86_64-2-cores`."""
    return f"{platform.machine().lower()}-{os.cpu_count()}-cores"


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that decide speed, where installed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def summarise(runs: list[dict]) -> dict[str, float]:
    """Median over the runs of every figure that is a number."""
    names = [name for name in runs[0] if name != "seed"]
    return {
        f"{name}_median": statistics.median(run[name] for run in runs)
        for name in names
        if isinstance(runs[0][name], int | float)
    }


def run_benchmark(path: Path, machine: str, results: Path | None = None) -> Path:
    """Run what is missing of one benchmark and return the file of its results."""
    benchmark = runpy.run_path(str(path))  # an import could take stale bytecode
    target = (results or FOLDER / "results") / machine / f"{path.stem}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    source = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    settings = {**benchmark["SETTINGS"], "source": source}
    stored = json.loads(target.read_text()) if target.exists() else {}
    runs = stored.get("runs", []) if stored.get("settings") == settings else []
    for seed in benchmark["SEEDS"]:
        if any(run["seed"] == seed for run in runs):
            continue
        runs.append({"seed": seed, **benchmark["run"](seed, **benchmark["SETTINGS"])})
        record = {
            "benchmark": path.stem,
            "machine": machine,
            "date": datetime.date.today().isoformat(),
            "versions": versions(),
            "settings": settings,
            "runs": runs,
            "summary": summarise(runs),
        }
        part = target.with_suffix(".part")
        part.write_text(json.dumps(record, indent=1) + "\n")
        os.replace(part, target)
    return target


def main() -> int:
    """Run the benchmarks named, or all, and print their summaries."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    present = sorted(path.stem for path in FOLDER.glob("*.py"))
    parser.add_argument("names", nargs="*", help=f"of {present}; by default all")
    parser.add_argument("--machine", default=machine_name(), help="name of the machine")
    given = parser.parse_args()
    unknown = sorted(set(given.names) - set(present))
    if unknown:
        parser.error(f"no benchmark {unknown}; there are {present}")
    for name in given.names or present:
        target = run_benchmark(FOLDER / f"{name}.py", given.machine)
        print(f"{name} ({target.relative_to(ROOT)})")
        for figure, value in json.loads(target.read_text())["summary"].items():
            print(f"  {figure:45} {value:.4g}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

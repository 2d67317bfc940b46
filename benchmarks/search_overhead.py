"""What a search adds to its trials, and how well two workers share them.

The overhead is the time of a search of empty trials over their number, without a
journal and with one. The cost of the file system is measured by itself: as many short
lines, each written and synchronised. Parallel efficiency is the time of a search by one
worker over twice that by two, with trials that keep one core busy; it is as low as the
machine is busy otherwise.
"""

import os
import tempfile
import time
from pathlib import Path

import numpy as np

from aiarch.structure import evolve
from aiarch.training import random_search

SETTINGS = {"num_empty": 300, "num_busy": 24, "busy_seconds": 0.2}
SEEDS = (0, 1, 2)
SPACE = {f"bit_{k}": (0, 1) for k in range(10)}


def empty(configuration, seed):
    """Cost nothing."""
    return 0.0


class Busy:
    """Keep one core busy for a time that was measured on an idle one."""

    def __init__(self, rounds):
        self.rounds = rounds

    def __call__(self, configuration, seed):
        """Sort numbers again and again."""
        numbers = np.random.default_rng(seed).normal(size=20_000)
        return sum(float(np.sort(numbers)[0]) for _ in range(self.rounds))


def timed(search, evaluate, **options):
    """Seconds of one search."""
    begin = time.perf_counter()
    search(SPACE, evaluate, seed=0, **options)
    return time.perf_counter() - begin


def seconds_a_sync(folder, count):
    """Time of writing and synchronising one line."""
    with (folder / "lines").open("ab") as file:
        begin = time.perf_counter()
        for _ in range(count):
            file.write(b"x" * 200 + b"\n")
            file.flush()
            os.fsync(file.fileno())
    return (time.perf_counter() - begin) / count


def run(seed, num_empty, num_busy, busy_seconds):
    """Overheads in milliseconds a trial, and parallel efficiency."""
    figures = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for search in (random_search, evolve):
            for kind in ("plain", "journal"):
                path = folder / search.__name__ if kind == "journal" else None
                seconds = timed(search, empty, budget=num_empty, journal=path)
                figures[f"{search.__name__}_{kind}_ms"] = 1e3 * seconds / num_empty
        figures["fsync_ms"] = 1e3 * seconds_a_sync(folder, num_empty)
    begin = time.perf_counter()
    Busy(100)({}, 0)
    busy = Busy(max(1, round(100 * busy_seconds / (time.perf_counter() - begin))))
    timed(random_search, busy, budget=4, n_jobs=2)  # start the workers
    one, two = (timed(random_search, busy, budget=num_busy, n_jobs=n) for n in (1, 2))
    figures["two_workers_efficiency"] = one / (2 * two)
    two = timed(random_search, empty, budget=num_empty, n_jobs=2)
    figures["two_workers_empty_ms"] = 1e3 * two / num_empty
    return figures

"""What tests of searches share: cheap evaluations, searches, a killed process."""

import os
import random
import signal
import subprocess
import sys
import textwrap
import time
from functools import partial
from pathlib import Path

import numpy as np

from aiarch.structure import evolve
from aiarch.training import random_search, successive_halving

BITS = {f"bit_{k}": [0, 1] for k in range(12)}
SEARCHES = {
    "random_search": partial(random_search, budget=24),
    "successive_halving": partial(successive_halving, budget=120, max_resource=9),
    "evolve": partial(
        evolve, budget=24, population_size=8, sample_size=3, batch_size=4
    ),
}


def noisy_ones(configuration, seed, resource=1):
    """Count ones, with noise that only the seed decides."""
    noise = np.random.default_rng(seed).normal(0, 0.1 / resource)
    return sum(configuration.values()) + noise


def slow_ones(configuration, seed, resource=1, *, log):
    """The same after a short sleep, entered in a file when it begins."""
    with Path(log).open("a") as file:
        file.write(f"{seed}\n")
    time.sleep(0.01)
    return noisy_ones(configuration, seed, resource)


def search_in_process(name, journal, log, n_jobs):
    """Start a process that searches with a journal, and return it."""
    code = f"""
    import sys
    sys.path.insert(0, {str(Path(__file__).parent)!r})
    from functools import partial
    import search_cases as cases
    evaluate = partial(cases.slow_ones, log={str(log)!r})
    search = cases.SEARCHES[{name!r}]
    options = {{"seed": 5, "n_jobs": {n_jobs}, "journal": {str(journal)!r}}}
    search(cases.BITS, evaluate, **options)
    """
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)]
    return subprocess.Popen(command, start_new_session=True)


def kill(process):
    """Kill a process and its workers without warning."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def count_lines(path):
    """Number of complete lines of a file that may not be there yet."""
    path = Path(path)
    return path.read_bytes().count(b"\n") if path.exists() else 0


def kill_at(process, journal, lines, rng=random):
    """Kill a process a random moment after its journal has so many lines."""
    while process.poll() is None and count_lines(journal) < lines:
        time.sleep(0.002)
    time.sleep(rng.uniform(0, 0.015))
    alive = process.poll() is None
    kill(process)
    return alive

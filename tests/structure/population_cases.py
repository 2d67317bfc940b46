"""What tests of population-based training share: cheap trainings, the toy, a kill."""

import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aiarch.structure import population_based_training


@dataclass(frozen=True)
class Uniform:
    """A distribution; with that of scipy, each killed process would take longer."""

    low: float = 0.0
    high: float = 1.0

    def rvs(self, random_state):
        """Draw one number."""
        return random_state.uniform(self.low, self.high)

    def support(self):
        """Smallest and largest number."""
        return self.low, self.high


SPACE = {"speed": [1, 2, 4, 8], "noise": Uniform()}
OPTIONS = {"population_size": 4, "num_rounds": 6, "seed": 5}

TOY = {"h0": Uniform(), "h1": Uniform()}
TOY_START = [{"h0": 1.0, "h1": 0.0}, {"h0": 0.0, "h1": 1.0}]


def walk(state, hyperparameters, seed):
    """Climb, with noise that only the seed decides; the state is changed in place."""
    state = np.zeros(3) if state is None else state
    noise = np.random.default_rng(seed).normal(size=3)
    state += hyperparameters["speed"] / 10 + hyperparameters["noise"] * noise
    return state, float(state.sum())


def slow_walk(state, hyperparameters, seed, *, log):
    """The same after a short sleep, entered in a file when it begins."""
    with Path(log).open("a") as file:
        file.write(f"{seed}\n")
    time.sleep(0.01)
    return walk(state, hyperparameters, seed)


class RanAgainError(BaseException):
    """A finished stage ran again; a training must not record this as a failure."""


def never(state, hyperparameters, seed):
    """Fail the test if a stage runs."""
    raise RanAgainError


def train_walk(train=walk, **changes):
    """Population-based training of the walk."""
    return population_based_training(SPACE, train, **{**OPTIONS, **changes})


def toy(state, hyperparameters, seed, *, num_steps=4, learning_rate=0.05):
    """Gradient steps on the surrogate; what counts is the true surface."""
    theta = np.full(2, 0.9) if state is None else state
    weights = np.array([hyperparameters["h0"], hyperparameters["h1"]])
    for _ in range(num_steps):
        theta = theta + learning_rate * -2 * weights * theta
    return theta, 1.2 - theta @ theta


def train_toy(seed, **changes):
    """Two members on the toy surface, each of which sees one coordinate at first."""
    options = {"population_size": 2, "num_rounds": 20, "explore": "resample"}
    return population_based_training(
        TOY, toy, seed=seed, start=TOY_START, **{**options, **changes}
    )


def walk_in_process(folder, log, n_jobs):
    """Start a process that trains in a folder, and return it."""
    code = f"""
    import sys
    sys.path.insert(0, {str(Path(__file__).parent)!r})
    from functools import partial
    import population_cases as cases
    train = partial(cases.slow_walk, log={str(log)!r})
    cases.train_walk(train, folder={str(folder)!r}, n_jobs={n_jobs})
    """
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)]
    return subprocess.Popen(command, start_new_session=True)

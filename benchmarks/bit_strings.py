"""Regularized evolution and random search on strings of bits, as many trials for each.

A trial's value is the share of ones among 100 bits plus noise with standard deviation
0.01. What is stored is the number of ones of the string that each search calls best.
"""

import numpy as np

from aiarch.structure import evolve
from aiarch.training import random_search

SETTINGS = {
    "num_bits": 100,
    "noise": 0.01,
    "budget": 1000,
    "population_size": 100,
    "sample_size": 10,
}
SEEDS = tuple(range(30))


def run(seed, num_bits, noise, budget, **population):
    """Ones of the best string of both searches."""
    space = {f"bit_{k}": (0, 1) for k in range(num_bits)}

    def evaluate(bits, seed):
        return np.mean([*bits.values()]) + np.random.default_rng(seed).normal(0, noise)

    found = {
        "evolved_ones": evolve(space, evaluate, budget=budget, seed=seed, **population),
        "random_ones": random_search(space, evaluate, budget=budget, seed=seed),
    }
    return {name: sum(f.best.configuration.values()) for name, f in found.items()}

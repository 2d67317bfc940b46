import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
import search_cases as cases

from aiarch.training import random_search


def test_a_larger_budget_begins_with_the_smaller_one():
    few, many = (
        random_search(cases.BITS, cases.noisy_ones, budget=budget, seed=1).trials
        for budget in (5, 30)
    )
    assert many[:5] == few and len(many) == 30


def test_draws_are_independent_and_uniform():
    found = random_search(cases.BITS, cases.noisy_ones, budget=600, seed=0).trials
    bits = np.array([list(trial.configuration.values()) for trial in found])
    assert np.abs(bits.mean(axis=0) - 0.5).max() < 0.08
    off_diagonal = np.corrcoef(bits.T) - np.eye(12)
    assert np.abs(off_diagonal).max() < 0.2


@pytest.mark.parametrize(("share", "budget"), [(0.05, 60), (0.5, 4)])
def test_the_best_share_is_found_as_often_as_the_formula_says(share, budget):
    space = {"x": range(1000)}

    def evaluate(configuration, seed):
        return configuration["x"] >= 1000 * (1 - share)

    hits = [
        random_search(space, evaluate, budget=budget, seed=s).best.value
        for s in range(200)
    ]
    expected = 1 - (1 - share) ** budget
    assert np.mean(hits) == pytest.approx(expected, abs=4 * 0.5 / np.sqrt(200))
    if share == 0.5:
        assert 0 < np.mean(hits) < 1

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
import search_cases as cases

from aiarch.training import random_search, successive_halving
from aiarch.training.halving import halving_rungs


@settings(deadline=None)
@given(st.integers(1, 2000), st.integers(1, 5), st.integers(1, 60), st.integers(2, 5))
def test_rungs_spend_the_budget_and_no_more(budget, low, high, factor):
    try:
        rungs = halving_rungs(budget, low, high, factor)
    except ValueError:
        return
    counts, resources = zip(*rungs, strict=True)
    assert sum(n * r for n, r in rungs) <= budget
    assert resources[0] == low and resources[-1] <= high < resources[-1] * factor
    assert all(b == a * factor for a, b in zip(resources, resources[1:], strict=False))
    assert all(b == a // factor for a, b in zip(counts, counts[1:], strict=False))
    assert counts[-1] >= 1
    first = counts[0] + 1  # one more at the start would be too dear
    more = sum(first // factor**k * r for k, r in enumerate(resources))
    assert more > budget


def test_one_rung_is_random_search():
    def evaluate(configuration, seed, resource=4):
        assert resource == 4
        return cases.noisy_ones(configuration, seed)

    options = {"min_resource": 4, "max_resource": 4}
    halved = successive_halving(cases.BITS, evaluate, budget=41, seed=3, **options)
    drawn = random_search(cases.BITS, evaluate, budget=10, seed=3)
    assert [t.value for t in halved.trials] == [t.value for t in drawn.trials]


def test_the_best_of_each_rung_go_on():
    found = successive_halving(
        cases.BITS, cases.noisy_ones, budget=120, seed=0, max_resource=9
    )
    assert Counter(t.resource for t in found.trials) == {1: 42, 3: 14, 9: 4}
    for low, high in ((1, 3), (3, 9)):
        below = [t for t in found.trials if t.resource == low]
        above = [t.configuration for t in found.trials if t.resource == high]
        worst = sorted((t.value for t in below), reverse=True)[len(above) - 1]
        kept = [t.configuration for t in below if t.value >= worst]
        assert sorted(map(str, kept)) == sorted(map(str, above))
    assert found.best.resource == 9


def test_failures_do_not_go_on():
    def evaluate(configuration, seed, resource):
        return np.nan if configuration["x"] == 9 else configuration["x"]

    found = successive_halving(
        {"x": range(10)}, evaluate, budget=200, seed=0, max_resource=9
    )
    assert found.best.value == 8
    assert any(t.error for t in found.trials)
    assert not any(t.error for t in found.trials if t.resource > 1)


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"budget": 26}, ValueError, "at least 27"),
        ({"max_resource": 0}, ValueError, "`max_resource` must be at least 1"),
        ({"min_resource": 10}, ValueError, "at least `min_resource`"),
        ({"reduction_factor": 1}, ValueError, "`reduction_factor` must be at least 2"),
        ({"reduction_factor": 2.5}, TypeError, "`reduction_factor` must be an int"),
    ],
)
def test_bad_settings_are_refused(changes, error, match):
    call = {"budget": 120, "seed": 0, "max_resource": 9, **changes}
    with pytest.raises(error, match=match):
        successive_halving(cases.BITS, cases.noisy_ones, **call)

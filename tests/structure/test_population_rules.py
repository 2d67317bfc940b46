import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from aiarch.structure.population_rules import perturb, resample, tournament, truncation
from aiarch.training import Space

scores = st.lists(
    st.one_of(st.floats(-10, 10), st.just(-math.inf)), min_size=2, max_size=20
)
seeds = st.integers(0, 2**32)


@settings(deadline=None)
@given(scores, seeds)
def test_truncation_copies_from_the_best_to_the_worst(values, seed):
    parents = truncation(values, np.random.default_rng(seed))
    count = min(max(1, round(len(values) / 4)), len(values) // 2)
    alive = sorted((v for v in values if v > -math.inf), reverse=True)
    copied = [k for k, parent in enumerate(parents) if parent != k]
    for k in copied:
        assert values[parents[k]] >= alive[:count][-1]
        assert values[k] <= sorted(values)[count - 1]
    if not alive:
        assert not copied
    else:
        failed = {k for k, v in enumerate(values) if v == -math.inf}
        assert failed <= set(copied) and len(copied) == max(count, len(failed))
        assert all(parents[parent] == parent for parent in parents)


def test_truncation_by_hand():
    values = [5.0, 1.0, 8.0, 3.0, 7.0, 2.0, 6.0, 4.0]
    found = {tuple(truncation(values, np.random.default_rng(s))) for s in range(50)}
    assert found == {
        (0, a, 2, 3, 4, b, 6, 7) for a in (2, 4) for b in (2, 4)
    }  # the worst are 1 and 5, the best 2 and 4
    wide = truncation(values, np.random.default_rng(0), fraction=0.5)
    assert [k for k, parent in enumerate(wide) if parent != k] == [1, 3, 5, 7]
    narrow = truncation(values, np.random.default_rng(0), fraction=0.01)
    assert narrow == [0, 2, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("size", "count"),
    [(2, 1), (3, 1), (5, 1), (6, 2), (7, 2), (8, 2), (14, 4), (20, 5)],
)
def test_a_quarter_copies_rounded_and_at_least_one(size, count):
    parents = truncation(list(range(size)), np.random.default_rng(0))
    copied = [k for k, parent in enumerate(parents) if parent != k]
    assert copied == list(range(count))
    assert all(parents[k] >= size - count for k in copied)


def test_of_equals_the_later_copies():
    assert truncation([1.0, 1.0], np.random.default_rng(0)) == [0, 0]
    assert tournament([1.0, 1.0], np.random.default_rng(0)) == [0, 1]


@settings(deadline=None)
@given(st.lists(st.integers(-5, 5), min_size=2, max_size=12), seeds)
def test_tournament_copies_only_what_is_better(values, seed):
    parents = tournament(values, np.random.default_rng(seed))
    for k, parent in enumerate(parents):
        assert parent == k or values[parent] > values[k]
    assert parents[int(np.argmax(values))] == int(np.argmax(values))


def test_tournament_meets_everybody_else_equally_often():
    values, count = [0, 1, 2, 3], np.zeros(4)
    for seed in range(3000):
        count[tournament(values, np.random.default_rng(seed))[0]] += 1
    assert count[0] == 0 and np.all(np.abs(count[1:] / 3000 - 1 / 3) < 0.03)


@settings(deadline=None)
@given(st.floats(1e-6, 1e6), seeds)
def test_perturb_multiplies_by_one_of_two_factors(value, seed):
    space = Space({"rate": scipy.stats.loguniform(1e-12, 1e12)})
    new = perturb({"rate": value}, space, np.random.default_rng(seed))["rate"]
    assert new in (pytest.approx(0.8 * value), pytest.approx(1.2 * value))


def test_both_factors_are_used_and_entries_are_independent():
    space = Space({"a": scipy.stats.norm(), "b": scipy.stats.norm()})
    found = {
        tuple(perturb({"a": 1.0, "b": 1.0}, space, np.random.default_rng(s)).values())
        for s in range(40)
    }
    assert found == {(a, b) for a in (0.8, 1.2) for b in (0.8, 1.2)}


@pytest.mark.parametrize(
    ("value", "distribution", "wanted"),
    [
        (0.9, scipy.stats.uniform(0, 1), {0.9 * 0.8, 1.0}),
        (-1.0, scipy.stats.uniform(-1, 2), {-0.8, -1.0}),
        (0.0, scipy.stats.uniform(0, 1), {0.0}),
        (1, scipy.stats.randint(0, 10), {0, 2}),
        (9, scipy.stats.randint(0, 10), {7, 9}),
        (-5, scipy.stats.randint(-9, 9), {-4, -6}),
    ],
)
def test_perturb_stays_inside_and_keeps_integers(value, distribution, wanted):
    space = Space({"x": distribution})
    found = {
        perturb({"x": value}, space, np.random.default_rng(s))["x"] for s in range(20)
    }
    assert found == wanted and {type(x) for x in found} == {type(value)}


@pytest.mark.parametrize("kind", [list, tuple, np.array])
@pytest.mark.parametrize(
    ("value", "wanted"), [(16, {16, 32}), (32, {16, 64}), (64, {32, 64})]
)
def test_a_choice_goes_to_its_neighbours(kind, value, wanted):
    space = Space({"size": kind([16, 32, 64])})
    found = {
        perturb({"size": value}, space, np.random.default_rng(s))["size"]
        for s in range(20)
    }
    assert found == wanted and {type(x) for x in found} == {int}


def test_choices_of_any_kind():
    layers, other = np.zeros(2), lambda x: x
    space = Space({"a": [layers, other], "b": [True, 1], "c": ["only"]})
    new = perturb(
        {"a": layers, "b": 1, "c": "only"}, space, np.random.default_rng(0), factors=[2]
    )
    assert new["a"] is other and new["b"] == 1 and new["c"] == "only"
    down = perturb({**new}, space, np.random.default_rng(0), factors=[0.5])
    assert down["a"] is layers and down["b"] is True


def test_a_value_that_is_no_choice_is_refused():
    with pytest.raises(ValueError, match="`size` must be one of .*got 33"):
        perturb({"size": 33}, Space({"size": [16, 32]}), np.random.default_rng(0))


def test_resample_draws_from_the_space():
    space, rng = Space({"size": range(100)}), np.random.default_rng(0)
    assert len({resample({"size": 1}, space, rng)["size"] for _ in range(20)}) > 10
    again = resample({"size": 2}, space, np.random.default_rng(3))
    assert again == space.draw(np.random.default_rng(3))


def test_rules_leave_what_they_get():
    given_, space = {"size": 16}, Space({"size": [16, 32]})
    perturb(given_, space, np.random.default_rng(0))
    resample(given_, space, np.random.default_rng(0))
    assert given_ == {"size": 16}

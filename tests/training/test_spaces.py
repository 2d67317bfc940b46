import json
from functools import partial

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from aiarch.training import Space
from aiarch.training.spaces import as_json, described

SPACE = {"kernel": [3, 5, 7], "pooling": ("mean", "max"), "fixed": [None]}


def test_size_counts_configurations():
    assert Space(SPACE).size == 6
    assert Space({**SPACE, "rate": scipy.stats.loguniform(1e-4, 1)}).size is None


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_draws_are_choices_and_depend_on_the_generator_alone(seed):
    space = Space({**SPACE, "rate": scipy.stats.uniform(1, 2)})
    first, second = (space.draw(np.random.default_rng(seed)) for _ in range(2))
    assert first == second
    assert all(first[name] in choices for name, choices in SPACE.items())
    assert type(first["rate"]) is float and 1 <= first["rate"] <= 3


def test_draws_are_uniform():
    rng = np.random.default_rng(0)
    draws = [Space(SPACE).draw(rng)["kernel"] for _ in range(3000)]
    assert all(abs(draws.count(k) - 1000) < 120 for k in (3, 5, 7))


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_a_mutation_changes_one_entry_to_another_choice(seed):
    rng = np.random.default_rng(seed)
    space = Space(SPACE)
    parent = space.draw(rng)
    before = dict(parent)
    child = space.mutate(parent, rng)
    changed = [name for name in SPACE if child[name] != parent[name]]
    assert parent == before and len(changed) == 1
    assert child[changed[0]] in SPACE[changed[0]]


def test_every_other_choice_can_come_of_a_mutation():
    rng, space = np.random.default_rng(0), Space({"a": list(range(5))})
    found = [space.mutate({"a": 2}, rng)["a"] for _ in range(400)]
    assert {v: found.count(v) > 60 for v in (0, 1, 3, 4)} == dict.fromkeys(
        (0, 1, 3, 4), True
    )


def test_true_and_one_are_different_choices():
    space = Space({"a": [1, True, 2]})
    rng = np.random.default_rng(0)
    found = {repr(space.mutate({"a": True}, rng)["a"]) for _ in range(60)}
    assert found == {"1", "2"}


def test_a_distribution_is_drawn_anew():
    space = Space({"rate": scipy.stats.uniform()})
    assert space.mutate({"rate": 0.5}, np.random.default_rng(0)) != {"rate": 0.5}


@pytest.mark.parametrize(
    ("choices", "error", "match"),
    [
        ({}, ValueError, "at least one name"),
        ([3, 5], TypeError, "map names"),
        ({"kernel": []}, ValueError, r"space\['kernel'\].*at least one choice"),
        ({"kernel": np.array([])}, ValueError, "at least one choice"),
        ({"kernel": 3}, TypeError, "sequence of choices"),
        ({"kernel": "357"}, TypeError, "sequence of choices"),
        ({"kernel": {3, 5}}, TypeError, "sequence of choices"),
    ],
)
def test_bad_spaces_are_refused(choices, error, match):
    with pytest.raises(error, match=match):
        Space(choices)


def test_the_place_of_a_choice():
    space = Space({"a": [1, True, np.float64(0.5)]})
    assert [space.place("a", value) for value in (1, True, 0.5)] == [0, 1, 2]
    assert type(space.value("a", 2)) is float
    with pytest.raises(ValueError, match=r"`a` must be one of the choices .* got 2"):
        space.place("a", 2)


def test_nothing_to_mutate():
    with pytest.raises(ValueError, match="at least two choices"):
        Space({"a": [1]}).mutate({"a": 1}, np.random.default_rng(0))


def test_descriptions_are_json_and_the_same_for_equal_spaces():
    def describe(high):
        space = Space({"a": (1, np.int64(2)), "b": scipy.stats.uniform(0, high)})
        return json.dumps(space.describe())

    assert describe(1) == describe(1) != describe(2)
    assert described([np.tanh, len, {"a": (1,)}]) == [
        described(np.tanh),
        "builtins.len",
        {"a": [1]},
    ]
    assert as_json({"a": 1, "b": 2}) == as_json({"b": 2, "a": np.int32(1)})


@pytest.mark.parametrize("thing", [object(), lambda: 0, partial(lambda: 0)])
def test_what_no_other_process_knows_cannot_be_described(thing):
    with pytest.raises(TypeError, match="cannot identify"):
        described(thing)


def test_every_entry_that_has_a_choice_is_mutated_equally_often():
    space = Space(
        {"a": [1, 2], "b": [5], "c": [1, 2, 3], "d": range(9), "e": "x y".split()}
    )
    start, rng = {"a": 1, "b": 5, "c": 2, "d": 4, "e": "x"}, np.random.default_rng(0)
    changed = {name: 0 for name in start}
    for _ in range(2000):
        child = space.mutate(start, rng)
        (name,) = [name for name in start if child[name] != start[name]]
        changed[name] += 1
    assert changed.pop("b") == 0
    assert all(420 <= count <= 580 for count in changed.values())  # 500 ± 4 deviations

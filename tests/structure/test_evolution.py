import numpy as np
import pytest

from aiarch.structure import evolve
from aiarch.training import random_search

BITS = {f"bit_{k}": [0, 1] for k in range(30)}


def ones(configuration, seed):
    return sum(configuration.values())


def search(**changes):
    options = {"budget": 120, "seed": 0, "population_size": 10, "sample_size": 4}
    return evolve(BITS, changes.pop("evaluate", ones), **{**options, **changes})


def distance(a, b):
    return sum(a[name] != b[name] for name in a)


def test_the_first_population_is_that_of_random_search():
    assert search().trials[:10] == random_search(BITS, ones, budget=10, seed=0).trials


@pytest.mark.parametrize("batch_size", [1, 4])
def test_a_child_differs_in_one_entry_from_a_member_that_lives(batch_size):
    trials = search(batch_size=batch_size).trials
    for number in range(10, 120):
        born = 10 + (number - 10) // batch_size * batch_size  # first of its batch
        living = [t.configuration for t in trials[born - 10 : born]]
        assert 1 in [distance(trials[number].configuration, c) for c in living]


def test_the_oldest_dies_however_good_it_is():
    def evaluate(configuration, seed):  # the very first trial is unbeatable
        return 1000 if configuration == first else ones(configuration, seed)

    first = search().trials[0].configuration
    trials = search(evaluate=evaluate).trials
    assert trials[0].value == 1000
    # Children of the first trial are born only while it lives: up to number 19.
    late = [t for t in trials[30:] if distance(t.configuration, first) == 1]
    assert not late


def test_with_a_large_sample_a_good_member_is_parent_almost_always():
    def evaluate(configuration, seed):
        return ones(configuration, seed) + 1e-12 * seed  # no ties

    trials = search(evaluate=evaluate, sample_size=10, budget=200).trials
    near = 0
    for number in range(10, 200):
        living = sorted(trials[number - 10 : number], key=lambda t: -t.score)[:4]
        gaps = [distance(trials[number].configuration, t.configuration) for t in living]
        near += 1 in gaps
    assert near >= 185


def test_selection_makes_it_better_than_drift():
    selected = np.mean([search(seed=s).best.value for s in range(10)])
    drifting = np.mean([search(seed=s, sample_size=1).best.value for s in range(10)])
    drawn = np.mean(
        [random_search(BITS, ones, budget=120, seed=s).best.value for s in range(10)]
    )
    assert selected > drawn + 3 and selected > drifting + 4


def test_failures_lose_every_comparison():
    def evaluate(configuration, seed):
        if configuration["bit_0"]:
            raise RuntimeError("planted")
        return ones(configuration, seed)

    trials = search(evaluate=evaluate, budget=300).trials
    late = [t.error is not None for t in trials[200:]]
    assert 0 < np.mean(late) < 0.15  # only as mutations, one in 30


def test_distributions_can_evolve():
    import scipy.stats

    space = {"x": scipy.stats.uniform(0, 1), "y": [0.0]}

    def evaluate(configuration, seed):
        return -abs(configuration["x"] - 0.7)

    assert evolve(space, evaluate, budget=60, seed=0).best.value > -0.03


@pytest.mark.parametrize(
    ("changes", "error", "match"),
    [
        ({"population_size": 1}, ValueError, "`population_size` must be at least 2"),
        ({"sample_size": 0}, ValueError, "`sample_size` must be at least 1"),
        ({"sample_size": 11}, ValueError, "at most `population_size`"),
        ({"batch_size": 0}, ValueError, "`batch_size` must be at least 1"),
        ({"batch_size": 1.0}, TypeError, "`batch_size` must be an int"),
        ({"budget": 9}, ValueError, "`budget` must be at least `population_size`"),
        ({"budget": 0}, ValueError, "`budget` must be at least 1"),
    ],
)
def test_bad_settings_are_refused(changes, error, match):
    with pytest.raises(error, match=match):
        search(**changes)


def test_a_space_without_choice_is_refused():
    with pytest.raises(ValueError, match="at least two choices"):
        evolve({"a": [1]}, ones, budget=30, seed=0)


def test_parents_are_the_best_of_samples_drawn_with_replacement():
    """The page's tournament: rank r of 10, sample 4, wins as the formula says."""

    def evaluate(configuration, seed):
        return seed / 2**32  # scores without ties that nothing decides but chance

    size, sample, wins = 10, 4, np.zeros(10)
    trials = search(evaluate=evaluate, budget=3010, seed=3).trials
    unclear = 0
    for number in range(size, 3010):
        living = sorted(trials[number - size : number], key=lambda trial: -trial.score)
        child = trials[number].configuration
        near = [
            r for r, t in enumerate(living) if distance(child, t.configuration) == 1
        ]
        if len(near) == 1:
            wins[near[0]] += 1
        else:
            unclear += 1
    ranks = np.arange(size)
    chance = ((size - ranks) ** sample - (size - ranks - 1) ** sample) / size**sample
    found = wins / wins.sum()
    assert unclear < 1500 and np.abs(found - chance).max() < 0.04
    assert abs(found[0] - chance[0]) < 0.03

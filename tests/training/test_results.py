import numpy as np
import pytest

from aiarch.training import Search, Trial
from aiarch.training.results import take_best


def trial(number, value, resource=None, seconds=1.0):
    error = "planted" if value is None else None
    return Trial(number, {"x": number}, 5, value, error, seconds, resource)


def test_the_best_is_the_first_of_the_highest():
    found = Search((trial(0, 1.0), trial(1, None), trial(2, 3.0), trial(3, 3.0)))
    assert found.best.number == 2
    np.testing.assert_array_equal(found.best_so_far, [1, 1, 3, 3])


def test_failures_are_below_every_value():
    found = Search((trial(0, None), trial(1, -1e300)))
    assert found.best.number == 1
    np.testing.assert_array_equal(found.best_so_far, [-np.inf, -1e300])


def test_a_short_trial_does_not_beat_a_long_one():
    found = Search((trial(0, 9.0, 1), trial(1, 2.0, 3), trial(2, None, 9)))
    assert found.best.number == 1


@pytest.mark.parametrize("trials", [(), (trial(0, None),)])
def test_without_a_value_there_is_no_best(trials):
    with pytest.raises(ValueError, match="none of the .* trials has a value"):
        _ = Search(trials).best


def test_take_best_prefers_the_earlier_of_equals():
    trials = [trial(0, 1.0), trial(1, None), trial(2, 2.0), trial(3, 2.0)]
    assert [t.number for t in take_best(trials, 3)] == [2, 3, 0]
    assert [t.number for t in take_best(trials, 9)] == [2, 3, 0, 1]


def test_seconds_do_not_make_trials_differ():
    assert trial(0, 1.0, seconds=1.0) == trial(0, 1.0, seconds=2.0)

import numpy as np
import pytest

from aiarch.structure import Population, Stage


def population(values, parents):
    rounds = [
        tuple(
            Stage(number, k, parents[number][k], {"rate": 10 * number + k}, k, value)
            for k, value in enumerate(row)
        )
        for number, row in enumerate(values)
    ]
    return Population(tuple(rounds), tuple("abc"))


FOUND = population(
    [[1.0, 3.0, 2.0], [2.0, None, 5.0], [7.0, 6.0, 7.0]],
    [[0, 1, 2], [1, 1, 2], [0, 2, 0]],
)


def test_best_is_of_the_last_round_and_of_equals_the_first():
    assert (FOUND.best.round, FOUND.best.member, FOUND.best.value) == (2, 0, 7.0)


def test_the_lineage_follows_the_parents():
    places = [(stage.round, stage.member) for stage in FOUND.lineage()]
    assert places == [(0, 1), (1, 0), (2, 0)]
    assert FOUND.schedule("rate") == [1, 10, 20]
    assert FOUND.schedule("rate", 1) == [2, 12, 21]
    assert FOUND.schedule("rate", member=2) == [1, 10, 22]


def test_a_failure_scores_below_everything():
    assert np.array_equal(
        FOUND.scores, [[1.0, 3.0, 2.0], [2.0, -np.inf, 5.0], [7.0, 6.0, 7.0]]
    )


def test_without_any_value_there_is_no_best():
    with pytest.raises(ValueError, match="mend `train`"):
        _ = population([[None, None]], [[0, 1]]).best


def test_comparison_leaves_out_seconds_and_states():
    stage = Stage(0, 0, 0, {}, 1, 1.0)
    slower = Stage(0, 0, 0, {}, 1, 1.0, seconds=3.0)
    assert Population(((stage,),), (np.ones(2),)) == Population(
        ((slower,),), (np.zeros(2),)
    )
    other = Stage(0, 0, 0, {}, 1, 1.1)
    assert Population(((stage,),), ()) != Population(((other,),), ())

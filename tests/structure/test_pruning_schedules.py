import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiarch.structure import ConstantSchedule, PolynomialSchedule
from aiarch.structure.pruning_schedules import update_steps


def test_constant_by_hand():
    schedule = ConstantSchedule(0.7, begin_step=3)
    assert [schedule(step) for step in (0, 2, 3, 99)] == [0.0, 0.0, 0.7, 0.7]
    assert (schedule.begin_step, schedule.end_step) == (3, 3)


def test_cubic_by_hand():
    schedule = PolynomialSchedule(0.2, 0.8, begin_step=10, end_step=20)
    assert schedule(9) == 0.0
    assert schedule(10) == pytest.approx(0.2)
    assert schedule(15) == pytest.approx(0.8 - 0.6 / 8)
    assert schedule(20) == schedule(1000) == 0.8
    line = PolynomialSchedule(0.0, 0.8, 10, 20, power=1)
    assert line(15) == pytest.approx(0.4)
    assert PolynomialSchedule(0.1, 0.5, 7, 7)(7) == 0.5


@given(
    st.floats(0, 0.99),
    st.floats(0, 0.99),
    st.integers(0, 50),
    st.integers(0, 50),
    st.floats(0.1, 5),
)
def test_never_falls_and_stays_between_its_ends(one, other, begin, length, power):
    low, high = sorted([one, other])
    schedule = PolynomialSchedule(low, high, begin, begin + length, power)
    values = [schedule(step) for step in range(begin, begin + length + 2)]
    assert all(b >= a - 1e-12 for a, b in zip(values, values[1:], strict=False))
    assert low - 1e-12 <= values[0] and values[-1] == high


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 12))
def test_updates_begin_repeat_and_end(begin, length, frequency):
    steps = update_steps(PolynomialSchedule(0, 0.5, begin, begin + length), frequency)
    assert steps[0] == begin and steps[-1] == begin + length
    gaps = [b - a for a, b in zip(steps, steps[1:], strict=False)]
    assert all(gap == frequency for gap in gaps[:-1])
    assert all(0 < gap <= frequency for gap in gaps)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: ConstantSchedule(1.0), ValueError, "`sparsity` must"),
        (lambda: ConstantSchedule(0.5, -1), ValueError, "`begin_step` must"),
        (lambda: ConstantSchedule(0.5, 1.5), TypeError, "`begin_step` must be an int"),
        (lambda: PolynomialSchedule(0, 1, 0, 9), ValueError, "`final_sparsity` must"),
        (lambda: PolynomialSchedule(-1, 0, 0, 9), ValueError, "`initial_sparsity`"),
        (lambda: PolynomialSchedule(0, 0.5, 9, 8), ValueError, "end before it begins"),
        (lambda: PolynomialSchedule(0.5, 0.4, 0, 8), ValueError, "does not come back"),
        (lambda: PolynomialSchedule(0, 0.5, 0, 8, 0), ValueError, "`power` must"),
        (lambda: update_steps(lambda step: 0.5, 10), TypeError, "`schedule` must be"),
        (lambda: update_steps(0.5, 10), TypeError, "`schedule` must be"),
        (lambda: update_steps(ConstantSchedule(0.5), 0), ValueError, "`frequency`"),
    ],
)
def test_bad_input(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_schedule_of_ones_own_that_ends_early_is_refused():
    class Backwards:
        begin_step, end_step = 5, 4

        def __call__(self, step):
            return 0.5

    with pytest.raises(ValueError, match="`schedule` must begin at 0"):
        update_steps(Backwards(), 1)

"""Bootstrap intervals: against SciPy, formulas, and how often they are right."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from aiarch.foundations import bootstrap_interval


def width(interval):
    return interval.high - interval.low


def test_equal_to_scipy():
    values = np.random.default_rng(1).gamma(2.0, size=300)
    ours = bootstrap_interval(values, num_resamples=40_000)
    theirs = stats.bootstrap(
        (values,),
        np.mean,
        n_resamples=40_000,
        method="percentile",
        rng=np.random.default_rng(5),
    ).confidence_interval
    error = values.std() / np.sqrt(len(values))
    assert abs(ours.low - theirs.low) < 0.03 * error
    assert abs(ours.high - theirs.high) < 0.03 * error
    assert ours.estimate == values.mean()


def test_paired_is_the_interval_of_the_differences():
    rng = np.random.default_rng(0)
    a, b = rng.random(50), rng.random(50)
    assert bootstrap_interval(a, b) == bootstrap_interval(a - b)
    mirrored = bootstrap_interval(b, a)
    assert mirrored.estimate == -bootstrap_interval(a, b).estimate


def test_what_both_have_in_common_cancels():
    rng = np.random.default_rng(0)
    common = rng.normal(size=400)
    a, b = common + 0.05 * rng.normal(size=400), common
    assert width(bootstrap_interval(a, b)) < 0.1 * width(bootstrap_interval(a))


@pytest.mark.parametrize("level", [0.5, 0.9, 0.95])
def test_width_follows_the_normal_approximation(level):
    values = np.random.default_rng(0).normal(size=1000)
    interval = bootstrap_interval(values, level=level, num_resamples=20_000)
    error = values.std() / np.sqrt(1000)
    z = stats.norm.ppf((1 + level) / 2)
    assert width(interval) == pytest.approx(2 * z * error, rel=0.04)
    assert interval.level == level


def test_matrix_variance_is_the_sum_of_rows_columns_and_rest():
    rng = np.random.default_rng(0)
    rows, columns = rng.normal(size=(20, 1)), rng.normal(size=(1, 300))
    rest = rng.normal(size=(20, 300))
    matrix = 2 * rows + 4 * columns + rest
    interval = bootstrap_interval(matrix, level=0.6826895, num_resamples=20_000)
    row_means, column_means = matrix.mean(axis=1), matrix.mean(axis=0)
    inner = matrix - row_means[:, None] - column_means + matrix.mean()
    variance = row_means.var() / 20 + column_means.var() / 300
    # Each draw weighs the rest by products of row and column counts.
    variance += (inner**2).mean() / (20 * 300)
    assert width(interval) / 2 == pytest.approx(np.sqrt(variance), rel=0.04)
    assert width(interval) > 1.5 * width(
        bootstrap_interval(column_means, level=0.6826895)
    )


@pytest.mark.parametrize(
    ("u", "v", "w", "rows"),
    [(0, 0, 1, 10), (0, 0, 1, 20), (1, 0, 0, 20), (0, 1, 0, 10)],
)
def test_expected_variance_against_the_truth(u, v, w, rows):
    columns, level, runs = 50, 0.6826895, 300
    variance = 0.0
    for run in range(runs):
        rng = np.random.default_rng(run)
        matrix = u * rng.normal(size=(rows, 1)) + v * rng.normal(size=columns)
        matrix = matrix + w * rng.normal(size=(rows, columns))
        interval = bootstrap_interval(matrix, level=level, num_resamples=500)
        variance += (width(interval) / 2) ** 2 / runs
    truth = u**2 / rows + v**2 / columns + w**2 / (rows * columns)
    expected = (1 - 1 / rows) * u**2 / rows + v**2 / columns
    expected += (3 - 2 / rows) * w**2 / (rows * columns)
    # Known excess where seed and sample act together: up to three times the truth.
    assert variance / truth == pytest.approx(expected / truth, rel=0.12)


def test_one_row_equals_a_vector():
    values = np.random.default_rng(0).random(40)
    assert bootstrap_interval(values) == bootstrap_interval(values[None])


def coverage(draw, runs):
    """Share of 95% intervals that hold the true mean, zero."""
    hits = 0
    for run in range(runs):
        values = draw(np.random.default_rng(run))
        hits += 0 in bootstrap_interval(values, num_resamples=1000, seed=run)
    return hits / runs


def test_intervals_over_samples_are_right_as_often_as_they_say():
    def draw(rng):
        return rng.random(300) < 0.9

    hits = coverage(lambda rng: draw(rng) - 0.9, 400)
    assert 0.92 <= hits <= 0.975  # 95% with a standard error of 1.1%


def test_intervals_over_samples_and_seeds_cover_and_samples_alone_do_not():
    def draw(rng):
        rows = 0.3 * rng.normal(size=(10, 1))
        return rows + rng.normal(size=(1, 100)) + rng.normal(size=(10, 100))

    both = coverage(draw, 300)
    images_only = coverage(lambda rng: draw(rng).mean(axis=0), 300)
    # Honest ten-row intervals are somewhat short, (S − 1)/S of the row variance.
    # With these parts the two errors of Equation (9) nearly cancel.
    assert 0.9 <= both <= 0.97
    assert images_only <= both - 0.03


@settings(max_examples=30, deadline=None)
@given(
    values=st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=30),
    shift=st.floats(-100, 100),
    scale=st.floats(0.1, 10),
)
def test_intervals_move_and_stretch_with_the_values(values, shift, scale):
    values = np.array(values)
    first = bootstrap_interval(values, num_resamples=200)
    second = bootstrap_interval(scale * values + shift, num_resamples=200)
    assert first.low - 1e-6 <= first.estimate + 3e3 and first.low <= first.high
    assert second.low == pytest.approx(scale * first.low + shift, abs=1e-6)
    assert second.high == pytest.approx(scale * first.high + shift, abs=1e-6)


def test_the_seed_decides():
    values = np.random.default_rng(0).random(40)
    assert bootstrap_interval(values) == bootstrap_interval(values)
    assert bootstrap_interval(values) != bootstrap_interval(values, seed=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"values": []}, "at least two samples"),
        ({"values": [1.0]}, "at least two samples"),
        ({"values": np.zeros((0, 5))}, "at least two samples"),
        ({"values": [1.0, np.nan]}, "values must be finite, got 1 NaN"),
        ({"values": [1.0, 2.0], "other": [np.inf, 1.0]}, "other must be finite"),
        ({"values": np.zeros((2, 2, 2))}, "must have shape"),
        ({"values": [1.0, 2.0], "other": [1.0]}, "at least two samples"),
        ({"values": [1.0, 2.0], "other": [1.0, 2.0, 3.0]}, "the shape of values"),
        ({"values": [1.0, 2.0], "level": 95}, "level must lie between 0 and 1"),
        ({"values": [1.0, 2.0], "num_resamples": 10}, "at least 100, got 10"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        bootstrap_interval(**arguments)

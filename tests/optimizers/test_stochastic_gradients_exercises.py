import numpy as np
import planted
import pytest

exercises = planted.load_checks("optimizers/stochastic-gradients")


@pytest.mark.parametrize(
    "answer",
    [
        3 / 100,  # independent draws
        3 / 100 * 900 / 1000,  # n for n - 1
        3 / 100 * 900 / 999 * 1000 / 999,  # the sample variance
        (3 / 100 * 900 / 999) ** 0.5,
        3 * 900 / 999,
        "0.027",
        0.027j,
        np.nan,
    ],
)
def test_check_variance_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_variance(answer)


@pytest.mark.parametrize("answer", [0.027, 3 / 100 * 900 / 1000])
def test_check_variance_says_what_is_near(answer):
    with pytest.raises(AssertionError, match="n - 1"):
        exercises.check_variance(answer)


@pytest.mark.parametrize(
    "answer",
    [
        2 * 0.01 * 4 / 0.5,  # ηh neglected beside 2
        2 * 0.01 * 4 / (0.5 - 0.01 * 16),
        0.1,
        0.13,
        0.6,
        -0.1,
        "0.12",
        np.nan,
    ],
)
def test_check_ball_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_ball(answer)


@pytest.mark.parametrize("kind", [float, np.float32, np.float64])
def test_numbers_of_numpy_are_numbers(kind, capsys):
    exercises.check_variance(kind(3 / 100 * 900 / 999))
    exercises.check_ball(kind(0.08 / 0.66))
    assert capsys.readouterr().out.count("Correct") == 2


def drop_tail(n, size, rng):
    order = rng.permutation(n)
    return [order[i * size : (i + 1) * size] for i in range(n // size)]


def in_order(n, size, rng):
    return [np.arange(n)[i : i + size] for i in range(0, n, size)]


def drawn(n, size, rng):
    return [rng.integers(n, size=min(size, n - i)) for i in range(0, n, size)]


def always_the_same(n, size, rng):
    order = np.random.default_rng(1).permutation(n)
    return [order[i : i + size] for i in range(0, n, size)]


def own_seed(n, size, rng):
    order = np.random.default_rng().permutation(n)
    return [order[i : i + size] for i in range(0, n, size)]


def whole(n, size, rng):
    return [rng.permutation(n)]


@pytest.mark.parametrize(
    "answer", [drop_tail, in_order, drawn, always_the_same, own_seed, whole, 3]
)
def test_check_batches_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_batches(answer)


def squares(small, large):
    return [np.mean(np.sum(g**2, axis=1)) for g in (small, large)]


def biased(small, large, sizes):  # takes the larger batch for the full gradient
    s, big = squares(small, large)
    return (s - big) / (1 / sizes[0] - 1 / sizes[1]) / big


def inverted(small, large, sizes):
    s, big = squares(small, large)
    sigma2 = (s - big) / (1 / sizes[0] - 1 / sizes[1])
    return (big - sigma2 / sizes[1]) / sigma2


def of_the_mean(small, large, sizes):
    return sizes[0] * small.var(axis=0).mean() / np.sum(small.mean(axis=0) ** 2)


def of_single_samples(small, large, sizes):
    return small.var(axis=0).sum() / np.sum(small.mean(axis=0) ** 2)


def variance_only(small, large, sizes):  # not divided by the squared gradient
    s, big = squares(small, large)
    return (s - big) / (1 / sizes[0] - 1 / sizes[1])


def over_the_length(small, large, sizes):
    sigma2 = variance_only(small, large, sizes)
    return sigma2 / np.sqrt(squares(small, large)[1] - sigma2 / sizes[1])


@pytest.mark.parametrize(
    "answer",
    [
        biased,
        inverted,
        of_the_mean,
        of_single_samples,
        variance_only,
        over_the_length,
        9.0,
    ],
)
def test_check_scale_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_scale(answer)


def test_the_variance_is_that_of_counting():
    """The check's closed form, by every batch of a small population."""
    from itertools import combinations

    values = np.array([-1.0, -1.0, -1.0, 1.0, 1.0, 1.0])
    means = [np.mean(c) for c in combinations(values, 2)]
    assert np.var(means) == pytest.approx(1 / 2 * 4 / 5)

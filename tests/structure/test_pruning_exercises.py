import numpy as np
import planted
import pytest

exercises = planted.load_checks("structure/pruning")


@pytest.mark.parametrize("answer", [33600, 28800, 9600, 14399, "14400", np.nan])
def test_check_survivors_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_survivors(answer)


@pytest.mark.parametrize("answer", [2 / 3, 0.5, 0.34, "1/3", None])
def test_check_break_even_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_break_even(answer)


def half_of_each_output(weights):
    order = np.abs(weights).argsort(axis=0).argsort(axis=0)
    return order >= len(weights) // 2


def smaller_two(weights):
    fours = np.abs(weights).reshape(-1, 4, weights.shape[1])
    return (fours.argsort(axis=1).argsort(axis=1) < 2).reshape(weights.shape)


def sorted_once(weights):
    fours = np.abs(weights).reshape(-1, 4, weights.shape[1])
    return (fours.argsort(axis=1) >= 2).reshape(weights.shape)


def signed(weights):
    fours = weights.reshape(-1, 4, weights.shape[1])
    return (fours.argsort(axis=1).argsort(axis=1) >= 2).reshape(weights.shape)


@pytest.mark.parametrize(
    "answer",
    [half_of_each_output, smaller_two, sorted_once, signed, lambda w: w[:2], 0.5],
)
def test_check_two_of_four_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_two_of_four(answer)


@pytest.mark.parametrize(
    "answer",
    [
        lambda H, theta: int(np.argmin(np.abs(theta))),  # magnitude
        lambda H, theta: int(np.argmin(np.diag(H) * theta**2)),  # nothing responds
        lambda H, theta: int(np.argmax(theta**2 / np.diag(np.linalg.inv(H)))),
        lambda H, theta: 0,
        lambda H, theta: None,
        3,
    ],
)
def test_check_cheapest_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_cheapest(answer)

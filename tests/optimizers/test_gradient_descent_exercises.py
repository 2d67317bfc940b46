import numpy as np
import planted
import pytest

exercises = planted.load_checks("optimizers/gradient-descent")


@pytest.mark.parametrize(
    "answer", [0.1, 2 / 0.5, 2 / 4, 0.19, 0.21, -0.2, "0.2", 0.2j, np.nan]
)
def test_check_limit_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_limit(answer)


@pytest.mark.parametrize("answer", [9, 11, 18, 9.97, 20, "10", 10j, np.nan])
def test_check_steps_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_steps(answer)


@pytest.mark.parametrize("kind", [int, float, np.int64, np.float32, np.float64])
def test_numbers_of_numpy_are_numbers(kind, capsys):
    exercises.check_steps(kind(10))
    if kind not in (int, np.int64):
        exercises.check_limit(kind(0.2))
    assert "Correct" in capsys.readouterr().out


def largest(matrix):
    return np.linalg.eigvalsh(matrix)[-1]


@pytest.mark.parametrize(
    "answer",
    [
        lambda X: largest(X.T @ X / len(X)),  # the 2 is missing
        lambda X: largest(X.T @ X / len(X)) / 4,  # that of the logistic loss
        lambda X: 2 * largest(X.T @ X),  # the sum instead of the mean
        lambda X: 2 * largest(X.T @ X / X.shape[1]),  # divided by d
        lambda X: 2 * np.linalg.norm(X, 2) / len(X),  # not squared
        lambda X: 2 * np.trace(X.T @ X) / len(X),  # a bound, but too large
        lambda X: 2 * np.linalg.eigvalsh(X.T @ X / len(X))[0],  # the smallest
        2.0,
    ],
)
def test_check_smoothness_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_smoothness(answer)


def search(slope=0.5, start=1.0, shrink=0.5, squared=True):
    def answer(objective, theta):
        gradient = objective.gradient(theta)
        promise = gradient @ gradient if squared else np.linalg.norm(gradient)
        rate = start
        while (
            objective(theta - rate * gradient)
            > objective(theta) - slope * rate * promise
        ):
            rate *= shrink
        return rate

    return answer


def changes_its_argument(objective, theta):
    rate = search()(objective, theta.copy())
    theta -= rate * objective.gradient(theta)
    return rate


@pytest.mark.parametrize(
    "answer",
    [
        search(slope=0.0),  # any decrease at all
        search(slope=1e-4),
        search(squared=False),
        search(start=2.0),
        search(start=0.5),
        search(shrink=0.25),
        search(shrink=0.9),
        lambda objective, theta: 1.0,
        changes_its_argument,
        0.5,
    ],
)
def test_check_backtrack_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_backtrack(answer)

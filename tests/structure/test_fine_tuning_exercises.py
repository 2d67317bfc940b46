import numpy as np
import planted
import pytest

exercises = planted.load_checks("structure/fine-tuning")


@pytest.mark.parametrize("answer", [105, 42, 128, 104.7, 103, "104", None, np.nan])
def test_check_rank_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_rank(answer)


@pytest.mark.parametrize(
    "answer",
    [
        lambda n, rate, decay: [rate * decay**k for k in range(n)],
        lambda n, rate, decay: [rate * decay ** (n - k) for k in range(n)],
        lambda n, rate, decay: [rate / decay ** (n - 1 - k) for k in range(n)],
        lambda n, rate, decay: [rate * decay * (n - k) for k in range(n)],
        lambda n, rate, decay: [rate] * n,
        lambda n, rate, decay: None,
        [0.1, 0.2],
    ],
)
def test_check_rates_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_rates(answer)


def added_in_place(kernel, a, b, alpha):
    kernel += alpha / len(b) * (a @ b)
    return kernel


@pytest.mark.parametrize(
    "answer",
    [
        lambda kernel, a, b, alpha: kernel + alpha * (a @ b),
        lambda kernel, a, b, alpha: kernel + a @ b,
        lambda kernel, a, b, alpha: alpha / len(b) * (a @ b),
        lambda kernel, a, b, alpha: kernel - alpha / len(b) * (a @ b),
        lambda kernel, a, b, alpha: kernel + alpha / b.shape[1] * (a @ b),
        lambda kernel, a, b, alpha: (kernel + alpha / len(b) * (a @ b)).ravel(),
        lambda kernel, a, b, alpha: None,
        added_in_place,
        1.0,
    ],
)
def test_check_merge_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_merge(answer)


@pytest.mark.parametrize(
    "answer",
    [
        lambda X, y, theta_0: np.linalg.pinv(X) @ y,  # the nearest to zero
        lambda X, y, theta_0: theta_0 + np.linalg.pinv(X) @ y,
        lambda X, y, theta_0: theta_0,
        lambda X, y, theta_0: theta_0 + 0.1 * X.T @ (y - X @ theta_0),  # one step
        lambda X, y, theta_0: np.linalg.pinv(X) @ (y - X @ theta_0),
        lambda X, y, theta_0: y,
        0.0,
    ],
)
def test_check_nearest_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_nearest(answer)


def test_check_nearest_accepts_gradient_descent_itself(capsys):
    def descend(X, y, theta_0):
        theta = theta_0
        for _ in range(20_000):
            theta = theta - 0.02 * X.T @ (X @ theta - y)
        return theta

    exercises.check_nearest(descend)
    assert "Correct" in capsys.readouterr().out

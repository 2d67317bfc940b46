import math

import planted
import pytest

exercises = planted.load_checks("optimizers/adadelta")


@pytest.mark.parametrize("answer", [100, 10, 0.01, "1"])
def test_loss_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_loss(answer)


def step(theta, gradient, v, e, rho, epsilon, *, slip):
    """Take AdaDelta's step with one slip."""
    v_new = rho * v + (1 - rho) * gradient**2
    used = v if slip == "old v" else v_new
    e_used = rho * e + (1 - rho) * gradient**2 if slip == "new e" else e
    below = (
        math.sqrt(used) + epsilon if slip == "outside" else math.sqrt(used + epsilon)
    )
    change = -math.sqrt(e_used + epsilon) * gradient
    change = change if slip == "no denominator" else change / below
    e = rho * e + (1 - rho) * (gradient if slip == "gradient" else change) ** 2
    return theta + (-change if slip == "sign" else change), v_new, e


def test_step_accepts_the_rule():
    exercises.check_step(lambda *given: step(*given, slip=None))


@pytest.mark.parametrize(
    "slip", ["old v", "new e", "outside", "no denominator", "gradient", "sign"]
)
def test_step_refuses(slip):
    with pytest.raises(AssertionError):
        exercises.check_step(lambda *given: step(*given, slip=slip))


@pytest.mark.parametrize("answer", [1e-6, 50e-6, 50**0.5 * 1e-6, 50**4 * 1e-6, -1, "1"])
def test_enlarged_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_enlarged(answer)


@pytest.mark.parametrize("answer", [7071.0, 22.4, 4230.0, 5200.0, "4714"])
def test_far_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_far(answer)

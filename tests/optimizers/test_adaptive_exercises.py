import numpy as np
import planted
import pytest

exercises = planted.load_checks("optimizers/adaptive")


@pytest.mark.parametrize("answer", [-0.01, 0.001, 0.4, 0.00316, 0.1, "0.01", np.nan])
def test_check_first_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_first(answer)


@pytest.mark.parametrize("answer", [10, 21, 23, 21.85, "22", np.nan, 22j])
def test_check_memory_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_memory(answer)


def safe(rates):
    return np.where(np.isfinite(rates), rates, 0.0)


@pytest.mark.parametrize(
    "answer",
    [
        lambda g, D: D / np.sqrt(np.sum(g**2, axis=0)),  # infinite where all are zero
        lambda g, D: safe(D / np.sum(g**2, axis=0)),  # no root
        lambda g, D: safe(D / np.sqrt(np.mean(g**2, axis=0))),
        lambda g, D: safe(D / np.sqrt(2 * np.sum(g**2, axis=0))),
        lambda g, D: safe(1 / np.sqrt(np.sum(g**2, axis=0))),  # no distance
        lambda g, D: safe(D / np.abs(np.sum(g, axis=0))),
        lambda g, D: D / np.sqrt(np.sum(g**2)) * np.array([1, 1, 1, 0]),  # one for all
        1.0,
    ],
)
def test_check_rates_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_rates(answer)


def steps(correct, root=np.sqrt, sign=1):
    def answer(gradients, rate, rho):
        v, result = 0.0, []
        for t, g in enumerate(gradients, start=1):
            v = rho * v + (1 - rho) * g**2
            result.append(sign * rate * g / root(correct(v, rho, t)))
        return np.array(result)

    return answer


def twice(gradients, rate, rho):
    """Correct v itself, so that the correction is made again and again."""
    v, result = 0.0, []
    for t, g in enumerate(gradients, start=1):
        v = (rho * v + (1 - rho) * g**2) / (1 - rho**t)
        result.append(rate * g / np.sqrt(v))
    return np.array(result)


@pytest.mark.parametrize(
    "answer",
    [
        steps(lambda v, rho, t: v),  # not corrected
        steps(lambda v, rho, t: v / (1 - rho)),  # the first step's for all
        steps(lambda v, rho, t: v / (1 - rho ** (t - 1)) if t > 1 else v),
        steps(lambda v, rho, t: v / (1 - rho**t), root=lambda v: v),
        steps(lambda v, rho, t: v / (1 - rho**t), sign=-1),
        lambda g, rate, rho: rate * np.sign(g),
        twice,
        0.1,
    ],
)
def test_check_rule_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_rule(answer)


def test_the_right_rule_passes(capsys):
    exercises.check_rule(steps(lambda v, rho, t: v / (1 - rho**t)))
    assert "Correct" in capsys.readouterr().out

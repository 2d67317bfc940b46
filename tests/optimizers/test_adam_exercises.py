import planted
import pytest

exercises = planted.load_checks("optimizers/adam")


@pytest.mark.parametrize("answer", [0.1, 10.0, 3.162, "1", 0.1 / 0.01])
def test_first_step_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_first(answer)


@pytest.mark.parametrize("answer", [28, 56, 84, 112e9, 112e9 / 2**30, "112"])
def test_memory_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_memory(answer)


@pytest.mark.parametrize(
    "answer",
    [
        1e-7,
        lambda t, beta_2: 1e-7,
        lambda t, beta_2: 1e-7 * (1 - beta_2**t) ** 0.5,
        lambda t, beta_2: 1e-7 / (1 - beta_2**t),
        lambda t, beta_2: 1e-7 / (1 - beta_2 ** (t - 1) + 1e-9) ** 0.5,
        lambda t, beta_2: 1e-7 / (1 - 0.999**t) ** 0.5,
    ],
)
def test_epsilon_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_epsilon(answer)


def adam(first=1, centred=False, inside=False, corrected=True, rate_sign=-1):
    """Make Adam with one slip."""

    def changes(gradients, rate):
        m = v = 0.0
        found = []
        for t, g in enumerate(gradients, start=first):
            m = 0.9 * m + 0.1 * g
            v = 0.999 * v + 0.001 * ((g - m) ** 2 if centred else g**2)
            m_hat = m / (1 - 0.9**t) if corrected else m
            v_hat = v / (1 - 0.999**t)
            root = (v_hat + 1e-8) ** 0.5 if inside else v_hat**0.5 + 1e-8
            found.append(rate_sign * rate * m_hat / root)
        return found

    return changes


def test_mend_accepts_adam():
    exercises.check_mend(adam())


@pytest.mark.parametrize(
    "slip",
    [
        {"first": 2},
        {"centred": True},
        {"inside": True},
        {"corrected": False},
        {"rate_sign": 1},
    ],
)
def test_mend_refuses(slip):
    with pytest.raises(AssertionError):
        exercises.check_mend(adam(**slip))


def test_mend_refuses_one_change_for_all():
    with pytest.raises(AssertionError, match="one change for each"):
        exercises.check_mend(lambda gradients, rate: 0.0)

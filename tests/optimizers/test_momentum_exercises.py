import math

import planted
import pytest

exercises = planted.load_checks("optimizers/momentum")


@pytest.mark.parametrize(
    "answer", [0.2, 3.8 / 4, 3.8 / 0.5, 0.379, 0.381, 2 * 0.1 / 10, -0.38, "0.38", 1j]
)
def test_check_limit_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_limit(answer)


def settings(momentum_power=2, rate_factor=4):
    def answer(mu, L):
        low, high = math.sqrt(mu), math.sqrt(L)
        beta = ((high - low) / (high + low)) ** momentum_power
        return rate_factor / (high + low) ** 2, beta

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        settings(momentum_power=1),  # the root forgotten
        settings(rate_factor=1),
        lambda mu, L: (2 / (L + mu), ((L - mu) / (L + mu)) ** 2),  # κ for its root
        lambda mu, L: (1 / L, 0.9),
        lambda mu, L: (4 / (L**0.5 + 1) ** 2, ((L**0.5 - 1) / (L**0.5 + 1)) ** 2),
        lambda mu, L: settings()(mu, L)[::-1],
        lambda mu, L: list(settings()(mu, L)),
        0.9,
    ],
)
def test_check_settings_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_settings(answer)


@pytest.mark.parametrize(
    "answer",
    [
        lambda beta, factor: beta,
        lambda beta, factor: beta / factor,
        lambda beta, factor: beta**factor,  # keeps the half-life, not the age
        lambda beta, factor: 1 - (1 - beta) * factor,
        lambda beta, factor: 1 - (1 - beta) / factor,
        0.9,
    ],
)
def test_check_memory_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_memory(answer)


@pytest.mark.parametrize(
    "answer",
    [
        lambda u, old, new: u,
        lambda u, old, new: 0 * u,
        lambda u, old, new: u * old / new,
        lambda u, old, new: u * new,
        lambda u, old, new: -u * new / old,
        lambda u, old, new: float(u[0]) * new / old,
        0.9,
    ],
)
def test_check_drop_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_drop(answer)


@pytest.mark.parametrize("check", ["limit", "settings", "memory", "drop"])
def test_no_answer_is_no_error(check, capsys):
    getattr(exercises, f"check_{check}")(...)
    assert capsys.readouterr().out == "Not answered yet.\n"

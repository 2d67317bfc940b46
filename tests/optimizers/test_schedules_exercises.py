import numpy as np
import planted
import pytest

exercises = planted.load_checks("optimizers/schedules")


@pytest.mark.parametrize("answer", [97, 99, 96.6, "98", np.nan, 98j])
def test_check_count_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_count(answer)


@pytest.mark.parametrize("answer", [0.99, 0.995, 1 - 1 / 100, 0.5, 1.007, "0.99", 1])
def test_check_halflife_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_halflife(answer)


@pytest.mark.parametrize("kind", [float, np.float64, np.float32])
def test_numbers_of_numpy_are_numbers(kind, capsys):
    exercises.check_count(kind(98))
    exercises.check_halflife(kind(0.5**0.01))
    assert capsys.readouterr().out.count("Correct") == 2


@pytest.mark.parametrize(
    "answer",
    [
        lambda t, peak, w: peak * np.minimum(t / w, w / t),  # no root
        lambda t, peak, w: peak * np.minimum(t / w, np.sqrt(1 / t)),  # no w
        lambda t, peak, w: peak * np.minimum((t - 1) / w, np.sqrt(w / t)),
        lambda t, peak, w: np.minimum(t / w, np.sqrt(w / t)),  # no peak
        lambda t, peak, w: peak * np.minimum((t / w) ** 2, np.sqrt(w / t)),
        lambda t, peak, w: peak * np.sqrt(w / t),
        lambda t, peak, w: peak * min(t / w, np.sqrt(w / t)),  # of Python
        lambda t, peak, w: peak,
        0.1,
    ],
)
def test_check_rates_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_rates(answer)


def norm(gradients):
    return np.sqrt(sum(np.sum(g**2) for g in gradients))


def in_place(gradients, limit):
    for g in gradients:
        g *= min(1.0, limit / max(norm(gradients), 1e-9))
    return gradients


@pytest.mark.parametrize(
    "answer",
    [
        lambda gs, c: [np.clip(g, -c, c) for g in gs],
        lambda gs, c: [g * min(1, c / max(norm([g]), 1e-9)) for g in gs],  # one by one
        lambda gs, c: [g * c / max(norm(gs), 1e-9) for g in gs],  # lengthens too
        lambda gs, c: [g * min(1, c / max(norm(gs) ** 2, 1e-9)) for g in gs],
        lambda gs, c: list(gs),
        lambda gs, c: [g * c / max(norm(gs), c) for g in gs[::-1]],  # mixed up
        lambda gs, c: [g / norm(gs) * min(c, norm(gs)) for g in gs],  # 0/0
        in_place,
        1.0,
    ],
)
def test_check_clip_refuses(answer):
    with pytest.raises(AssertionError), np.errstate(all="ignore"):
        exercises.check_clip(answer)

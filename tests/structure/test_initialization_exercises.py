import numpy as np
import planted
import pytest

exercises = planted.load_checks("structure/initialization")


@pytest.mark.parametrize("answer", [20, 39, 41, 39.86, "40", None, np.nan])
def test_check_depth_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_depth(answer)


@pytest.mark.parametrize(
    "answer",
    [
        2 / 150,  # the variance
        (2 / 6) ** 0.5,  # without the window
        (2 / 400) ** 0.5,  # fan-out
        (2 / 550) ** 0.5,  # Glorot's
        (1 / 150) ** 0.5,
        "0.115",
    ],
)
def test_check_fan_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_fan(answer)


@pytest.mark.parametrize(
    "answer",
    [
        lambda n, a: 2 / n,
        lambda n, a: 2 / (n * (1 + a)),
        lambda n, a: (2 / (n * (1 + a**2))) ** 0.5,
        lambda n, a: 1 / (n * (1 + a**2)),
        lambda n, a: -1.0,
        lambda n, a: None,
        0.1,
    ],
)
def test_check_leaky_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_leaky(answer)


def lsuv(kernels, x, activation, slip=None):
    rescaled, h = [], x
    for W in kernels:
        z = h @ W
        if slip == "output":
            z = activation(z)
        if slip == "in place":
            W /= np.std(z)
        elif slip == "units":
            W = W / np.std(z, axis=0)
        elif slip == "variance":
            W = W / np.var(z)
        else:
            W = W / np.std(z)
        rescaled.append(W)
        h = activation(z if slip == "old signal" else h @ W)
    return rescaled


@pytest.mark.parametrize(
    "slip", ["output", "in place", "units", "variance", "old signal"]
)
def test_check_lsuv_refuses(slip):
    with pytest.raises(AssertionError):
        exercises.check_lsuv(lambda *arguments: lsuv(*arguments, slip=slip))


@pytest.mark.parametrize("answer", [1.0, lambda *a: None, lambda k, x, f: k])
def test_check_lsuv_refuses_what_is_no_rescaling(answer):
    with pytest.raises(AssertionError):
        exercises.check_lsuv(answer)


def test_check_lsuv_accepts_the_method(capsys):
    exercises.check_lsuv(lsuv)
    assert "Correct" in capsys.readouterr().out

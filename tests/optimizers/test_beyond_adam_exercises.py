import numpy as np
import optax
import planted
import pytest

exercises = planted.load_checks("optimizers/beyond-adam")


@pytest.mark.parametrize("answer", [123412, 61706, 64494, 5572, "64492", np.nan, 1j])
def test_check_memory_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_memory(answer)


@pytest.mark.parametrize(
    "answer",
    [
        lambda age, b1, b2: (1 - b1) * b1**age,  # one decay rate, as Adam's m
        lambda age, b1, b2: (1 - b2) * b2**age,
        lambda age, b1, b2: b1 * (1 - b2) * b2**age,
        lambda age, b1, b2: 1 - b1 if age == 0 else b1 * (1 - b2) * b2**age,
        lambda age, b1, b2: 1 - b1 if age == 0 else (1 - b2) * b2 ** (age - 1),
        lambda age, b1, b2: None,
        0.1,
    ],
)
def test_check_share_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_share(answer)


def adabelief(gradients, rate, *, late=False, slip=None):
    m = s = 0.0
    changes = []
    for t, g in enumerate(gradients, start=1):
        deviation = g - m
        m = 0.9 * m + 0.1 * g
        if not late:
            deviation = g - m
        if slip == "adam":
            deviation = g
        s = 0.999 * s + 0.001 * deviation**2 + (0 if slip == "no epsilon" else 1e-16)
        m_hat = m if slip == "no correction" else m / (1 - 0.9**t)
        s_hat = s if slip == "s not corrected" else s / (1 - 0.999**t)
        changes.append(-rate * m_hat / (s_hat**0.5 + 1e-16))
    return changes


@pytest.mark.parametrize(
    "answer",
    [
        lambda gs, rate: adabelief(gs, rate, late=True),  # from the old average
        lambda gs, rate: adabelief(gs, rate, slip="adam"),
        lambda gs, rate: adabelief(gs, rate, slip="no correction"),
        lambda gs, rate: adabelief(gs, rate, slip="s not corrected"),
        lambda gs, rate: [-change for change in adabelief(gs, rate)],
        lambda gs, rate: adabelief(gs, 1.0),
        lambda gs, rate: adabelief(gs, rate)[:1],
        1.0,
    ],
)
def test_check_adabelief_refuses(answer):
    with pytest.raises(AssertionError), np.errstate(all="ignore"):
        exercises.check_adabelief(answer)


def test_adabelief_is_that_of_optax(capsys):
    exercises.check_adabelief(adabelief)
    assert "Correct" in capsys.readouterr().out
    gradients = np.random.default_rng(1).normal(size=20)
    optimizer = optax.adabelief(0.1)
    params = np.zeros(1)
    state, changes = optimizer.init(params), []
    for g in gradients:
        change, state = optimizer.update(np.array([g]), state, params)
        changes.append(float(change[0]))
    np.testing.assert_allclose(changes, adabelief(gradients, 0.1), rtol=2e-4)


def lookahead(step, theta, num_rounds, k, alpha):
    for _ in range(num_rounds):
        fast = theta
        for _ in range(k):
            fast = step(fast)
        theta = theta + alpha * (fast - theta)
    return theta


def never_reset(step, theta, num_rounds, k, alpha):
    fast = theta
    for _ in range(num_rounds):
        for _ in range(k):
            fast = step(fast)
        theta = theta + alpha * (fast - theta)
    return theta


def in_place(step, theta, num_rounds, k, alpha):
    theta += lookahead(step, theta, num_rounds, k, alpha) - theta
    return theta


@pytest.mark.parametrize(
    "answer",
    [
        never_reset,
        in_place,
        lambda step, theta, n, k, alpha: lookahead(step, theta, n, k, 1 - alpha),
        lambda step, theta, n, k, alpha: lookahead(step, theta, n, k + 1, alpha),
        lambda step, theta, n, k, alpha: lookahead(step, theta, n, k, 1.0),
        lambda step, theta, n, k, alpha: lookahead(step, theta, n, k, alpha)[0],
        None,
    ],
)
def test_check_lookahead_refuses(answer):
    with pytest.raises(AssertionError):
        exercises.check_lookahead(answer)


def test_lookahead_is_that_of_optax():
    def gradient(theta):
        return theta - 1

    start, rate = np.array([3.0, -2.0]), 0.1
    optimizer = optax.lookahead(optax.sgd(rate), sync_period=5, slow_step_size=0.5)
    params = optax.LookaheadParams(start, start)
    state = optimizer.init(params)
    for _ in range(15):
        changes, state = optimizer.update(gradient(params.fast), state, params)
        params = optax.apply_updates(params, changes)
    ours = lookahead(lambda theta: theta - rate * gradient(theta), start, 3, 5, 0.5)
    np.testing.assert_allclose(params.slow, ours, rtol=1e-6)

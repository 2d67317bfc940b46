"""Wrong methods planted in the chapter on AdaGrad and RMSprop, which must not pass."""

import numpy as np
import planted

PAGE = "book/optimizers/adaptive.ipynb"
SKIP = ("slow", "libraries")  # what takes long


PLANTED = [
    # A rate that hardly moves; the rule that forgets in place of the one that does not.
    ("one-rate-crawls", {"sgd(1.9 / 1000)": "sgd(1e-12)"}),
    ("own-rates-arrive", {"minimize(ours, valley": "minimize(rmsprop(0.5), valley"}),
    ("own-rates-arrive", {"ours = adagrad(0.5,": "ours = adagrad(0.01,"}),
    ("rate-too-short", {"adagrad(0.03, 0.0)": "adagrad(0.5, 0.0)"}),
    ("adagrad-keeps-all", {"np.cumsum(gradient**2)": "np.cumsum(gradient)"}),
    ("rmsprop-forgets", {"(0.9, 0.95)": "(0.91, 0.95)"}),
    ("adadelta-forgets", {"(0.9, 0.95)": "(0.9, 0.951)"}),
    # A rate too short, one too long, no squares, and bad rates that are good ones.
    (
        "regret-bound",
        {"worst = adagrad(factor": "worst = adagrad(0.1 * factor"},
    ),
    (
        "regret-bound",
        {"worst = adagrad(factor": "worst = adagrad(4 * factor"},
    ),
    ("regret-of-bad-rates", {"worst_regret(0.1)": "worst_regret(0.9)"}),
    # An ε that counts breaks the invariance; so does a start above zero.
    ("scale-invariance", {"rmsprop(0.01, epsilon=0.0)": "rmsprop(0.01)"}),
    (
        "scale-invariance",
        {"adagrad(0.5, initial_accumulator_value=0.0, epsilon=0.0)": "adagrad(0.5)"},
    ),
    (
        "equal-first-steps",
        {
            'exact["AdaGrad"].step(start': "sgd(0.1).step(start",
            'exact["AdaGrad"].init': "sgd(0.1).init",
        },
    ),
    ("adagrad-dies", {"adagrad(1.0, 0.0, 0.0)": "rmsprop(1.0)"}),
    ("rmsprop-goes-on", {"rmsprop(1.0, epsilon=0.0)": "adagrad(1.0)"}),
    (
        "first-step",
        {"rmsprop(1.0, epsilon=0.0)": "rmsprop(1.0, rho=0.99, epsilon=0.0)"},
    ),
    ("rmsprop-weights", {"0.1 * np.sum(0.9 **": "0.1 * np.sum(0.91 **"}),
    # All three with one rate; gradients that are not small.
    ("rare-words", {'(g if "rate" in method else': "(g if method else"}),
    (
        "rare-words-rmsprop",
        {"0.9 * total + 0.1 * g**2": "total + g**2", "/ (10 if": "/ (1 if"},
    ),
    (
        "epsilon-place",
        {
            "(np.sqrt(average) + eps)": "np.sqrt(average + eps**2)",
            "eps = 1e-6, 1e-7": "eps = 1e-2, 1e-7",
        },
    ),
    ("keras-first-step", {"lengths(adagrad(1.0), 1": "lengths(adagrad(1.0, 0.0), 1"}),
    # A rule that comes to rest, and one that does not.
    ("rmsprop-cycles", {"far(rmsprop(rate))": "far(adagrad(rate))"}),
    ("rmsprop-cycles", {"far(rmsprop(rate))": "far(rmsprop(rate, epsilon=1e-12))"}),
    ("rmsprop-rests", {"0.001, 0.0006)}": "0.001, 0.0007)}", "[0.0006]": "[0.0007]"}),
    ("adagrad-converges", {"adagrad(0.5, 0.0), 200)": "rmsprop(0.5), 200)"}),
    ("centred-nan", {"RMSprop(centered=True)": "RMSprop()"}),
    ("centred-nan", {"RMSprop(centered=True)": "RMSprop(centered=True, epsilon=1e3)"}),
    (
        "turned-valley",
        {"turn @ np.diag([1.0, 1000.0]) @ turn.T": "np.diag([1.0, 1000.0])"},
    ),
    ("turned-valley", {"np.geomspace(0.01, 10, 31)": "np.zeros(31)"}),
    # The right method in place of each exhibit.
    ("late-first-step", {"np.sqrt(total + epsilon), ": "np.sqrt(total + g**2), "}),
    ("late-crawl", {"num_steps=500": "num_steps=400"}),
    ("one-sum-crawls", {"total += g @ g": "total = total + g * g"}),
    ("own-sums-arrive", {"valley, [1.0, 1.0], 500)": "valley, [1.0, 1.0], 50)"}),
    (
        "assigned-settles-at-one",
        {"theta = normalised": "theta = theta - 0.01 * normalised"},
    ),
]


@planted.each(PLANTED)
def test_planted_fault_is_refused(name, replacing):
    planted.check_refused(PAGE, name, replacing, skip_tags=SKIP)


def regret(rates_of, gradients):
    """Regret of linear losses on [-1, 1], with steps projected onto that interval."""
    theta, paid, squares = 0.0, 0.0, 0.0
    for g in gradients:
        paid += g * theta
        squares += g**2
        theta = np.clip(theta - rates_of(squares) * g, -1, 1)
    return paid + abs(np.sum(gradients))


def test_momentum_that_rescales_old_steps_is_refused():
    """PyTorch's momentum, which equals Keras's until the rate changes."""
    fault = {
        "falling = rmsprop(lambda t: RATE if t <= 25 else RATE / 4, **options)": (
            "class Rescaled(adaptive_rules._RMSprop):\n"
            "    def update(self, params, gradient, slots, rate, t):\n"
            "        step, slots = super().update(0 * params, gradient, slots, 1, t)\n"
            "        return params + rate * step, slots\n"
            "falling = Rescaled(lambda t: RATE if t <= 25 else RATE / 4, 0.9, 0.5,"
            " 1e-7, True)"
        )
    }
    planted.check_refused(PAGE, "rules-equal-libraries", fault)


def test_regret_stays_below_the_bound_of_the_page():
    rng = np.random.default_rng(0)
    for _ in range(200):
        size = 10 ** rng.uniform(-3, 3)
        gradients = size * (rng.normal(size=300) + rng.uniform(-2, 2))
        worst = regret(lambda s: np.sqrt(2) / np.sqrt(s), gradients)  # D = 2, η = D/√2
        assert worst <= np.sqrt(2) * 2 * np.sqrt(np.sum(gradients**2))


def test_lemma_of_the_page():
    squares = np.random.default_rng(0).exponential(size=(100, 50)) ** 3
    total = np.cumsum(squares, axis=1)
    left = np.sum(squares / np.sqrt(total), axis=1)
    assert np.all(left <= 2 * np.sqrt(total[:, -1]))
    assert np.all(left > 1.1 * np.sqrt(total[:, -1]))  # so 2 is not far off

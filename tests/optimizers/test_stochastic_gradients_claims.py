"""Wrong methods planted in the chapter on stochastic gradients."""

import numpy as np
import planted
import pytest

from aiarch.optimizers import stochastic_gradient_descent

PAGE = "book/optimizers/stochastic-gradients.ipynb"


def run_section(until, after):
    """Variables of a section of the page, networks and other claims left out."""
    return planted.run_page(
        PAGE, until=until, skip_tags=("slow",), after=after, alone=True
    )


PRICE, SHUFFLING = "### The price: a floor", "### Shuffling is better"
LARGER, SCRATCH = "### Larger batches", "(stochastic-gradients-scratch)="
PATHS, LIMITS = "**The path.**", "(stochastic-gradients-limits)="
ENDS, ARTICLE = "(stochastic-gradients-equality)=", "### The second article's program"
ZEROS = "moved = np.zeros((len(theta), 1))"
AT_START = "moved = np.array(theta, dtype=float)[:, None]"
FALLING = "lambda t, r=r: r if t < 4000 else r / 20, 16, 70"
BY_SIXTEEN = "batch_gradients(start, 16,"
PLANTED = [
    # Batches that hold everything are gradient descent; a falling rate is not stuck;
    # gradient descent below its best rate is.
    ("one-pass-gain", None, {"r, 16, 70": "r, 1797, 70"}),
    ("constant-rate-stuck", None, {"r, 16, 70": FALLING}),
    ("smaller-rate-stuck", None, {"rough[0.1]": "full[10]"}),
    ("exact-ends", None, {"1, 3, 10, 30": "1, 1 / L"}),
    # One sample instead of 16; the wrong point.
    (
        "batches-agree-at-start",
        None,
        {"rng.choice(len(y), batch_size": "rng.choice(len(y), 1"},
    ),
    ("samples-agree-at-start", None, {"batch_gradients(start, 1,": BY_SIXTEEN}),
    ("no-pull-at-minimum", None, {'"minimum": optimum': '"minimum": 0.9 * optimum'}),
    # n for n - 1; no correction for drawing without replacement; replacement.
    ("variance-by-counting", None, {"batch_size) / (n - 1)": "batch_size) / n"}),
    ("variance-by-sampling", None, {"* (n - batch_size) / (n - 1)": "* 1"}),
    ("variance-by-sampling", None, {"replace=False": "replace=True"}),
    # The limit of small rates in place of the formula; wrong powers of h and V;
    # constants that are a bit off.
    ("noise-ball", PRICE, {"(h * (2 - rate * h))": "(h * 2)"}),
    ("noise-ball", PRICE, {"(h * (2 - rate * h))": "(2 * (h - rate * h))"}),
    ("noise-ball", PRICE, {"(h * (2 - rate * h))": "(h**2 * (1 - rate))"}),
    ("noise-ball", PRICE, {"return rate * V /": "return rate * V**2 /"}),
    ("noise-ball", PRICE, {"return rate * V /": "return rate * V**0.5 /"}),
    ("running-mean", PRICE, {"* h**2 * t / V": "* 2 * h * t / V"}),
    ("running-mean", PRICE, {"* h**2 * t / V": "* h**2 * t / V**2"}),
    ("running-mean", PRICE, {"1 / (h * t),": "1.5 / (h * t),"}),
    ("too-small-a-constant", PRICE, {"0.2 / (h * t)": "0.25 / (h * t)"}),
    ("noise-scale-at-start", LARGER, {"/ len(y) / np.sum": "/ np.sum"}),
    ("noise-scale-grows", LARGER, {"1 / L, passes": "0.01 / L, passes"}),
    # Drawing for shuffling, in the formula and in the run; half the factor.
    ("shuffle-by-counting", SHUFFLING, {"* n / (n - 1) if": "if"}),
    ("shuffle-by-counting", SHUFFLING, {"* n / (n - 1) if": "* (n - 1) / n if"}),
    ("shuffle-by-counting", SHUFFLING, {"w = rate * h *": "w = rate *"}),
    ("shuffle-by-counting", SHUFFLING, {"return np.mean(x**2) *": "return"}),
    ("shuffle-by-counting", SHUFFLING, {"(2 * n))": "n)"}),
    ("shuffle-formula", SHUFFLING, {"rng.permuted(rows, axis=1) if": "rows if"}),
    ("shuffle-gain", SHUFFLING, {"if shuffle else rng": "if False else rng"}),
    ("shuffle-gain-midway", SHUFFLING, {"kept[n // 2 - 1]": "kept[-1]"}),
    ("shuffle-gain-approximation", SHUFFLING, {"* 12": "* 6"}),
    # The tail dropped; a schedule that is one step late.
    (
        "package-equals-few-lines",
        SCRATCH,
        {"range(0, n, batch": "range(0, n - 64, batch"},
    ),
    ("package-equals-few-lines", SCRATCH, {"rate(t) *": "rate(t + 1) *"}),
    ("shuffle-gain-on-digits", SCRATCH, {"if shuffle else rng": "if True else rng"}),
    ("excess-at-the-end", ENDS, {"falling, 8, 80": "0.1, 8, 20"}),
    ("constant-against-falling", SCRATCH, {"1.0, 8, 80": "falling, 8, 80"}),
    # Another order; a rate that is a little off.
    ("rule-equals-keras", PATHS, {"shuffle=False, verbose": "shuffle=True, verbose"}),
    ("rule-equals-scikit-learn", PATHS, {"eta0=0.5": "eta0=0.5000001"}),
    ("words-ascend", LIMITS, {"direction = -in_words": "direction = in_words"}),
    ("formula-descends", LIMITS, {"by_formula - 0.1": "by_formula + 0.1"}),
    # The article's program mended, one fault at a time.
    (
        "article-not-random",
        ARTICLE,
        {"rows = slice(k": "rows = np.random.randint(9, size=1); (k"},
    ),
    (
        "article-rate-zero-moves",
        ARTICLE,
        {
            ZEROS: AT_START,
            "total -= learning_rate * total": "total = learning_rate * total",
        },
    ),
    (
        "article-rate-one-is-zero",
        ARTICLE,
        {"total -= learning_rate": "total += learning_rate"},
    ),
    ("article-drops-the-tail", ARTICLE, {ZEROS: AT_START}),
]


@planted.each(PLANTED, ("name", "after", "replacing"))
def test_planted_fault_is_refused(name, after, replacing):
    planted.check_refused(PAGE, name, replacing, after=after)


@pytest.mark.parametrize(
    "name", ["noise-ball", "shuffle-gain-approximation", "article-drops-the-tail"]
)
def test_without_a_fault_the_section_holds(name):
    after = {name: after for name, after, _ in PLANTED}[name]
    assert run_section(name, after)["claim"]


# What the exhibit computes, beside what the page claims of it.


@pytest.fixture(scope="module")
def exhibit():
    return run_section("stochastic-article-stops", ARTICLE)


def test_faulty_program_follows_its_closed_form(exhibit):
    rng = np.random.default_rng(0)
    x, labels, theta = rng.normal(size=7), rng.integers(0, 2, 7), rng.normal()
    leaked = 1 / (1 + np.exp(-(theta * x + labels)))
    for rate in (0, 0.1, 1, 2):
        given = exhibit["faulty_program"](x[:, None], labels, [theta], rate, 1)
        expected = -2 * (1 - rate) * np.sum(x**2 * (leaked - labels))
        assert given.item() == pytest.approx(expected, abs=1e-12)


def test_the_right_program_passes_what_the_faulty_one_fails(exhibit):
    X, y = exhibit["table"], exhibit["flags"]
    still, _ = stochastic_gradient_descent(X, y, np.ones(3), 0.0, 4, 3)
    np.testing.assert_array_equal(still, np.ones(3))
    for size in (3, 4, 11):
        theta, history = stochastic_gradient_descent(X, y, np.ones(3), 0.1, size, 5)
        assert np.all(theta != 1) and history[-1] < history[0]

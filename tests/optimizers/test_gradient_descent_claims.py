"""Wrong methods planted in the chapter on gradient descent, which must not pass."""

import numpy as np
import planted
import pytest

from aiarch.optimizers import gradient_descent, logistic_gradient, logistic_loss

PAGE = "book/optimizers/gradient-descent.ipynb"


@pytest.fixture(scope="module")
def page():
    """Variables of the page, its networks left out."""
    return planted.run_page(
        PAGE, until="one-by-one-scales-with-rate", skip_tags=("slow",)
    )


RIGHT = "logistic_gradient"
PLANTED = [
    # A curvature that is not 1 moves the limit; a rate clipped at 1.9 stays below it.
    ("rate-below-limit", {"quadratic([1.0])": "quadratic([1.001])"}),
    ("rate-above-limit", {"minimize(sgd(rate), bowl": "minimize(sgd(1.9), bowl"}),
    # A start beside the ridge does not stay on it; one beyond it finds the deepest.
    ("stops-at-saddle", {"(-0.5, 0.0, 0.5)": "(-0.5, 1e-9, 0.5)", "0.0]": "1e-9]"}),
    ("stops-at-local-minimum", {"x**3 / 6": "x**3 / 60", "x / 2 - 1": "x / 20 - 1"}),
    # A rate that does not know the curvature, and one that is not the best.
    ("steps-grow-with-condition-number", {"steps_needed(k, 1 / k)": "int(k**0.5) + 9"}),
    ("steps-within-bound", {"factor=1e-6": "factor=1e-7"}),
    ("steps-bound-is-tight", {"factor=1e-6": "factor=1e-4"}),
    ("best-rate-halves-the-steps", {"2 / (k + 1)": "1.5 / (k + 1)"}),
    # The few lines with the logistic function's slope taken for 1/5.
    ("package-equals-few-lines", {"len(y))[-1] / 4": "len(y))[-1] / 5"}),
    (
        "gradient-check",
        {"logistic_gradient(X, y, point": "1.001 * logistic_gradient(X, y, point"},
    ),
    # A constant L that is too small (by 0.45, by 0.85) or too large (by 1.2, 1.15).
    ("monotone-at-one-over-l", {"multiple / limit": "multiple / (0.45 * limit)"}),
    ("monotone-at-one-over-l", {"multiple / limit": "multiple / (0.85 * limit)"}),
    ("rises-beyond-two-over-l", {"multiple / limit": "multiple / (1.2 * limit)"}),
    ("rises-beyond-two-over-l", {"multiple / limit": "multiple / (1.15 * limit)"}),
    ("bound-is-the-worst-case", {"6 / L, num": "60 / L, num"}),
    # The reasons: a random direction, the whole of L, no step, the start.
    ("gradient-along-sharpest", {"directions[:, -1]": "unit"}),
    ("curvature-along-gradient", {"unit @ hessian(X, np.zeros(14)) @ unit": "L"}),
    ("sharpness-after-one-step", {"-6 / L * first": "-0.1 / L * first"}),
    ("local-limit", {"hessian(X, theta))": "hessian(X, 0 * theta))"}),
    # A rate that is a little off; another problem than scikit-learn's.
    ("rule-equals-libraries", {"theta = sgd(rate)": "theta = sgd(rate * 1.0000001)"}),
    ("optimum-equals-scikit-learn", {'True, "l2": 0.01}': 'True, "l2": 0.0101}'}),
    # Another rate than 1/L; the largest curvature for the smallest; no bias column.
    ("steps-to-scikit-learn", {"rule_path(2000, 1 / L)": "rule_path(2000, 6 / L)"}),
    ("predicted-steps", {"hessian(X, path[-1]))[0]": "hessian(X, path[-1]))[1]"}),
    ("waited", {"1e-6 * away[0]": "1e-8 * away[0]"}),
    ("standardising-gain", {"condition(raw) /": "condition(X) /"}),
    ("raw-table-loss", {"gradient_descent(raw, y": "gradient_descent(X, y"}),
    # The right method in place of each exhibit.
    (  # mean zero, but the sign is mostly right
        "article-sign-is-a-coin",
        {"cosines.append(": "cosines.append(1 if len(cosines) % 4 else -3) or print("},
    ),
    (
        "article-cosine-size",
        {"faulty_gradient(A, labels, point)[0]": "rng.normal(size=3)"},
    ),
    (
        "random-loss-rises",
        {"drawn *=": "drawn = -logistic_gradient(A, labels, 0 * drawn); drawn *="},
    ),
    (
        "article-gradient-cosine",
        {"faulty_gradient(A, labels, point)[0]": f"{RIGHT}(A, labels, point)"},
    ),
    (
        "article-loss-rises",
        {"faulty_gradient(A, labels, moved)[0]": f"{RIGHT}(A, labels, moved)"},
    ),
    ("article-label-leak", {"sigmoid(0 + every_label)": "sigmoid(0 * every_label)"}),
    ("wrong-factor-false-minimum", {"(x - theta * x)": "1"}),
    ("wrong-factor-false-minimum", {"rate=0.01": "rate=0.1"}),
    ("wrong-factor-diverges", {"with_factor, 3.1": "without, 3.1"}),
    ("one-by-one-stays-off", {"b = A @ [1, -2] + rng": "b = A @ [1, -2] + 0 * rng"}),
]


@planted.each(PLANTED)
def test_planted_fault_is_refused(name, replacing):
    planted.check_refused(PAGE, name, replacing)


# What the exhibits compute, beside what the page claims of them.


def test_faulty_gradient_runs_only_for_square_problems(page):
    faulty = page["faulty_gradient"]
    with pytest.raises(ValueError, match="not aligned"):
        faulty(np.ones((8, 3)), np.ones(8), np.zeros(3))
    with pytest.raises(ValueError, match="not aligned"):
        faulty(np.ones((8, 3)), np.ones(8), np.zeros((3, 1)))
    assert faulty(np.ones((3, 3)), np.ones(3), np.zeros(3)).shape == (1, 3)


def test_faulty_gradient_follows_its_closed_form(page):
    rng = np.random.default_rng(0)
    X, y, theta = rng.normal(size=(3, 3)), np.array([0, 1, 1]), rng.normal(size=3)
    leaked = 1 / (1 + np.exp(-(X @ theta + y[:, None])))  # row i: with label i
    inner = np.sum((leaked - y[:, None]) * X, axis=1)
    np.testing.assert_allclose(
        page["faulty_gradient"](X, y, theta)[0], 2 / 3 * inner @ X, rtol=1e-12
    )


def test_the_right_program_lowers_the_loss_where_the_faulty_one_raises_it(page):
    for X, y in page["problems"][:50]:
        _, history = gradient_descent(X, y, np.zeros(3), num_steps=50)
        assert history[-1] < history[0] == pytest.approx(np.log(2))
        theta = page["descend"](
            lambda t, X=X, y=y: logistic_gradient(X, y, t), np.zeros(3), 0.1, 50
        )
        assert logistic_loss(X, y, theta) < np.log(2)


SEEDS = range(20)


def draw(seed, num_samples=50):
    """Samples as the page draws them."""
    return np.random.default_rng(seed).uniform(0.5, 2, size=num_samples)


@pytest.mark.parametrize("start", [-2.0, 0.0, 0.5, 1.5, 2.9, 3.1, 10.0])
def test_without_the_factor_every_start_finds_the_truth(page, start):
    for seed in SEEDS[:5]:
        end = page["epochs_of"](page["without"], start, draw(seed), 0.1)
        assert end == pytest.approx(3, abs=1e-9)


def test_residual_squared_is_no_remedy_for_the_factor(page):
    def squared(theta, x):  # the article's factor read as label minus prediction
        return x**2 * (theta - 3) * (3 * x - theta * x)

    end = page["epochs_of"](squared, 3.1, draw(0), 0.1, 500)
    assert end != pytest.approx(3, abs=1e-3)
    # The step never changes sign: it passes the truth from below and runs away.
    thetas = np.linspace(-5, 5, 50)
    assert np.all(np.sign([squared(t, 1.0) for t in thetas]) <= 0)


def lucky(theta, x):
    """Return the faulty step where the truth is 0.5, below the false point 1."""
    return x**2 * (theta - 0.5) * (x - theta * x)


@pytest.mark.parametrize("start", [0.9, 0.0, -2.0])
def test_the_factor_can_be_lucky_at_a_small_rate(page, start):
    ends = [page["epochs_of"](lucky, start, draw(s), 0.01, 500) for s in SEEDS]
    np.testing.assert_allclose(ends, 0.5, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("factor", "truth"), [("with_factor", 3.0), ("lucky", 0.5)])
def test_far_from_the_truth_the_order_decides_at_a_large_rate(page, factor, truth):
    gradient = lucky if factor == "lucky" else page["with_factor"]
    ends = [page["epochs_of"](gradient, -2.0, draw(seed), 0.1) for seed in SEEDS]
    assert 4 <= np.sum(np.isinf(ends)) <= 16
    assert all(end == np.inf or end == pytest.approx(min(1, truth)) for end in ends)

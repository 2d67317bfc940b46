import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize
from sklearn.linear_model import LogisticRegression

from aiarch.optimizers import (
    gradient_descent,
    logistic_gradient,
    logistic_loss,
    logistic_smoothness,
    minimize,
    sgd,
)


def problem(num_samples=40, num_features=3, seed=0):
    """Labels drawn from a logistic model, so that the classes overlap."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(num_samples, num_features))
    X *= rng.uniform(0.2, 3, size=num_features)
    odds = X @ rng.normal(size=num_features) + 0.5
    y = (rng.uniform(size=num_samples) < 1 / (1 + np.exp(-odds))).astype(int)
    return X, y, rng


def plain_loss(X, y, theta, use_bias, l2):
    """The definition, sample by sample; overflows for large logits."""
    weights, bias = (theta[:-1], theta[-1]) if use_bias else (theta, 0.0)
    total = 0.0
    for row, label in zip(X, y, strict=True):
        p = 1 / (1 + np.exp(-(row @ weights + bias)))
        total -= label * np.log(p) + (1 - label) * np.log(1 - p)
    return total / len(y) + l2 / 2 * weights @ weights


CASES = [(False, 0.0), (True, 0.0), (False, 0.3), (True, 0.3)]


@pytest.mark.parametrize(("use_bias", "l2"), CASES)
def test_loss_equals_its_definition(use_bias, l2):
    X, y, rng = problem()
    theta = rng.normal(size=3 + use_bias)
    ours = logistic_loss(X, y, theta, use_bias=use_bias, l2=l2)
    assert ours == pytest.approx(plain_loss(X, y, theta, use_bias, l2), rel=1e-13)


@pytest.mark.parametrize(("use_bias", "l2"), CASES)
def test_gradient_agrees_with_finite_differences(use_bias, l2):
    X, y, rng = problem()
    for theta in rng.normal(size=(5, 3 + use_bias)):

        def loss(theta):
            return logistic_loss(X, y, theta, use_bias=use_bias, l2=l2)

        numeric = [
            (loss(theta + h) - loss(theta - h)) / 2e-5
            for h in 1e-5 * np.eye(len(theta))
        ]
        ours = logistic_gradient(X, y, theta, use_bias=use_bias, l2=l2)
        np.testing.assert_allclose(ours, numeric, rtol=0, atol=1e-9)


def test_extreme_logits_are_exact():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # A right, very sure answer costs nothing; a wrong one costs |z|.
        assert logistic_loss([[1.0]], [1], [1e4]) == 0
        assert logistic_loss([[1.0]], [0], [1e4]) == 1e4
        assert logistic_loss([[1.0]], [0], [-50.0]) == pytest.approx(np.exp(-50.0))
        np.testing.assert_array_equal(logistic_gradient([[1.0]], [0], [-1e4]), [0.0])
        np.testing.assert_array_equal(logistic_gradient([[1.0]], [0], [1e4]), [1.0])


@pytest.mark.parametrize(("use_bias", "l2"), [(False, 0.3), (True, 0.3), (True, 0.02)])
def test_optimum_is_that_of_scikit_learn(use_bias, l2):
    X, y, _ = problem()
    theirs = LogisticRegression(
        C=1 / (len(y) * l2), fit_intercept=use_bias, tol=1e-12, max_iter=10_000
    ).fit(X, y)
    expected = theirs.coef_[0]
    if use_bias:
        expected = np.append(expected, theirs.intercept_)
    theta, _ = gradient_descent(
        X, y, np.zeros(3 + use_bias), num_steps=5000, use_bias=use_bias, l2=l2
    )
    np.testing.assert_allclose(theta, expected, atol=1e-6)


def test_optimum_without_penalty_is_that_of_scipy():
    X, y, _ = problem(num_samples=200)
    found = optimize.minimize(
        lambda theta: plain_loss(X, y, theta, True, 0.0), np.zeros(4), tol=1e-10
    )
    theta, history = gradient_descent(X, y, np.zeros(4), None, 5000, use_bias=True)
    np.testing.assert_allclose(theta, found.x, atol=1e-4)
    assert history[-1] <= found.fun + 1e-12
    gradient = logistic_gradient(X, y, theta, use_bias=True)
    assert np.linalg.norm(gradient) < 1e-12


@pytest.mark.parametrize(("use_bias", "l2"), CASES)
def test_smoothness_bounds_every_hessian_and_is_met_at_zero(use_bias, l2):
    X, y, rng = problem()
    inputs = np.column_stack([X, np.ones(len(X))]) if use_bias else X
    bound = logistic_smoothness(X, use_bias=use_bias, l2=l2)

    def largest_curvature(theta):
        p = 1 / (1 + np.exp(-inputs @ theta))
        hessian = inputs.T * (p * (1 - p)) @ inputs / len(X)
        penalty = np.full(len(theta), l2)
        penalty[-1] *= not use_bias
        return np.linalg.eigvalsh(hessian + np.diag(penalty))[-1]

    for theta in rng.normal(size=(20, inputs.shape[1])):
        assert largest_curvature(theta) <= bound + 1e-12
    if not (use_bias and l2):  # the unpenalised bias makes the bound loose there
        at_zero = largest_curvature(np.zeros(inputs.shape[1]))
        assert bound == pytest.approx(at_zero, rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 12),
    st.integers(1, 5),
    st.floats(0.01, 100),
    st.booleans(),
    st.sampled_from([0.0, 0.1, 10.0]),
    st.integers(0, 2**32 - 1),
)
def test_loss_never_rises_at_the_default_rate(n, d, scale, use_bias, l2, seed):
    rng = np.random.default_rng(seed)
    X = scale * rng.normal(size=(n, d))
    y = rng.integers(0, 2, size=n)
    start = rng.normal(size=d + use_bias)
    theta, history = gradient_descent(
        X, y, start, num_steps=50, use_bias=use_bias, l2=l2
    )
    assert np.all(np.diff(history) <= 1e-12 * (1 + history[0]))
    assert theta.shape == start.shape and history.shape == (51,)
    # Descent lemma: at 1/L the first step wins at least the squared gradient / (2L).
    gradient = logistic_gradient(X, y, start, use_bias=use_bias, l2=l2)
    bound = logistic_smoothness(X, use_bias=use_bias, l2=l2)
    promised = gradient @ gradient / (2 * bound)
    assert history[0] - history[1] >= promised * (1 - 1e-9) - 1e-12 * (1 + history[0])


def test_is_gradient_descent_and_nothing_else():
    X, y, rng = problem()
    start = rng.normal(size=4)

    class Loss:
        def __call__(self, theta):
            return plain_loss(X, y, theta, True, 0.2)

        def gradient(self, theta):
            return logistic_gradient(X, y, theta, use_bias=True, l2=0.2)

    run = minimize(sgd(0.37), Loss(), start, 10)
    theta, history = gradient_descent(X, y, start, 0.37, 10, use_bias=True, l2=0.2)
    np.testing.assert_allclose(theta, run.points[-1], rtol=1e-13)
    np.testing.assert_allclose(history, run.values, rtol=1e-12)


def test_inputs_are_left_alone_and_bool_labels_accepted():
    X, y, rng = problem()
    theta = np.zeros(3)
    copies = X.copy(), y.copy(), theta.copy()
    result, _ = gradient_descent(X, y.astype(bool), theta, 0.1, 5)
    expected, _ = gradient_descent(X, y.astype(float), theta, 0.1, 5)
    np.testing.assert_array_equal(result, expected)
    for array, copy in zip((X, y, theta), copies, strict=True):
        np.testing.assert_array_equal(array, copy)
    untouched, history = gradient_descent(X, y, theta, 0.1, 0)
    assert untouched is not theta and len(history) == 1


def test_divergence_is_recorded_without_a_warning():
    X, y, _ = problem()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, history = gradient_descent(X, y, np.ones(3), 10.0, 500, l2=10.0)
    assert not np.isfinite(history[-1])


X0, Y0 = np.ones((4, 2)), np.array([0, 1, 0, 1])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"X": np.ones(4)}, ValueError, r"`X` must be .* got shape \(4,\)"),
        ({"X": np.ones((0, 2))}, ValueError, r"non-empty matrix .* \(0, 2\)"),
        ({"X": X0 * np.nan}, ValueError, "`X` must be .* with NaN or infinity"),
        ({"X": [["a", "b"]]}, TypeError, "`X` must hold real numbers, got dtype"),
        ({"y": Y0[:, None]}, ValueError, r"`y` must .* got \(4, 1\); flatten"),
        ({"y": Y0[:3]}, ValueError, r"`y` must have shape \(4,\)"),
        ({"y": 2 * Y0 - 1}, ValueError, r"labels 0 and 1, got \[-1"),
        ({"y": Y0 * 0.5}, ValueError, "`y` must hold the labels 0 and 1"),
        ({"y": Y0 * np.nan}, ValueError, "`y` must hold the labels 0 and 1"),
        ({"theta": np.zeros(3)}, ValueError, r"`theta` .* \(2,\).* use_bias=True"),
        ({"theta": np.zeros((2, 1))}, ValueError, r"`theta` must .* \(2, 1\)"),
        ({"theta": [np.inf, 0]}, ValueError, "`theta` must be finite"),
        ({"use_bias": True}, ValueError, r"`theta` .* \(3,\).* the bias last"),
        ({"use_bias": 1.5}, TypeError, "`use_bias` must be True or False, got 1.5"),
        ({"l2": -1.0}, ValueError, r"`l2` must .*\[0, ∞\), got -1.0"),
        ({"l2": "1"}, TypeError, "`l2` must be a number"),
    ],
)
@pytest.mark.parametrize(
    "function", [logistic_loss, logistic_gradient, gradient_descent]
)
def test_refuses_bad_data(function, arguments, error, message):
    good = {"X": X0, "y": Y0, "theta": np.zeros(2)}
    with pytest.raises(error, match=message):
        function(**{**good, **arguments})


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"learning_rate": -1.0}, ValueError, "`learning_rate` must"),
        ({"learning_rate": "fast"}, TypeError, "`learning_rate` must be a number"),
        ({"num_steps": -1}, ValueError, "`num_steps` must be at least 0"),
        ({"num_steps": 2.0}, TypeError, "`num_steps` must be an int, got 2.0"),
    ],
)
def test_gradient_descent_refuses_bad_settings(arguments, error, message):
    with pytest.raises(error, match=message):
        gradient_descent(X0, Y0, np.zeros(2), **arguments)


def test_smoothness_refuses_bad_data():
    with pytest.raises(ValueError, match="`X` must be"):
        logistic_smoothness([1.0, 2.0])
    with pytest.raises(TypeError, match="`use_bias`"):
        logistic_smoothness(X0, use_bias="yes")

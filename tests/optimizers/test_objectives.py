import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from aiarch.optimizers import Objective, beale, minimize, quadratic, rosenbrock, sgd


def tilted(eigenvalues, minimizer=None, seed=0):
    """A quadratic whose axes are not those of the coordinates."""
    rng = np.random.default_rng(seed)
    basis, _ = np.linalg.qr(rng.normal(size=(len(eigenvalues), len(eigenvalues))))
    return quadratic(basis @ np.diag(eigenvalues) @ basis.T, minimizer)


OBJECTIVES = {
    "diagonal": quadratic([1.0, 7.0], [2.0, -1.0]),
    "tilted": tilted([0.5, 20.0], [1.0, 3.0]),
    "rosenbrock": rosenbrock,
    "beale": beale,
}


@pytest.mark.parametrize("name", OBJECTIVES)
def test_gradient_agrees_with_finite_differences(name):
    objective = OBJECTIVES[name]
    for point in np.random.default_rng(1).uniform(-2, 2, size=(20, 2)):
        numeric = optimize.approx_fprime(point, objective, 1e-7)
        scale = 1 + np.linalg.norm(numeric)
        np.testing.assert_allclose(
            objective.gradient(point), numeric, rtol=0, atol=1e-4 * scale
        )


@pytest.mark.parametrize("name", ["rosenbrock", "beale"])
def test_gradient_equals_automatic_differentiation(name):
    import jax

    objective = OBJECTIVES[name]
    formulas = {
        "rosenbrock": lambda p: (1 - p[0]) ** 2 + 100 * (p[1] - p[0] ** 2) ** 2,
        "beale": lambda p: (
            (1.5 - p[0] + p[0] * p[1]) ** 2
            + (2.25 - p[0] + p[0] * p[1] ** 2) ** 2
            + (2.625 - p[0] + p[0] * p[1] ** 3) ** 2
        ),
    }
    with jax.enable_x64(True):
        differentiate = jax.value_and_grad(formulas[name])
        for point in np.random.default_rng(2).uniform(-3, 3, size=(20, 2)):
            value, gradient = differentiate(jax.numpy.asarray(point))
            np.testing.assert_allclose(objective(point), float(value), rtol=1e-12)
            np.testing.assert_allclose(
                objective.gradient(point), np.asarray(gradient), rtol=1e-11, atol=1e-9
            )


@pytest.mark.parametrize("name", OBJECTIVES)
def test_minimizer_is_one_and_scipy_finds_no_lower_point(name):
    objective = OBJECTIVES[name]
    assert objective(objective.minimizer) == 0
    np.testing.assert_allclose(objective.gradient(objective.minimizer), 0, atol=1e-14)
    found = optimize.minimize(
        objective, objective.minimizer + 0.1, jac=objective.gradient, tol=1e-12
    )
    np.testing.assert_allclose(found.x, objective.minimizer, atol=1e-5)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_grid_in_one_call_equals_point_by_point(name):
    objective = OBJECTIVES[name]
    grid = np.random.default_rng(3).normal(size=(3, 4, 2))
    assert objective(grid).shape == (3, 4)
    assert objective.gradient(grid).shape == (3, 4, 2)
    for i, j in np.ndindex(3, 4):
        np.testing.assert_allclose(objective(grid)[i, j], objective(grid[i, j]))
        np.testing.assert_allclose(
            objective.gradient(grid)[i, j], objective.gradient(grid[i, j])
        )


def test_curvatures_of_a_quadratic():
    bowl = tilted([0.5, 2.0, 20.0])
    assert bowl.smoothness == pytest.approx(20, rel=1e-12)
    assert bowl.strong_convexity == pytest.approx(0.5, rel=1e-12)
    assert bowl.condition_number == pytest.approx(40, rel=1e-12)
    assert bowl.num_dimensions == 3
    assert rosenbrock.condition_number is None


@given(st.floats(0.01, 100), st.floats(0.01, 1.99), st.integers(0, 30))
def test_one_dimension_follows_the_closed_form(curvature, product, num_steps):
    run = minimize(
        sgd(product / curvature), quadratic([curvature], [3.0]), [4.0], num_steps
    )
    factors = (1 - product) ** np.arange(num_steps + 1)
    np.testing.assert_allclose(run.points[:, 0], 3 + factors, atol=1e-10)
    np.testing.assert_allclose(run.values, curvature / 2 * factors**2, atol=1e-8)


def test_trajectory_has_the_start_and_every_step():
    points, values = minimize(sgd(1e-3), rosenbrock, [-1, 2], 5)
    assert points.shape == (6, 2) and values.shape == (6,)
    np.testing.assert_array_equal(points[0], [-1.0, 2.0])
    np.testing.assert_array_equal(values, rosenbrock(points))


def test_start_is_not_shared_with_the_result():
    start = np.array([1.0])
    run = minimize(sgd(0.1), quadratic([1.0]), start, 0)
    run.points[0] = 7.0
    assert start[0] == 1.0


@pytest.mark.parametrize("objective", [rosenbrock, beale, quadratic([1.0, 1e6])])
def test_divergence_is_recorded_without_a_warning(objective):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run = minimize(sgd(10.0), objective, [5.0, 5.0], 500)
    assert not np.isfinite(run.values[-1])
    assert run.points.shape == (501, 2)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"rule": sgd}, TypeError, "`rule` must have init and step, got <function"),
        ({"objective": quadratic}, TypeError, "`objective` must have .*gradient"),
        ({"objective": Objective}, TypeError, "`objective` must have"),
        ({"start": [[1.0, 2.0]]}, ValueError, "`start` must be a finite vector"),
        ({"start": [1.0, np.nan]}, ValueError, "`start` must be a finite vector"),
        ({"start": []}, ValueError, "`start` must be a finite vector"),
        ({"start": [1.0]}, ValueError, r"`points` .*\(\.\.\., 2\), got \(1,\)"),
        ({"start": "ab"}, TypeError, "`start` must hold real numbers"),
        ({"num_steps": -1}, ValueError, "`num_steps` must be at least 0, got -1"),
        ({"num_steps": 1.5}, TypeError, "`num_steps` must be an int, got 1.5"),
        ({"num_steps": True}, TypeError, "`num_steps` must be an int, got True"),
    ],
)
def test_minimize_refuses_bad_input(arguments, error, message):
    good = {"rule": sgd(), "objective": rosenbrock, "start": [0, 0], "num_steps": 1}
    with pytest.raises(error, match=message):
        minimize(**{**good, **arguments})


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([1.0, -2.0],), ValueError, "`curvature` must have positive eigenvalues"),
        (([1.0, 0.0],), ValueError, "no unique minimizer"),
        (([[1.0, 2.0], [0.0, 5.0]],), ValueError, "`curvature` must be symmetric"),
        (([[1.0, 2.0, 3.0]],), ValueError, "`curvature` must be finite, eigenvalues"),
        (([],), ValueError, "`curvature` must be finite"),
        (([np.nan],), ValueError, "`curvature` must be finite"),
        ((2.0,), ValueError, "`curvature` must be finite"),
        (([1.0], [1.0, 2.0]), ValueError, r"`minimizer` .* \(1,\)"),
        (([1.0], [np.inf]), ValueError, "`minimizer` must be a finite vector"),
        ((["a"],), TypeError, "`curvature` must hold real numbers"),
    ],
)
def test_quadratic_refuses_bad_input(arguments, error, message):
    with pytest.raises(error, match=message):
        quadratic(*arguments)

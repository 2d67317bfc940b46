import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiarch.optimizers import sgd

SETTINGS = [
    {},
    {"learning_rate": 0.125},
    {"learning_rate": 0.125, "momentum": 0.875},
    {"learning_rate": 0.125, "momentum": 0.875, "nesterov": True},
    {"learning_rate": 0.125, "nesterov": True},
]  # eighths: Keras rounds its settings to float32, which leaves these as they are


def gradients(num_steps=100, shape=(3, 2)):
    """Gradients that depend on the parameters, so that an error feeds back."""
    rng = np.random.default_rng(0)
    start = rng.normal(size=shape)
    curvature = rng.uniform(0.1, 3.0, size=shape)
    shifts = rng.normal(size=(num_steps, *shape))
    return start, lambda params, t: curvature * params + shifts[t]


def run_rule(rule, num_steps=100):
    params, gradient = gradients(num_steps)
    state = rule.init(params)
    path = [params]
    for t in range(num_steps):
        params, state = rule.step(params, gradient(params, t), state)
        path.append(params)
    return np.stack(path)


@pytest.mark.backend
@pytest.mark.parametrize("settings", SETTINGS)
def test_equals_keras_in_float64_over_100_steps(settings):
    import contextlib

    import keras

    exact = contextlib.nullcontext()
    if keras.backend.backend() == "jax":
        import jax

        exact = jax.enable_x64(True)
    with exact:
        start, gradient = gradients()
        optimizer = keras.optimizers.SGD(**settings)
        variable = keras.Variable(start, dtype="float64")
        path = [start]
        for t in range(100):
            step = keras.ops.convert_to_tensor(gradient(path[-1], t), dtype="float64")
            optimizer.apply([step], [variable])
            path.append(keras.ops.convert_to_numpy(variable))
        assert path[-1].dtype == np.float64
    rate = float(np.float32(settings.get("learning_rate", 0.01)))
    ours = run_rule(sgd(**{**settings, "learning_rate": rate}))
    np.testing.assert_allclose(ours, np.stack(path), rtol=0, atol=1e-12)


@pytest.mark.parametrize("settings", SETTINGS[1:-1])  # torch: no nesterov alone
def test_equals_torch_at_a_fixed_rate(settings):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    settings = dict(settings)
    start, gradient = gradients()
    weight = torch.tensor(start, requires_grad=True)
    optimizer = torch.optim.SGD(
        [weight],
        lr=settings["learning_rate"],
        momentum=settings.get("momentum", 0.0),
        nesterov=settings.get("nesterov", False),
    )
    path = [start]
    for t in range(100):
        weight.grad = torch.tensor(gradient(path[-1], t))
        optimizer.step()
        path.append(weight.detach().numpy().copy())
    np.testing.assert_allclose(run_rule(sgd(**settings)), path, rtol=0, atol=1e-12)


@pytest.mark.parametrize("settings", SETTINGS[1:])
def test_equals_optax_at_a_fixed_rate(settings):
    optax = pytest.importorskip("optax")
    import jax

    with jax.enable_x64(True):
        start, gradient = gradients()
        momentum = settings.get("momentum") or None
        optimizer = optax.sgd(
            settings["learning_rate"], momentum, settings.get("nesterov", False)
        )
        params = jax.numpy.asarray(start)
        state = optimizer.init(params)
        path = [start]
        for t in range(100):
            updates, state = optimizer.update(gradient(np.asarray(params), t), state)
            params = optax.apply_updates(params, updates)
            path.append(np.asarray(params))
    np.testing.assert_allclose(run_rule(sgd(**settings)), path, rtol=0, atol=1e-12)


def test_defaults_are_those_of_keras():
    import inspect

    import keras

    theirs = inspect.signature(keras.optimizers.SGD).parameters
    for name, parameter in inspect.signature(sgd).parameters.items():
        assert parameter.default == theirs[name].default, name


def test_one_step_by_hand():
    plain, _ = sgd(0.5).step([2.0], [3.0], {})
    assert plain == [0.5]  # 2 - 0.5 * 3
    rule = sgd(0.5, momentum=0.5)
    params, state = rule.step([2.0], [3.0], rule.init([2.0]))
    params, state = rule.step(params, [1.0], state)
    assert state["velocity"] == [-1.25]  # 0.5 * -1.5 - 0.5 * 1
    assert params == [-0.75]  # 0.5 - 1.25
    ahead, _ = sgd(0.5, 0.5, nesterov=True).step(
        [0.5], [1.0], {"velocity": np.array([-1.5])}
    )
    assert ahead == [-0.625]  # 0.5 + 0.5 * -1.25 - 0.5


@given(
    st.floats(1e-3, 10),
    st.floats(0, 1),
    st.booleans(),
    st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=5),
)
def test_a_step_is_pure_and_linear_in_the_gradient(rate, momentum, nesterov, values):
    rule = sgd(rate, momentum, nesterov)
    params, gradient = np.array(values), np.array(values[::-1])
    before = params.copy(), gradient.copy()
    state = rule.init(params)
    once, _ = rule.step(params, gradient, state)
    twice, _ = rule.step(params, 2 * gradient, state)
    np.testing.assert_allclose(twice - params, 2 * (once - params), atol=1e-9)
    np.testing.assert_array_equal(params, before[0])
    np.testing.assert_array_equal(gradient, before[1])
    assert all(not np.any(value) for value in state.values())


def test_rules_are_frozen_and_compare_by_value():
    assert sgd(0.1) == sgd(0.1) != sgd(0.2)
    with pytest.raises(AttributeError):
        sgd(0.1).learning_rate = 0.2


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"learning_rate": -0.1}, ValueError, r"`learning_rate` must .* got -0.1"),
        ({"learning_rate": np.nan}, ValueError, r"`learning_rate` .*\[0, ∞\), got nan"),
        ({"learning_rate": np.inf}, ValueError, "`learning_rate` must be a finite"),
        ({"learning_rate": "0.1"}, TypeError, "`learning_rate` must be a number"),
        ({"momentum": 1.5}, ValueError, r"`momentum` .*\[0, 1\], got 1.5"),
        ({"momentum": True}, TypeError, "`momentum` must be a number, got True"),
        ({"nesterov": 0.9}, TypeError, "`nesterov` must be True or False, got 0.9"),
    ],
)
def test_refuses_bad_settings(arguments, error, message):
    with pytest.raises(error, match=message):
        sgd(**arguments)


@pytest.mark.parametrize(
    ("params", "gradient", "state", "error", "message"),
    [
        ([1.0, 2.0], [1.0], None, ValueError, r"`gradient` .* \(2,\), got \(1,\)"),
        (["a"], [1.0], None, TypeError, "`params` must hold real numbers, got dtype"),
        ([1.0], [1j], None, TypeError, "`gradient` must hold real numbers"),
        ([1.0], [1.0], {}, ValueError, r"`state` must hold .*velocity.*, got \{\}"),
        ([1.0], [1.0], [], TypeError, "`state` must be a dict, got list"),
        ([1.0], [1.0], {"velocity": [0.0]}, ValueError, "got .*'velocity': None"),
        ([1.0], [1.0], {"velocity": np.zeros(2)}, ValueError, "start from `rule.init"),
    ],
)
def test_refuses_bad_steps(params, gradient, state, error, message):
    rule = sgd(0.1, momentum=0.9)
    with pytest.raises(error, match=message):
        rule.step(params, gradient, rule.init([1.0]) if state is None else state)


def test_numpy_part_imports_no_backend():
    code = (
        "import sys; from aiarch.optimizers import sgd, minimize, gradient_descent; "
        "print([m for m in ('keras', 'tensorflow', 'jax', 'torch') "
        "if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"

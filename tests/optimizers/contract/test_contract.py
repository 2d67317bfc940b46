"""What every Keras optimizer of the package keeps to: results, state, saving, speed."""

import copy
import inspect

import keras
import numpy as np
import pytest
import random_steps
from keras_cases import (
    CASES,
    CLASSES,
    arrays,
    difference,
    mine,
    rule,
    theirs,
    variables,
    walk,
)

BACKEND = keras.backend.backend()
each_case = pytest.mark.parametrize(
    ("name", "settings"), CASES.values(), ids=CASES.keys()
)
each_class = pytest.mark.parametrize("name", CLASSES)

RICHEST = [  # one for each arrangement of slots
    "momentum",
    "adagrad",
    "rmsprop-centered",
    "adadelta",
    "amsgrad",
    "adamw",
    "lion",
]
START = np.random.default_rng(1).normal(size=(3, 2))

# What every Keras optimizer takes beside its own settings.
COMMON = {
    "clipnorm": {"clipnorm": 0.5},
    "global-clipnorm": {"global_clipnorm": 0.5},
    "clipvalue": {"clipvalue": 0.1},
    "weight-decay": {"weight_decay": 0.1},
    "average": {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 2},
    "accumulation": {"gradient_accumulation_steps": 2},
    "loss-scale": {"loss_scale_factor": 8.0},
}


# --- results -----------------------------------------------------------------------


@pytest.mark.backend
@each_case
def test_equals_keras_and_the_rule_in_float64(name, settings):
    path = random_steps.run_keras(lambda: mine(name, **settings))
    expected = random_steps.run_keras(lambda: theirs(name, **settings))
    np.testing.assert_allclose(path, expected, rtol=0, atol=1e-7)
    expected = random_steps.run_rule(rule(name, **settings))
    # Keras rounds other decay rates, and Adagrad's first value, to float32.
    exact = {"RMSprop": 1e-11, "Adadelta": 1e-12, "Adagrad": 1e-11}
    tolerance = exact.get(name, 5e-6)
    np.testing.assert_allclose(path, expected, rtol=0, atol=tolerance)


@pytest.mark.backend
@each_case
def test_equals_keras_and_the_rule_in_float32(name, settings):
    pair, ours = (
        [mine(name, **settings), theirs(name, **settings)],
        rule(name, **settings),
    )
    weights = [[keras.Variable(START)], [keras.Variable(START)]]
    params, state = START, ours.init(START)
    for shift in np.random.default_rng(3).normal(size=(100, *START.shape)):
        for optimizer, weight in zip(pair, weights, strict=True):
            gradient = 0.5 * arrays(weight)[0].astype("float64") + shift
            gradient = keras.ops.convert_to_tensor(gradient, "float32")
            optimizer.apply([gradient], weight)
        params, state = ours.step(params, 0.5 * params + shift, state)
    assert difference(*weights) < 1e-6
    assert difference(weights[0], [params]) < 5e-6


@pytest.mark.backend
@pytest.mark.parametrize("common", COMMON.values(), ids=COMMON.keys())
@each_class
def test_common_settings_equal_keras(name, common):
    pair = [make(name, learning_rate=0.05, **common) for make in (mine, theirs)]
    ends = [walk(optimizer, 4) for optimizer in pair]
    assert difference(*ends) < 1e-6
    for optimizer, weights in zip(pair, ends, strict=True):
        optimizer.finalize_variable_values(weights)
    assert difference(*ends) < 1e-6
    if name == "SGD":  # the others hardly feel the gradient's scale
        plain = walk(mine(name, learning_rate=0.05), 4)
        assert difference(plain, ends[0]) > 1e-4, "the setting does nothing"


@pytest.mark.backend
@each_class
def test_schedules_equal_keras(name):
    schedule = keras.optimizers.schedules.PolynomialDecay(0.1, 10, 0.01)
    ends = [walk(make(name, learning_rate=schedule), 4) for make in (mine, theirs)]
    assert difference(*ends) < 1e-6
    assert difference(ends[0], walk(mine(name, learning_rate=0.1), 4)) > 1e-4
    once = walk(mine(name, learning_rate=lambda: 0.1), 4)
    assert difference(once, walk(mine(name, learning_rate=0.1), 4)) < 1e-6


@each_class
def test_settings_have_keras_names_order_and_defaults(name):
    expected = dict(inspect.signature(getattr(keras.optimizers, name)).parameters)
    found = inspect.signature(type(mine(name))).parameters
    own = [p for p in found.values() if p.kind is not p.VAR_KEYWORD]
    assert [p.name for p in own] == list(expected)[: len(own)]
    assert [p.default for p in own] == [expected[p.name].default for p in own]
    assert mine(name).get_config().keys() == theirs(name).get_config().keys()


# --- progress ----------------------------------------------------------------------

RATES = {
    "SGD": (0.01, {"momentum": 0.9}),
    "Adagrad": (0.5, {}),
    "RMSprop": (0.05, {}),
    "Adadelta": (10.0, {"epsilon": 1e-4}),
    "Adam": (0.05, {}),
    "AdamW": (0.05, {"weight_decay": 1e-4}),
    "Lion": (0.05, {}),
}
TARGET = np.array([[1.0, -2.0, 3.0], [0.5, 0.0, -1.0]])


def rosenbrock(x):
    wall = x[1] - x[0] ** 2
    value = (1 - x[0]) ** 2 + 100 * wall**2
    return value, np.array([-2 * (1 - x[0]) - 400 * x[0] * wall, 200 * wall])


def valley(x):
    return 0.5 * (x[0] ** 2 + 50 * x[1] ** 2), np.array([x[0], 50 * x[1]])


PROBLEMS = {  # start, value and gradient, factor on the rate, share of the loss left
    "quadratic": (np.array([3.0, -2.0]), lambda x: (x @ x / 2, x), 1.0, 0.05),
    "valley": (np.array([3.0, 1.0]), valley, 1.0, 0.2),
    "rosenbrock-far": (np.array([-1.2, 1.0]), rosenbrock, 0.1, 0.9),
    "rosenbrock-origin": (np.array([0.0, 0.0]), rosenbrock, 0.1, 0.9),
    "matrix": (
        np.zeros((2, 3)),
        lambda x: (np.sum((x - TARGET) ** 2) / 2, x - TARGET),
        1.0,
        0.5,
    ),
}


@pytest.mark.backend
@pytest.mark.parametrize("problem", PROBLEMS)
@each_class
def test_goes_down(name, problem):
    start, objective, factor, share = PROBLEMS[problem]
    rate, settings = RATES[name]
    optimizer = mine(name, learning_rate=rate * factor, **settings)
    weight = keras.Variable(start, dtype="float32")
    values = []
    for _ in range(60):
        value, gradient = objective(arrays([weight])[0].astype("float64"))
        values.append(value)
        optimizer.apply([keras.ops.convert_to_tensor(gradient, "float32")], [weight])
    assert min(values) < share * values[0]


# --- state -------------------------------------------------------------------------


@pytest.mark.backend
@pytest.mark.parametrize("case", RICHEST)
def test_state_is_that_of_keras_and_can_be_exchanged(case):
    name, settings = CASES[case]
    first, second = mine(name, **settings), theirs(name, **settings)
    weights = walk(second, 5)
    first.build(weights)
    assert [v.shape for v in first.variables] == [v.shape for v in second.variables]
    assert [v.dtype for v in first.variables] == [v.dtype for v in second.variables]
    paths = [v.path.split("/")[-1] for v in first.variables]
    assert paths == [v.path.split("/")[-1] for v in second.variables]
    first.set_weights(second.variables)  # training begun with Keras's goes on
    copies = [keras.Variable(a) for a in arrays(weights)]
    keyed = mine(name, **settings)
    keyed.build(copies)
    keyed.set_weights(second.variables)
    walk(keyed, 5, copies, first_step=5)
    walk(second, 5, weights, first_step=5)
    assert difference(copies, weights) < 1e-6


@pytest.mark.backend
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@each_class
def test_types_are_kept(name, dtype):
    optimizer, weights = mine(name), variables(dtype)
    walk(optimizer, 2, weights)
    assert {v.dtype for v in weights} == {dtype}
    slots = optimizer.variables[2:]  # after the step counter and the rate
    assert all(v.dtype == dtype for v in slots)
    assert len(slots) % 3 == 0


@pytest.mark.backend
@each_case
def test_stateless_apply_is_apply(name, settings):
    if (name, BACKEND) == ("AdamW", "torch"):  # Keras decays in place there
        settings = {"weight_decay": 0.0}
    optimizer, weights = mine(name, **settings), variables()
    optimizer.build(weights)
    values = [v.value for v in weights]
    slots = [v.value for v in optimizer.variables]
    gradients = [keras.ops.ones(v.shape) for v in weights]
    if BACKEND == "tensorflow":  # Keras itself does not offer it there
        with pytest.raises(ValueError, match="not supported with the TensorFlow"):
            optimizer.stateless_apply(slots, gradients, values)
        return
    before = arrays(values)
    for _ in range(3):
        values, slots = optimizer.stateless_apply(slots, gradients, values)
    assert difference(weights, before) == 0
    for _ in range(3):
        optimizer.apply(gradients, weights)
    assert difference(weights, values) == 0
    assert difference(optimizer.variables, slots) == 0


@pytest.mark.backend
@pytest.mark.parametrize("case", RICHEST)
def test_config_makes_the_same_optimizer(case):
    name, settings = CASES[case]
    schedule = keras.optimizers.schedules.ExponentialDecay(0.01, 5, 0.5)
    optimizer = mine(name, learning_rate=schedule, clipnorm=2.0, **settings)
    config = keras.saving.serialize_keras_object(optimizer)
    assert config["registered_name"] == f"aiarch>{name}"
    twin = keras.saving.deserialize_keras_object(copy.deepcopy(config))
    assert type(twin) is type(optimizer)
    assert keras.saving.serialize_keras_object(twin) == config
    assert difference(walk(twin, 3), walk(optimizer, 3)) == 0


def small_model(optimizer, dtype=None):
    layers = [
        keras.layers.Dense(5, activation="tanh", dtype=dtype),
        keras.layers.Dense(1, dtype=dtype or "float32"),
    ]
    model = keras.Sequential(layers)
    model.compile(optimizer, loss="mse", jit_compile=BACKEND == "jax")
    return model


def batch(t, size=8):
    rng = np.random.default_rng([4, t])
    x = rng.normal(size=(size, 3)).astype("float32")
    return x, x.sum(axis=1, keepdims=True)


@pytest.mark.backend
@pytest.mark.parametrize("case", RICHEST)
def test_a_saved_model_goes_on_bit_for_bit(case, tmp_path):
    name, settings = CASES[case]
    keras.utils.set_random_seed(0)
    model = small_model(mine(name, learning_rate=0.01, **settings))
    for t in range(3):
        model.train_on_batch(*batch(t))
    model.save(tmp_path / "half.keras")
    twin = keras.models.load_model(tmp_path / "half.keras")
    assert type(twin.optimizer) is type(model.optimizer)
    for t in range(3, 6):
        model.train_on_batch(*batch(t))
        twin.train_on_batch(*batch(t))
    assert difference(model.variables, twin.variables) == 0
    assert difference(model.optimizer.variables, twin.optimizer.variables) == 0
    assert int(arrays([twin.optimizer.iterations])[0]) == 6


@each_class
def test_compiled_training_equals_keras(name):
    ends = []
    for make in (mine, theirs):
        keras.utils.set_random_seed(0)
        model = small_model(make(name, learning_rate=0.01))
        for t in range(10):
            model.train_on_batch(*batch(t))
        ends.append(model.get_weights())
    assert difference(*ends) < 1e-6


# --- precision, bad gradients ------------------------------------------------------


def apply_scaled(wrapped, gradients, weights):
    """Apply, without state on JAX, where Keras's LossScaleOptimizer needs that."""
    if BACKEND != "jax":
        wrapped.apply(gradients, weights)
        return
    slots = [v.value for v in wrapped.variables]
    values = [v.value for v in weights]
    values, slots = wrapped.stateless_apply(slots, gradients, values)
    for variable, value in zip(
        [*weights, *wrapped.variables], [*values, *slots], strict=True
    ):
        variable.assign(value)


@pytest.mark.backend
@each_class
def test_loss_scaling_skips_what_is_not_finite(name):
    wrapped = keras.optimizers.LossScaleOptimizer(mine(name), initial_scale=4.0)
    weights = variables()
    wrapped.build(weights)
    before = arrays([*weights, *wrapped.inner_optimizer.variables])
    bad = [keras.ops.full(v.shape, np.inf) for v in weights]
    apply_scaled(wrapped, bad, weights)
    assert difference([*weights, *wrapped.inner_optimizer.variables], before) == 0
    assert float(arrays([wrapped.dynamic_scale])[0]) == 2.0
    good = [2.0 * keras.ops.ones(v.shape) for v in weights]  # 1, scaled by 2
    apply_scaled(wrapped, good, weights)
    plain, expected = mine(name), variables()
    plain.apply([keras.ops.ones(v.shape) for v in expected], expected)
    assert difference(weights, expected) < 1e-7


@pytest.mark.backend
@pytest.mark.parametrize("name", ["Adagrad", "AdamW"])
def test_mixed_precision(name):
    ends = []
    for make in (mine, theirs):
        keras.utils.set_random_seed(0)
        inner = make(name, learning_rate=0.01)
        wrapped = keras.optimizers.LossScaleOptimizer(inner, initial_scale=1024.0)
        model = small_model(wrapped, "mixed_float16")
        for t in range(5):
            model.train_on_batch(*batch(t))
        assert int(arrays([inner.iterations])[0]) == 5
        ends.append(model.get_weights())
    assert all(weight.dtype == np.float32 for weight in ends[0])
    assert difference(*ends) < 1e-3  # half precision turns a last bit into 1e-3


@pytest.mark.backend
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@each_class
def test_what_is_not_finite_goes_through_as_in_keras(name, bad):
    ends = []
    for make in (mine, theirs):
        optimizer, weight = make(name), keras.Variable([1.0, 1.0])
        for value in (bad, 0.5):
            gradient = keras.ops.convert_to_tensor([value, 0.5])
            optimizer.apply([gradient], [weight])
        ends.append(arrays([weight])[0])
    np.testing.assert_allclose(*ends, rtol=0, atol=1e-6)
    assert np.isfinite(ends[0][1])  # the other coordinate does not notice
    if np.isnan(bad) and (name, BACKEND) != ("Lion", "torch"):  # sign(nan) = 0 there
        assert np.isnan(ends[0][0])


@pytest.mark.backend
@each_class
def test_a_gradient_of_another_shape_is_refused(name):
    optimizer, weight = mine(name), keras.Variable([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match=r"`gradient` must .*\(3,\), got \(1,\)"):
        optimizer.apply([keras.ops.ones(1)], [weight])
    if name != "AdamW":  # whose decay comes first, in Keras
        assert difference([weight], [np.array([1.0, 2.0, 3.0])]) == 0


@pytest.mark.backend
@each_class
def test_variables_that_are_not_there(name):
    optimizer = mine(name)
    optimizer.build([])
    optimizer.apply([])  # nothing to do, as in Keras
    with pytest.raises(ValueError, match="Unknown variable"):
        optimizer.apply([keras.ops.ones(2)], [keras.Variable([1.0, 2.0])])
    with pytest.raises(ValueError, match="must already be built"):
        mine(name).apply([keras.ops.ones(2)])


BAD = [
    ({"learning_rate": -0.1}, ValueError, "`learning_rate` must .*, got -0.1"),
    ({"learning_rate": np.nan}, ValueError, "`learning_rate` must .*, got nan"),
    ({"learning_rate": True}, TypeError, "`learning_rate` must be a number, got True"),
    ({"learning_rate": "1"}, TypeError, "`learning_rate` must be a number, got '1'"),
    ({"weight_decay": -1.0}, ValueError, "`weight_decay` must .*, got -1.0"),
    ({"clipnorm": np.nan}, ValueError, "`clipnorm` must .*, got nan"),
    ({"global_clipnorm": "1"}, TypeError, "`global_clipnorm` must be a number"),
    ({"clipvalue": -1}, ValueError, "`clipvalue` must .*, got -1"),
    ({"loss_scale_factor": 0.0}, ValueError, "`loss_scale_factor` must .*, got 0.0"),
    ({"gradient_accumulation_steps": 2.5}, TypeError, "int of at least 2 or None"),
    ({"no_such": 1.0}, ValueError, "not recognized: {'no_such': 1.0}"),
]


@pytest.mark.parametrize(("settings", "error", "message"), BAD)
@each_class
def test_bad_settings_are_refused(name, settings, error, message):
    with pytest.raises(error, match=message):
        mine(name, **settings)


@pytest.mark.backend
@each_class
def test_a_schedule_that_starts_below_zero_is_refused(name):
    schedule = keras.optimizers.schedules.PolynomialDecay(-0.1, 10)
    with pytest.raises(ValueError, match=r"`PolynomialDecay\(0\)` must .*, got -0.1"):
        mine(name, learning_rate=schedule)


# --- compiled steps ----------------------------------------------------------------


@pytest.mark.backend
@each_class
def test_a_compiled_step_is_traced_once(name, monkeypatch):
    traced = []
    update_step = type(mine(name)).update_step
    monkeypatch.setattr(
        type(mine(name)),
        "update_step",
        lambda self, *args: traced.append(1) or update_step(self, *args),
    )
    model = small_model(mine(name, learning_rate=0.01))
    model.train_on_batch(*batch(0))
    first = len(traced)
    assert first >= 4  # two kernels, two biases
    moved = []
    for t, rate in enumerate([0.01, 0.02, 0.0]):
        model.optimizer.learning_rate = rate
        before = model.get_weights()
        model.train_on_batch(*batch(t))
        moved.append(difference(before, model.get_weights()))
    assert (moved[0] > 0) and (moved[1] > 0) and moved[2] == 0  # the rate is heeded
    if BACKEND != "torch":  # which does not compile
        assert len(traced) == first


def work(optimizer):
    """What the optimizer's compiled step does: operations and, on JAX, bytes moved."""
    weights = variables()
    optimizer.build(weights)
    gradients = [keras.ops.ones(weight.shape) for weight in weights]
    if BACKEND == "jax":
        import jax

        state = [variable.value for variable in optimizer.variables]
        step = jax.jit(optimizer.stateless_apply)
        lowered = step.lower(state, gradients, [weight.value for weight in weights])
        cost = lowered.compile().cost_analysis()
        return np.array([cost["flops"], cost["bytes accessed"]])
    import tensorflow as tf

    step = tf.function(lambda: optimizer.apply(gradients, weights))
    found = step.get_concrete_function().graph.get_operations()
    return sum(operation.type != "Const" for operation in found)


@pytest.mark.backend
@pytest.mark.skipif(BACKEND == "torch", reason="PyTorch's steps are not compiled")
@each_case
def test_a_compiled_step_does_no_more_than_keras(name, settings):
    ours, expected = [work(make(name, **settings)) for make in (mine, theirs)]
    assert np.all(ours > 10) and np.all(ours <= expected)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="sparse gradients: TensorFlow only")
@each_case
def test_embeddings_equal_keras(name, settings):
    import tensorflow as tf

    ends = []
    for make in (mine, theirs):
        table = keras.Variable(np.ones((6, 2)), dtype="float32")
        optimizer = make(name, **settings)
        for t in range(5):
            rows = np.random.default_rng([5, t]).normal(size=(2, 2)).astype("float32")
            gradient = tf.IndexedSlices(
                tf.constant(rows), tf.constant([1, 4]), tf.constant([6, 2])
            )
            optimizer.apply([gradient], [table])
        ends.append(arrays([table])[0])
    assert difference(*ends) < 1e-6
    assert np.all(ends[0][[1, 4]] != 1)


def test_classes_override_four_methods_and_nothing_else():
    allowed = {"__init__", "build", "update_step", "get_config"}
    for name in CLASSES:
        body = vars(type(mine(name)))
        defined = {key for key, value in body.items() if inspect.isfunction(value)}
        assert defined <= allowed, f"{name} overrides {defined - allowed}"

import functools

import keras
import numpy as np
import pytest
from keras import ops

from aiarch.structure import MaskedOptimizer, magnitude_mask

BACKEND = keras.backend.backend()
pytestmark = pytest.mark.backend
STEPS, SPARSITIES = (2, 4, 5), (0.3, 0.6, 0.75)


def variables():
    rng = np.random.default_rng(0)
    shapes = [(6, 4), (4,), (4, 5)]
    return [keras.Variable(rng.normal(size=s).astype("float32")) for s in shapes]


def gradients(t):
    rng = np.random.default_rng([1, t])
    return [rng.normal(size=s).astype("float32") for s in [(6, 4), (4,), (4, 5)]]


def masked(inner=None, scope="layer", **settings):
    inner = inner or keras.optimizers.SGD(0.1)
    settings = {"steps": STEPS, "sparsities": SPARSITIES, **settings}
    return MaskedOptimizer(inner, [(0, 1), (2, 1)], scope=scope, **settings)


@functools.cache
def compiled(optimizer):
    import jax

    return jax.jit(optimizer.stateless_apply)


def step(optimizer, weights, t):
    """One step, as a training step takes it on this backend."""
    grads = [ops.convert_to_tensor(g) for g in gradients(t)]
    if BACKEND != "jax":
        return optimizer.apply(grads, weights)
    slots = [v.value for v in optimizer.variables]
    values, slots = compiled(optimizer)(slots, grads, [w.value for w in weights])
    for variable, value in zip(
        [*weights, *optimizer.variables], [*values, *slots], strict=True
    ):
        variable.assign(value)


def arrays(values):
    return [np.array(ops.convert_to_numpy(v)) for v in values]


@pytest.mark.parametrize("scope", ["layer", "global"])
@pytest.mark.parametrize("steps", [STEPS, (1, 2, 6)])
def test_equals_a_loop_in_numpy(steps, scope):
    weights, twin = variables(), arrays(variables())
    optimizer, masks = masked(scope=scope, steps=steps), [True, True]
    optimizer.build(weights)
    for t in range(7):
        step(optimizer, weights, t)
        if t + 1 in steps:
            sparsity = SPARSITIES[steps.index(t + 1)]
            masks = magnitude_mask([twin[0], twin[2]], sparsity, scope=scope)
        twin = [
            w - np.float32(0.1) * g for w, g in zip(twin, gradients(t), strict=True)
        ]
        twin[0], twin[2] = twin[0] * masks[0], twin[2] * masks[1]
        for found, want in zip(arrays(weights), twin, strict=True):
            np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-6)
            np.testing.assert_array_equal(found == 0, want == 0)
    assert optimizer.num_steps == 7
    zeros = [int((w == 0).sum()) for w in arrays(weights)]
    assert zeros[1] == 0 and sum(zeros) == 33
    if scope == "layer":
        assert zeros == [18, 0, 15]


def test_step_0_prunes_before_the_first_step():
    weights = variables()
    wanted = magnitude_mask(arrays(weights)[0], 0.5)
    optimizer = masked(steps=[0], sparsities=[0.5])
    optimizer.build(weights)
    np.testing.assert_array_equal(arrays(weights)[0] != 0, wanted)
    for t in range(3):
        step(optimizer, weights, t)
    np.testing.assert_array_equal(arrays(weights)[0] != 0, wanted)


def test_step_0_and_step_1():
    weights = variables()
    optimizer = masked(steps=[0, 1], sparsities=[0.25, 0.5])
    optimizer.build(weights)
    at_first = arrays(weights)[0] != 0
    wanted = magnitude_mask(arrays(weights)[0], 0.5)
    step(optimizer, weights, 0)
    found = arrays(weights)[0] != 0
    np.testing.assert_array_equal(found, wanted)
    assert at_first.sum() == 18 and not (found & ~at_first).any()


def test_the_branch_for_new_masks_keeps_one_array_at_a_time():
    if BACKEND != "jax":
        pytest.skip("only JAX tells how much memory a compiled step takes")
    import jax

    weights = [keras.Variable(np.ones((300, 300))) for _ in range(8)]
    targets = [(k, 1) for k in range(8)]
    optimizer = MaskedOptimizer(keras.optimizers.SGD(), targets, STEPS, SPARSITIES)
    optimizer.build(weights)
    jitted = jax.jit(optimizer.stateless_apply, donate_argnums=(0, 2))
    slots, values = [[v.value for v in vs] for vs in (optimizer.variables, weights)]
    used = jitted.lower(slots, values, values).compile().memory_analysis()
    array = 4 * 300 * 300  # bytes; all masks are two of these
    assert used.temp_size_in_bytes <= 5 * array, used.temp_size_in_bytes / array


def test_zeros_of_before_stay_but_an_array_of_zeros_does_not():
    weights = variables()
    start = arrays(weights)[0]
    start[::2] = 0
    weights[0].assign(start)
    weights[2].assign(np.zeros((4, 5)))
    optimizer = masked(steps=[99], sparsities=[0.75])
    optimizer.build(weights)
    step(optimizer, weights, 0)
    np.testing.assert_array_equal(arrays(weights)[0] != 0, start != 0)
    assert (arrays(weights)[2] != 0).all()


@pytest.mark.parametrize(
    "inner",
    [
        lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
        lambda: keras.optimizers.Adam(0.1, clipnorm=1.0),
        lambda: keras.optimizers.AdamW(0.1, weight_decay=0.1),
        lambda: keras.optimizers.SGD(0.1, gradient_accumulation_steps=2),
        lambda: keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5),
        lambda: keras.optimizers.SGD(0.1, use_ema=True, ema_overwrite_frequency=2),
        lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), 4.0),
    ],
    ids=["nesterov", "clip", "decay", "accumulate", "ema", "overwrite", "scale"],
)
def test_any_optimizer_inside(inner):
    weights, plain = variables(), variables()
    optimizer, alone = masked(inner()), inner()
    optimizer.build(weights)
    alone.build(plain)
    for t in range(6):
        step(optimizer, weights, t)
        step(alone, plain, t)
        if t == 0:  # nothing pruned yet
            for found, want in zip(arrays(weights), arrays(plain), strict=True):
                np.testing.assert_allclose(found, want, rtol=1e-6, atol=1e-7)
    # A bias is not pruned, but its gradients are given: the inner step is whole.
    if not getattr(alone, "clipnorm", None):
        np.testing.assert_allclose(*[arrays(w)[1] for w in (weights, plain)], rtol=1e-5)
    optimizer.finalize_variable_values(weights)
    assert [int((w == 0).sum()) for w in arrays(weights)] == [18, 0, 15]


def test_rate_and_iterations_are_those_of_the_inner_one():
    inner = keras.optimizers.SGD(0.1)
    optimizer, weights = masked(inner), variables()
    optimizer.build(weights)
    optimizer.learning_rate = 0.0
    before = arrays(weights)
    step(optimizer, weights, 0)
    np.testing.assert_array_equal(arrays(weights)[1], before[1])
    assert int(ops.convert_to_numpy(optimizer.iterations)) == 1
    assert float(ops.convert_to_numpy(inner.learning_rate)) == 0
    scaled = keras.optimizers.LossScaleOptimizer(inner, initial_scale=8.0)
    loss = masked(scaled).scale_loss(ops.convert_to_tensor(2.0))
    assert float(ops.convert_to_numpy(loss)) == 16


def test_config_round_trip():
    optimizer = masked(keras.optimizers.Adam(0.02), "global")
    config = keras.saving.serialize_keras_object(optimizer)
    twin = keras.saving.deserialize_keras_object(config)
    assert twin.settings() == optimizer.settings()
    assert twin.inner_optimizer.get_config() == optimizer.inner_optimizer.get_config()


@pytest.mark.skipif(BACKEND != "tensorflow", reason="tf.function is TensorFlow's")
@pytest.mark.parametrize("jit_compile", [False, True])
def test_compiled_step_equals_the_eager_one(jit_compile):
    import tensorflow as tf

    ends = []
    for compiled in (False, True):
        weights, optimizer = variables(), masked(scope="global")
        optimizer.build(weights)

        call = functools.partial(optimizer.apply, trainable_variables=weights)
        if compiled:
            call = tf.function(lambda grads, c=call: c(grads), jit_compile=jit_compile)
        for t in range(6):
            call([tf.constant(g) for g in gradients(t)])
        ends.append(arrays(weights))
    for eager, graph in zip(*ends, strict=True):
        np.testing.assert_allclose(eager, graph, rtol=1e-6, atol=1e-7)
        np.testing.assert_array_equal(eager == 0, graph == 0)
    fresh, weights = masked(), variables()
    with pytest.raises(RuntimeError, match="built outside of a tf.function"):
        tf.function(lambda: fresh.build(weights))()


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"inner_optimizer": "adam"}, TypeError, "`inner_optimizer` must be"),
        ({"targets": []}, ValueError, "`targets` must name"),
        ({"steps": [3, 2], "sparsities": [0.1, 0.2]}, ValueError, "`steps` must be"),
        ({"steps": [1], "sparsities": [0.1, 0.2]}, ValueError, "`steps` must be"),
        ({"sparsities": [1.0]}, ValueError, "`sparsity` must"),
        ({"scope": "all"}, ValueError, "`scope` must"),
        ({"granularity": "2:4", "sparsities": [0.4]}, ValueError, "must be 0.5"),
    ],
)
def test_bad_settings(settings, error, message):
    good = {
        "inner_optimizer": keras.optimizers.SGD(0.1),
        "targets": [(0, 1)],
        "steps": [0],
        "sparsities": [0.5],
    }
    with pytest.raises(error, match=message):
        MaskedOptimizer(**{**good, **settings})


def test_targets_beyond_the_variables():
    optimizer = MaskedOptimizer(keras.optimizers.SGD(0.1), [(7, 1)], [0], [0.5])
    with pytest.raises(ValueError, match="`targets` must be positions among 3"):
        optimizer.build(variables())

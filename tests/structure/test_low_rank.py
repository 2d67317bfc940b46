import math

import keras
import numpy as np
import pytest
from keras import layers, ops

from aiarch.foundations import byte_transformer, lenet5
from aiarch.structure import TuningStage, add_lora, fine_tune, merge_lora

backend = pytest.mark.backend


def value(variable):
    return np.array(ops.convert_to_numpy(variable.value))


def disturb(model, seed=0):
    """Give A and B values as if they had been trained."""
    rng = np.random.default_rng(seed)
    for variable in model.weights:
        if variable.name.startswith("lora_"):
            drawn = rng.normal(size=variable.shape) / math.sqrt(variable.shape[-1])
            variable.assign(0.3 * drawn)


def outputs(model, x):
    return ops.convert_to_numpy(model(x, training=False))


def dense_net():
    inputs = keras.Input((6,))
    inside = keras.Sequential(
        [keras.Input((6,)), layers.Dense(5, name="low"), layers.BatchNormalization()]
    )
    x = layers.Dropout(0.5)(inside(inputs))
    return keras.Model(inputs, layers.Dense(4, name="top")(x))


def convolutions():
    return keras.Sequential(
        [
            keras.Input((8, 8, 2)),
            layers.Conv2D(4, 3, name="low"),
            layers.DepthwiseConv2D(3),
            layers.Conv2D(6, 3, groups=2, strides=2, use_bias=False),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )


CASES = {
    "dense": (dense_net, (5, 6), 4),
    "convolution": (convolutions, (5, 8, 8, 2), 3),
    "transformer": (lambda: byte_transformer(8, 16, 1, 2), (5, 8), 2),
}


@backend
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("alpha", [None, 8.0])
def test_merged_outputs_are_equal_and_the_model_is_ordinary(name, alpha):
    build, shape, rank = CASES[name]
    model, rng = build(), np.random.default_rng(0)
    x = (
        rng.integers(256, size=shape)
        if name == "transformer"
        else rng.normal(size=shape)
    )
    before, weights = outputs(model, x), [v.path for v in model.weights]
    shapes = [tuple(v.shape) for v in model.weights]
    add_lora(model, rank, alpha=alpha)
    np.testing.assert_array_equal(outputs(model, x), before)  # B is zero
    disturb(model)
    adapted = outputs(model, x)
    assert np.abs(adapted - before).max() > 0.1
    merged = merge_lora(model)
    np.testing.assert_allclose(outputs(merged, x), adapted, rtol=2e-5, atol=2e-5)
    assert [tuple(v.shape) for v in merged.weights] == shapes
    assert not [v for v in merged.weights if "lora" in v.path]
    assert len(merged.trainable_variables) == len(build().trainable_variables)
    np.testing.assert_array_equal(outputs(model, x), adapted)  # its own weights
    assert len(model.weights) > len(weights)


@backend
def test_merging_by_hand_with_the_scale():
    model = keras.Sequential([keras.Input((6,)), layers.Dense(4, name="top")])
    kernel = value(model.weights[0]).astype("float64")
    add_lora(model, 2, alpha=6.0)
    disturb(model)
    a, b = (value(v).astype("float64") for v in model.weights if "lora" in v.name)
    assert a.shape == (6, 2) and b.shape == (2, 4)
    merged = merge_lora(model)
    np.testing.assert_allclose(value(merged.weights[0]), kernel + 3 * a @ b, rtol=1e-5)


@backend
@pytest.mark.parametrize("name", CASES)
def test_training_moves_the_adapters_and_nothing_else(name):
    build, shape, rank = CASES[name]
    model, rng = build(), np.random.default_rng(0)
    add_lora(model, rank)
    x = (
        rng.integers(256, size=shape)
        if name == "transformer"
        else rng.normal(size=shape)
    )
    y = np.zeros(outputs(model, x).shape)
    before = {id(v): value(v) for v in model.weights}
    model.compile("adam", "mse")
    model.fit(x, y, epochs=2, verbose=0)
    moved = [v for v in model.weights if np.any(value(v) != before[id(v)])]
    assert {v.name.split("_")[0] for v in moved} == {"lora"}
    assert len(moved) == len(model.trainable_variables) == 2 * len(adapted(model))
    fine_tune(model, x, y, stages=[TuningStage("all", 1, 0.01)], loss="mse", verbose=0)
    for variable in model.weights:
        if not variable.name.startswith("lora_"):
            np.testing.assert_array_equal(value(variable), before[id(variable)])


def adapted(model):
    return [la for la in model._flatten_layers() if getattr(la, "lora_enabled", False)]


@pytest.mark.parametrize("rank", [1, 4])
def test_parameters_that_learn_are_those_of_the_formula(rank):
    model = lenet5()
    kernels = [tuple(v.shape) for v in model.weights if len(v.shape) > 1]
    paths = add_lora(model, rank)
    assert len(paths) == len(kernels) == 5
    wanted = sum(rank * (math.prod(shape[:-1]) + shape[-1]) for shape in kernels)
    assert sum(math.prod(v.shape) for v in model.trainable_variables) == wanted


def test_layers_are_chosen_by_name_with_what_is_inside():
    model = byte_transformer(8, 16, 1, 2)
    name = next(la.name for la in model.layers if "attention" in la.name)
    paths = add_lora(model, 2, layers=[name])
    assert sorted(path.split("/")[-1] for path in paths) == [
        "attention_output",
        "key",
        "query",
        "value",
    ]
    assert len(model.trainable_variables) == 8


def test_the_start_depends_on_the_seed_alone():
    drawn = []
    for seed in (0, 0, 1):
        model = lenet5()
        add_lora(model, 2, seed=seed)
        drawn.append([value(v) for v in model.trainable_variables])
    assert all(np.array_equal(a, b) for a, b in zip(*drawn[:2], strict=True))
    assert not np.array_equal(drawn[0][0], drawn[2][0])


def test_a_merged_model_is_saved_loaded_and_adapted_again(tmp_path):
    model, x = dense_net(), np.random.default_rng(0).normal(size=(5, 6))
    add_lora(model, 2)
    disturb(model)
    merged = merge_lora(model)
    merged.save(tmp_path / "merged.keras")
    loaded = keras.models.load_model(tmp_path / "merged.keras")
    np.testing.assert_array_equal(outputs(loaded, x), outputs(merged, x))
    assert len(add_lora(loaded, 2)) == 2
    disturb(loaded)
    np.testing.assert_allclose(
        outputs(merge_lora(loaded), x), outputs(loaded, x), atol=1e-5
    )


def test_a_sequential_model_without_inputs_and_a_layer_used_twice():
    model = keras.Sequential([layers.Dense(6), layers.Dense(6)])
    x = np.random.default_rng(0).normal(size=(5, 6))
    model(x)
    shared, inputs = layers.Dense(6, name="shared"), keras.Input((6,))
    twice = keras.Model(inputs, shared(shared(inputs)))
    for net in (model, twice):
        add_lora(net, 2)
        disturb(net)
        np.testing.assert_allclose(
            outputs(merge_lora(net), x), outputs(net, x), atol=1e-5
        )


def constrained():
    layer = layers.Dense(4, name="top", kernel_constraint="non_neg")
    return keras.Sequential([keras.Input((6,)), layers.Dense(6), layer])


def with_adapters():
    model = dense_net()
    model.get_layer("top").enable_lora(1)
    return model


@pytest.mark.parametrize(
    ("build", "arguments", "message"),
    [
        (dense_net, {"rank": 0}, "`rank` must be an integer of at least 1, got 0"),
        (dense_net, {"rank": 2.0}, "`rank` must be an integer"),
        (dense_net, {"rank": True}, "`rank` must be an integer"),
        (dense_net, {"rank": 5}, r"at most 4 for '.*top'.*\(5, 4\), got 5"),
        (convolutions, {"rank": 5}, r"at most 4 for '.*low'.*\(3, 3, 2, 4\)"),
        (dense_net, {"rank": 1, "alpha": 0.0}, "`alpha` must be positive"),
        (dense_net, {"rank": 1, "alpha": float("nan")}, "`alpha` must be positive"),
        (dense_net, {"rank": 1, "layers": ["high"]}, r"got \['high'\]"),
        (dense_net, {"rank": 1, "layers": "top"}, "must hold names among"),
        (dense_net, {"rank": 1, "layers": ["dropout"]}, "nothing to adapt|names among"),
        (constrained, {"rank": 1}, "has a constraint on '.*top'"),
        (with_adapters, {"rank": 1}, "has an adapter on '.*top' already"),
        (lambda: keras.Sequential([layers.Dense(2)]), {"rank": 1}, "has no weights"),
    ],
)
def test_bad_arguments_are_refused_and_change_nothing(build, arguments, message):
    model = build()
    count = len(model.weights), len(model.trainable_variables)
    with pytest.raises(ValueError, match=message):
        add_lora(model, **arguments)
    assert (len(model.weights), len(model.trainable_variables)) == count


def test_models_that_cannot_be_merged_are_refused():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.top = layers.Dense(2)

        def call(self, inputs):
            return self.top(inputs)

    with pytest.raises(ValueError, match="has no adapters"):
        merge_lora(dense_net())
    own = Own()
    own(np.ones((1, 3)))
    add_lora(own, 1)
    with pytest.raises(ValueError, match="must be functional or sequential"):
        merge_lora(own)
    for function in (merge_lora, lambda layer: add_lora(layer, 1)):
        with pytest.raises(TypeError, match="`model` must be a keras.Model"):
            function(layers.Dense(1))


def test_what_a_subclassed_model_is_told_to_do_merges(tmp_path):
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.top = layers.Dense(2)

        def call(self, inputs):
            return self.top(inputs)

    x = np.random.default_rng(0).normal(size=(5, 3))
    own, plain = Own(), Own()
    own(x), plain(x)
    add_lora(own, 1)
    disturb(own)
    own.save_weights(tmp_path / "own.weights.h5")
    plain.load_weights(tmp_path / "own.weights.h5")
    np.testing.assert_allclose(outputs(plain, x), outputs(own, x), atol=1e-5)

"""The book's models: sizes by hand, seeds, logits, saving."""

import keras
import numpy as np
import pytest

from aiarch.foundations import (
    count_parameters,
    lenet5,
    lenet_300_100,
    mlp,
    small_resnet,
)

MODELS = [lenet5, lenet_300_100, mlp, small_resnet]


def images(count=2):
    return np.random.default_rng(0).random((count, 28, 28, 1), dtype="float32")


def test_parameters_by_hand():
    lenet = 6 * (25 + 1) + 16 * (6 * 25 + 1) + 120 * (400 + 1) + 84 * 121 + 10 * 85
    assert count_parameters(lenet5()) == lenet == 61_706
    dense = 300 * 785 + 100 * 301 + 10 * 101
    assert count_parameters(lenet_300_100()) == dense == 266_610
    assert count_parameters(mlp()) == 128 * 785 + 10 * 129

    def residual(before, after):
        convolutions = 9 * before * after + 9 * after * after
        changed = before != after
        return convolutions + 8 * after + changed * (before * after + 4 * after)

    stem, output = 9 * 16 + 4 * 16, 10 * 65
    blocks = residual(16, 16) + residual(16, 32) + residual(32, 64)
    assert count_parameters(small_resnet()) == stem + blocks + output == 78_426


@pytest.mark.backend
@pytest.mark.parametrize("build", MODELS)
def test_models_return_logits_and_are_not_compiled(build):
    model = build()
    logits = keras.ops.convert_to_numpy(model(images()))
    assert logits.shape == (2, 10) and np.isfinite(logits).all()
    # Probabilities would sum to one.
    assert np.abs(logits.sum(axis=1) - 1).max() > 0.01
    assert not model.compiled
    assert model.layers[-1].activation is keras.activations.linear


@pytest.mark.backend
@pytest.mark.parametrize("build", MODELS)
def test_the_seed_fixes_the_weights(build):
    first, same, other = build(seed=3), build(seed=3), build(seed=4)
    for a, b in zip(first.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    kernels = [weight for weight in first.weights if "kernel" in weight.name]
    others = [weight for weight in other.weights if "kernel" in weight.name]
    for a, b in zip(kernels, others, strict=True):
        a, b = map(keras.ops.convert_to_numpy, (a, b))
        assert not np.array_equal(a, b)


def test_layers_of_one_shape_start_differently():
    model = mlp((8,), hidden_units=(8, 8), num_classes=8)
    kernels = [layer.kernel.numpy() for layer in model.layers[1:]]
    assert np.abs(kernels[0] - kernels[1]).max() > 0.1
    limit = np.sqrt(6 / 16)  # Glorot and Bengio: uniform up to sqrt(6 / (a + b))
    assert all(0.8 * limit < np.abs(kernel).max() <= limit for kernel in kernels)


@pytest.mark.parametrize("build", MODELS)
def test_models_survive_saving(build, tmp_path):
    model = build(seed=1)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(model(images()), again(images()))


def test_other_shapes():
    assert lenet5((32, 32, 3), 7).output_shape == (None, 7)
    assert lenet5(activation="tanh").layers[1].activation is keras.activations.tanh
    assert mlp((40, 1), (), 3).output_shape == (None, 3)
    deep = small_resnet((32, 32, 3), widths=(8, 16), num_blocks=2)
    additions = [layer for layer in deep.layers if isinstance(layer, keras.layers.Add)]
    assert len(additions) == 4


@pytest.mark.parametrize(
    ("build", "arguments", "message"),
    [
        (lenet5, {"input_shape": (28, 28)}, "height, width, channels.*add a channel"),
        (lenet5, {"input_shape": (8, 8, 1)}, "at least 12"),
        (lenet5, {"num_classes": 1}, "num_classes must be an integer of at least 2"),
        (lenet5, {"seed": -1}, "seed must be a non-negative integer, got -1"),
        (lenet5, {"seed": None}, "seed must be a non-negative integer, got None"),
        (mlp, {"hidden_units": (0,)}, "hidden_units must be an integer of at least 1"),
        (mlp, {"input_shape": ()}, "input_shape must hold positive sizes"),
        (mlp, {"input_shape": (None, 3)}, "input_shape must hold positive sizes"),
        (small_resnet, {"widths": ()}, "widths must hold at least one"),
        (small_resnet, {"num_blocks": 0}, "num_blocks must be an integer of at least"),
    ],
)
def test_bad_arguments_are_named(build, arguments, message):
    with pytest.raises(ValueError, match=f"(?i){message}"):
        build(**arguments)

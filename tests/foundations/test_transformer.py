"""The byte transformer: size by hand, causality, saving."""

import keras
import numpy as np
import pytest

from aiarch.foundations import byte_transformer, count_parameters


def text(count=2, length=128):
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, length)).astype("int32")


@pytest.fixture(scope="module")
def model():
    return byte_transformer()


def test_parameters_by_hand(model):
    width, hidden = 96, 384
    attention = 4 * (width * width + width)
    dense = width * hidden + hidden + hidden * width + width
    block = attention + dense + 2 * 2 * width
    assert block == 12 * width**2 + 13 * width
    total = 256 * width + 128 * width + 3 * block + 2 * width + 256 * (width + 1)
    assert count_parameters(model) == total == 397_408


@pytest.mark.backend
@pytest.mark.parametrize("position", [0, 1, 77, 127])
def test_a_later_byte_changes_no_earlier_logit(position):
    model = byte_transformer(num_blocks=2)
    first = text()
    second = first.copy()
    second[:, position] = (second[:, position] + 1) % 256
    a, b = (keras.ops.convert_to_numpy(model(x)) for x in (first, second))
    assert a.shape == (2, 128, 256)
    np.testing.assert_allclose(a[:, :position], b[:, :position], atol=1e-5)
    # Every position from there on sees the change.
    assert np.abs(a[:, position:] - b[:, position:]).max(axis=(0, 2)).min() > 1e-4


@pytest.mark.backend
def test_order_matters():
    model = byte_transformer(num_blocks=1)
    x = text(1)
    swapped = x.copy()
    swapped[0, [3, 4]] = x[0, [4, 3]]
    a, b = (keras.ops.convert_to_numpy(model(z))[0, -1] for z in (x, swapped))
    assert np.abs(a - b).max() > 1e-5


def test_seed_and_saving(model, tmp_path):
    same = byte_transformer()
    np.testing.assert_array_equal(model(text()), same(text()))
    other = byte_transformer(seed=1)
    assert np.abs(np.asarray(model(text())) - np.asarray(other(text()))).max() > 0.01
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(model(text()), again(text()))


def test_untrained_logits_are_near_uniform(model):
    probabilities = keras.ops.softmax(model(text()))
    entropy = -keras.ops.sum(probabilities * keras.ops.log(probabilities), axis=-1)
    assert float(keras.ops.mean(entropy)) > 0.9 * np.log(256)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"width": 97}, "width must be a multiple of num_heads=4, got 97; choose 96"),
        ({"sequence_length": 0}, "sequence_length must be a positive integer, got 0"),
        ({"num_blocks": 1.5}, "num_blocks must be a positive integer, got 1.5"),
        ({"seed": -2}, "seed must be a non-negative integer, got -2"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        byte_transformer(**arguments)

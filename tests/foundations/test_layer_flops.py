"""Operations of single layers: by enumeration and by hand."""

import itertools

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import layers

from aiarch.foundations import count_layer


def count(layer, *shapes, **options):
    """Operations of a layer on inputs of these shapes."""
    inputs = [keras.Input(shape) for shape in shapes]
    output = layer(*inputs) if len(inputs) > 1 else layer(inputs[0])
    return count_layer(layer, list(shapes), tuple(output.shape[1:]), **options)


def products(layer, shape):
    """Multiplications by pixels, not by padding, seen by a net of ones."""
    inputs = np.ones((1, *shape), "float32")
    layer(inputs)
    layer.set_weights([np.ones(weight.shape) for weight in layer.weights])
    return int(np.asarray(layer(inputs)).sum())


@settings(max_examples=25, deadline=None)
@given(
    size=st.tuples(st.integers(5, 9), st.integers(5, 9)),
    kernel=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    channels=st.integers(1, 3),
    filters=st.integers(1, 3),
    strides=st.integers(1, 3),
    padding=st.sampled_from(["same", "valid"]),
)
def test_convolutions_count_every_product_once(
    size, kernel, channels, filters, strides, padding
):
    layer = layers.Conv2D(
        filters, kernel, strides=strides, padding=padding, use_bias=False
    )
    shape = (*size, channels)
    assert count(layer, shape) == 2 * products(layer, shape)


@pytest.mark.parametrize(
    "layer",
    [
        layers.Conv2D(4, 3, padding="same", dilation_rate=2, use_bias=False),
        layers.Conv2D(4, 3, padding="same", groups=2, use_bias=False),
        layers.DepthwiseConv2D(3, 2, padding="same", use_bias=False),
    ],
)
def test_dilated_grouped_and_depthwise_convolutions(layer):
    assert count(layer, (7, 8, 2)) == 2 * products(layer, (7, 8, 2))


@pytest.mark.parametrize("padding", ["causal", "same", "valid"])
def test_convolutions_over_time(padding):
    layer = layers.Conv1D(4, 3, padding=padding, use_bias=False)
    assert count(layer, (9, 2)) == 2 * products(layer, (9, 2))


def test_separable_convolution_is_depthwise_then_pointwise():
    layer = layers.SeparableConv2D(5, 3, use_bias=False)
    assert count(layer, (8, 8, 2)) == 2 * (36 * 9 * 2 + 36 * 2 * 5)


def test_bias_activation_and_padding_of_a_convolution():
    layer = layers.Conv2D(4, 3, padding="same", activation="relu")
    assert count(layer, (6, 6, 2), count_padding=True) == 36 * 4 * (2 * 9 * 2 + 1 + 1)


@settings(max_examples=25, deadline=None)
@given(sizes=st.lists(st.integers(1, 6), min_size=4, max_size=4))
def test_dense_layers_count_every_product_once(sizes):
    a, b, c, d = sizes
    assert count(layers.Dense(c), (a, b)) == a * c * (2 * b + 1)
    einsum = layers.EinsumDense("abc,cde->abde", (a, c, d), bias_axes="de")
    # By enumeration of the indices: batch 1, then positions, sums and outputs.
    indices = itertools.product(range(a), range(b), range(c), range(d))
    expected = 2 * len(list(indices)) + a * c * d
    assert count(einsum, (a, b)) == expected


def test_elementwise_layers():
    assert count(layers.ReLU(), (4, 5)) == 20
    assert count(layers.Activation("sigmoid"), (4, 5)) == 60
    assert count(layers.Activation("tanh"), (4, 5)) == 0
    assert count(layers.LeakyReLU(), (4, 5)) == 40
    assert count(layers.Softmax(), (3, 8)) == 3 * (7 + 8 + 7 + 8)
    assert count(layers.Dense(8, activation="softmax", use_bias=False), (2,)) == 62
    assert count(layers.Dropout(0.5), (4, 5)) == 0


def test_sums_of_layers():
    inputs = [keras.Input((4,)) for _ in range(3)]
    layer = layers.Add()
    layer(inputs)
    assert count_layer(layer, [(4,)] * 3, (4,)) == 8


def test_pooling():
    assert count(layers.MaxPooling2D(2), (6, 6, 3)) == 9 * 3 * 3
    assert count(layers.AveragePooling2D(2), (6, 6, 3)) == 9 * 3 * 4
    assert count(layers.GlobalAveragePooling2D(), (6, 6, 3)) == 36 * 3
    assert count(layers.GlobalMaxPooling2D(), (6, 6, 3)) == 35 * 3


def test_normalization():
    assert count(layers.BatchNormalization(), (6, 6, 3)) == 2 * 108
    # 8 values: mean 8, differences 8, squares 8, variance 8, ε 1, ratio 8, γ 8, β 8.
    assert count(layers.LayerNormalization(), (5, 8)) == 5 * 57
    plain = layers.LayerNormalization(scale=False, center=False)
    assert count(plain, (5, 8)) == 5 * 41
    assert count(layers.LayerNormalization(axis=(1, 2)), (5, 8)) == 7 * 40 + 1
    assert count(layers.RMSNormalization(), (5, 8)) == 5 * 33
    assert count(layers.GroupNormalization(2), (5, 8)) == 2 * (7 * 20 + 1)


def test_attention_by_hand():
    layer = layers.MultiHeadAttention(num_heads=3, key_dim=4, value_dim=5)
    queries, values = (7, 12), (9, 10)
    expected = (
        7 * 12 * (2 * 12 + 1)  # queries, of 3 × 4 from 12
        + 9 * 12 * (2 * 10 + 1)  # keys
        + 9 * 15 * (2 * 10 + 1)  # values, of 3 × 5
        + 7 * 12  # scaled queries
        + 2 * 3 * 7 * 9 * 4  # scores
        + 3 * 7 * (4 * 9 - 2)  # softmax
        + 2 * 3 * 7 * 9 * 5  # averages
        + 7 * 12 * (2 * 15 + 1)  # output
    )
    assert count(layer, queries, values) == expected


def test_unknown_layers_and_activations_are_named():
    with pytest.raises(ValueError, match="type ConvLSTM1D, whose"):
        count_layer(layers.ConvLSTM1D(2, 3), [(4, 5, 2)], (3, 2))
    with pytest.raises(ValueError, match="activation 'mish', whose"):
        count(layers.Dense(3, activation="mish"), (4,))

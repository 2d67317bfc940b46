"""Operations of whole models: against XLA, by hand, and what is refused."""

import json
import os
import subprocess
import sys

import keras
import pytest

from aiarch.foundations import (
    byte_transformer,
    count_flops,
    flops_by_layer,
    lenet5,
    lenet_300_100,
    mlp,
    small_resnet,
    xla_flops,
)

PROGRAM = """
import json
from aiarch.foundations import *
models = [lenet5, lenet_300_100, mlp, small_resnet, byte_transformer]
print(json.dumps({build.__name__: xla_flops(build()) for build in models}))
"""


@pytest.fixture(scope="module")
def xla():
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize("build", [lenet5, lenet_300_100, mlp])
def test_equal_to_xla(build, xla):
    assert count_flops(build()) == xla[build.__name__]["flops"]


def test_residual_net_differs_by_what_is_documented(xla):
    # XLA also prepares scale and shift of each normalized channel: 5 operations and
    # a root. The model has 16·3 + 32·3 + 64·3 = 336 such channels.
    assert xla["small_resnet"]["flops"] - count_flops(small_resnet()) == 5 * 336
    assert xla["small_resnet"]["transcendentals"] == 336


def test_transformer_is_within_one_percent(xla):
    # Left out: the mask's selections, Keras's longer way to the variance.
    ratio = xla["byte_transformer"]["flops"] / count_flops(byte_transformer())
    assert 1 < ratio < 1.01


def test_lenet_by_hand():
    # Taps of a 5×5 kernel inside 28 pixels along one axis: 28·5 less 2 + 1 + 1 + 2.
    along = 28 * 5 - 6
    first = 2 * 6 * along**2 + 2 * 6 * 28 * 28  # multiply-adds, bias, ReLU
    second = 2 * 16 * 6 * 25 * 10 * 10 + 2 * 16 * 10 * 10
    pooling = 3 * (6 * 14 * 14 + 16 * 5 * 5)
    dense = 2 * (400 * 120 + 120 * 84 + 84 * 10) + 2 * (120 + 84) + 10
    assert count_flops(lenet5()) == first + second + pooling + dense == 831_066
    padded = count_flops(lenet5(), count_padding=True)
    assert padded - count_flops(lenet5()) == 2 * 6 * ((28 * 5) ** 2 - along**2)


def test_layers_sum_to_the_model_and_keep_their_order():
    by_layer = flops_by_layer(lenet5())
    assert sum(by_layer.values()) == count_flops(lenet5())
    assert list(by_layer.values())[1] == 3 * 6 * 14 * 14  # pooling comes second


def test_a_layer_used_twice_counts_twice():
    inputs = keras.Input((7,))
    shared = keras.layers.Dense(7)
    model = keras.Model(inputs, shared(shared(inputs)))
    assert count_flops(model) == 2 * (2 * 49 + 7)


def test_nested_and_sequential_models_count_as_their_layers():
    inner = mlp((6,), (4,), 3)
    nested = keras.Sequential([keras.Input((6,)), inner, keras.layers.ReLU()])
    assert count_flops(nested) == count_flops(inner) + 3


def test_sums_of_tensors_count():
    inputs = keras.Input((6,))
    assert count_flops(keras.Model(inputs, inputs + inputs)) == 6


class Halve(keras.layers.Layer):
    def call(self, inputs):
        return inputs / 2


class CountedHalve(Halve):
    def count_flops(self, input_shape, output_shape):
        return 5 * output_shape[-1]


def test_unknown_layers_are_refused_with_a_remedy():
    inputs = keras.Input((6,))
    with pytest.raises(ValueError, match="type Halve, whose.*give its class a method"):
        count_flops(keras.Model(inputs, Halve()(inputs)))
    assert count_flops(keras.Model(inputs, CountedHalve()(inputs))) == 30


def test_unknown_sizes_and_models_without_a_graph_are_refused():
    inputs = keras.Input((None, 6))
    with pytest.raises(ValueError, match="known sizes.*fixed input shape"):
        count_flops(keras.Model(inputs, keras.layers.Dense(3)(inputs)))
    with pytest.raises(ValueError, match="model must be a Keras model, got Dense"):
        count_flops(keras.layers.Dense(3))
    with pytest.raises(ValueError, match="has no graph of layers"):
        count_flops(keras.Sequential([keras.layers.Dense(3)]))

    class Subclassed(keras.Model):
        pass

    with pytest.raises(ValueError, match="has no graph of layers"):
        count_flops(Subclassed())


def test_xla_flops_says_which_backend_it_needs():
    if keras.backend.backend() == "jax":
        pytest.skip("the message is for the other backends")
    with pytest.raises(RuntimeError, match="KERAS_BACKEND=jax"):
        xla_flops(mlp())


@pytest.mark.backend
def test_the_count_is_the_same_on_every_backend():
    assert count_flops(lenet5()) == 831_066
    assert count_flops(byte_transformer()) == 112_121_728

import re

import keras
import numpy as np
import pytest
from keras import layers

from aiarch.structure import signal_propagation

backend = pytest.mark.backend
WIDE = keras.backend.backend() == "tensorflow"
TOLERANCE = 1e-12 if WIDE else 1e-5


def rms(array):
    return np.sqrt(np.mean(np.square(array, dtype="float64")))


def dense_net(*kernels, activation=None):
    net = keras.Sequential([keras.Input((len(kernels[0]),))])
    for kernel in kernels:
        net.add(layers.Dense(len(kernel[0]), activation))
    for layer, kernel in zip(net.layers, kernels, strict=True):
        layer.set_weights([np.asarray(kernel), np.full(len(kernel[0]), 0.1)])
    return net


def forward_and_backward(kernels, x, activation, outer):
    """The sizes by hand: tanh or ReLU behind each layer, bias 0.1."""
    values, slopes = [x], []
    for kernel in kernels:
        z = values[-1] @ kernel + np.float32(0.1)
        values.append(np.tanh(z) if activation == "tanh" else np.maximum(z, 0))
        slopes.append(1 - np.tanh(z) ** 2 if activation == "tanh" else z > 0)
    gradients = [outer(values[-1])]
    for kernel, slope in zip(kernels[::-1], slopes[::-1], strict=True):
        gradients.append((gradients[-1] * slope) @ kernel.T)
    return [rms(v) for v in values], [rms(g) for g in gradients[::-1]]


@backend
@pytest.mark.parametrize("activation", ["tanh", "relu"])
@pytest.mark.parametrize("with_loss", [False, True])
def test_sizes_are_those_computed_by_hand(activation, with_loss):
    rng = np.random.default_rng(0)
    kernels = [
        rng.normal(size=shape).astype("float32") for shape in [(5, 7), (7, 4), (4, 3)]
    ]
    x, y = rng.normal(size=(6, 5)), rng.normal(size=(6, 3))
    net = dense_net(*kernels, activation=activation)
    if with_loss:
        found = signal_propagation(
            net, x, y, loss=lambda y, z: keras.ops.square(z - y), seed=9
        )
    else:
        found = signal_propagation(net, x, seed=9)
    weights = np.random.default_rng(9).normal(size=(6, 3))
    values, gradients = forward_and_backward(
        kernels, x, activation, lambda z: 2 * (z - y) / z.size if with_loss else weights
    )
    np.testing.assert_allclose(found.activation_rms, values, rtol=TOLERANCE)
    np.testing.assert_allclose(found.gradient_rms, gradients, rtol=TOLERANCE)
    assert found.names == ["input", *(layer.name for layer in net.layers)]


def power_net(factor, depth):
    net = dense_net(*[factor * np.eye(2)] * depth)
    for layer in net.layers:
        layer.bias.assign(np.zeros(2))
    return net


@backend
@pytest.mark.parametrize(("factor", "depth"), [(1e20, 5), (1e-20, 5)])
def test_sizes_beyond_float32_are_right_or_refused(factor, depth):
    net, x = power_net(factor, depth), np.ones((3, 2))
    try:
        found = signal_propagation(net, x)
    except ValueError as error:
        assert not WIDE and re.search("in float32|for float32", str(error))
        return
    exact = np.float64(np.float32(factor)) ** np.arange(depth + 1)
    np.testing.assert_allclose(found.activation_rms, exact, rtol=TOLERANCE)
    back = found.gradient_rms / found.gradient_rms[-1]
    np.testing.assert_allclose(back, exact[::-1], rtol=TOLERANCE)


@pytest.mark.skipif(not WIDE, reason="elsewhere Keras uses float32, too")
def test_squares_do_not_leave_float64():
    found = signal_propagation(power_net(1e-37, 6), np.ones((3, 2)))
    np.testing.assert_allclose(found.activation_rms[-1], 1e-222, rtol=1e-5)
    with pytest.raises(
        ValueError, match=r"output of 'dense\w*' is not finite even in float64"
    ):
        signal_propagation(power_net(1e38, 9), np.ones((3, 2)))


@backend
def test_the_model_comes_back_as_it_was():
    net = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(3),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.Dense(1),
        ]
    )
    net.layers[0].trainable = False
    net.compile("adam", "mse")
    net.fit(np.ones((8, 4)), np.ones(8), verbose=0)
    state = net.variables + net.optimizer.variables
    before = [np.array(keras.ops.convert_to_numpy(v)) for v in state]
    optimizer = net.optimizer
    signal_propagation(net, np.ones((5, 4)), training=True)
    for variable, value in zip(state, before, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(variable), value)
    assert net.optimizer is optimizer and net.compiled
    assert [layer.trainable for layer in net.layers] == [False, True, True, True]
    assert {layer.compute_dtype for layer in net.layers} == {"float32"}
    assert net.layers[-1].output is net.outputs[0]


@backend
def test_training_chooses_the_statistics_of_normalization():
    net = keras.Sequential(
        [keras.Input((4,)), layers.BatchNormalization(epsilon=1e-12)]
    )
    x = np.random.default_rng(0).normal(3, 5, size=(50, 4))
    kept = signal_propagation(net, x).activation_rms[-1]
    new = signal_propagation(net, x, training=True).activation_rms[-1]
    np.testing.assert_allclose([kept, new], [rms(x), 1], rtol=1e-5)


@backend
def test_a_skip_adds_both_gradients():
    inputs = keras.Input((3,))
    layer = layers.Dense(3, use_bias=False)
    net = keras.Model(inputs, layers.Add()([layer(inputs), inputs]))
    found = signal_propagation(net, np.ones((2, 3)), seed=4)
    weights = np.random.default_rng(4).normal(size=(2, 3))
    kernel = keras.ops.convert_to_numpy(layer.kernel)
    gradient = weights @ (kernel + np.eye(3)).T
    np.testing.assert_allclose(found.gradient_rms[0], rms(gradient), rtol=1e-5)


class Branching(keras.Model):
    def __init__(self, decide=False):
        super().__init__()
        self.decide, self.first = decide, layers.Dense(3, name="first")
        self.inner = keras.Sequential([layers.Dense(2, name="inside")])
        self.shared = layers.Dense(2, name="shared")

    def call(self, inputs):
        x = keras.ops.tanh(self.inner(self.first(inputs)))
        if self.decide and keras.ops.convert_to_numpy(x).sum() > 0:
            x = -x
        return self.shared(self.shared(x))


@backend
def test_subclassed_nested_and_shared():
    net = Branching()
    net(np.ones((1, 4), "float32"))
    found = signal_propagation(net, np.ones((2, 4), "float32"))
    assert found.names == ["input", "first", "inside", "shared", "shared:1"]
    z = keras.ops.convert_to_numpy(net(np.ones((2, 4), "float32")))
    np.testing.assert_allclose(found.activation_rms[-1], rms(z), rtol=1e-5)


@backend
def test_several_inputs_integers_and_several_outputs():
    words = keras.Input((5,), dtype="int32", name="words")
    numbers = keras.Input((5, 2), name="numbers")
    states = layers.LSTM(2, return_state=True, name="lstm")(
        layers.Concatenate(name="both")([layers.Embedding(9, 3)(words), numbers])
    )
    net = keras.Model({"words": words, "numbers": numbers}, states)
    x = {"words": np.ones((4, 5), "int32"), "numbers": np.ones((4, 5, 2))}
    found = signal_propagation(net, x)
    assert found.names[0] == "input"
    assert found.names[-4:] == ["both", "lstm", "lstm:1", "lstm:2"]
    np.testing.assert_allclose(found.gradient_rms[-1], 1, atol=0.6)


def test_the_seed_draws_the_linear_function():
    net = dense_net(np.eye(2))
    first, again, other = (
        signal_propagation(net, np.ones((2, 2)), seed=seed).gradient_rms[0]
        for seed in (0, 0, 1)
    )
    assert first == again != other


def test_it_prints_a_table():
    net = keras.Sequential([keras.Input((4,)), layers.ReLU(name="relu")])
    net.add(layers.Dense(1, name="dense", kernel_initializer="zeros"))
    rows = str(signal_propagation(net, np.full((2, 4), 0.5))).splitlines()
    assert len(rows) == 4 and rows[0].split() == ["layer", "activation", "gradient"]
    assert rows[1].split() == ["input", "5.00e-01", "0.00e+00"]
    assert rows[3].split()[:2] == ["dense", "0.00e+00"]


class Nameless(layers.Layer):
    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def call(self, x):
        return self.factor * x


def test_bad_input_is_refused():
    net, x = dense_net(np.eye(2)), np.ones((3, 2))
    with pytest.raises(TypeError, match="`model` must be a keras.Model"):
        signal_propagation(net.layers[0], x)
    with pytest.raises(ValueError, match="has no weights"):
        signal_propagation(keras.Sequential([layers.Dense(2)]), x)
    with pytest.raises(ValueError, match="`y` and `loss` go together"):
        signal_propagation(net, x, x)
    with pytest.raises(ValueError, match="`x` holds NaN"):
        signal_propagation(net, np.full((3, 2), np.nan))
    with pytest.raises(ValueError, match=r"of shape \(3, 5\).* give `x` the"):
        signal_propagation(net, np.ones((3, 5)))
    deciding = Branching(decide=True)
    deciding(np.ones((1, 4), "float32"))
    with pytest.raises(ValueError, match="`call` of layers and `keras.ops`"):
        signal_propagation(deciding, np.ones((2, 4), "float32"))
    with pytest.raises(ValueError, match="layers a `get_config`"):
        custom = [keras.Input((2,)), layers.Dense(2), Nameless(2)]
        signal_propagation(keras.Sequential(custom), x)

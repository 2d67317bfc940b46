"""Floating-point operations of one call of one layer.

Chapter: foundations/measuring
"""

import math
from collections.abc import Callable
from typing import Any

import keras

Shape = tuple[int, ...]

# Additions, multiplications, divisions and comparisons for one element. The
# transcendental functions inside (exp, tanh, erf) are not counted, as in XLA.
_ACTIVATIONS = {
    "linear": 0,
    "tanh": 0,
    "relu": 1,
    "sigmoid": 3,  # 1 / (1 + exp(-x))
    "silu": 4,
    "leaky_relu": 2,
    "gelu": 4,  # x/√2, 1 + erf, times x, times 1/2
}


def count_layer(
    layer: Any, inputs: list[Shape], output: Shape, count_padding: bool = False
) -> int:
    """Count the floating-point operations of one call of a layer on one sample.

    Args:
        layer: a built Keras layer.
        inputs: shape of each input, without the batch axis.
        output: shape of the output, without the batch axis.
        count_padding: as for `count_flops`.

    Returns:
        The number of operations.

    Raises:
        ValueError: if the layer's operations are not known.

    Example:
        >>> import keras
        >>> from aiarch.foundations.layer_flops import count_layer
        >>> count_layer(keras.layers.ReLU(), [(4, 5)], (4, 5))
        20
    """
    own = getattr(layer, "count_flops", None)
    if own is not None:
        return int(own(inputs[0], output))
    if isinstance(layer, _CONVOLUTIONS):
        return convolution_flops(layer, inputs[0], output, count_padding)
    for kinds, count in _RULES:
        if isinstance(layer, kinds):
            return count(layer, inputs, output)
    # `a + b` on symbolic tensors: an operation that is no layer.
    if type(layer).__name__ in {"Add", "Subtract", "Multiply", "Divide"}:
        return math.prod(output)
    raise ValueError(
        f"model has layer {layer.name!r} of type {type(layer).__name__}, whose "
        "operations are not known; give its class a method "
        "count_flops(input_shape, output_shape), or use xla_flops."
    )


def _activation(layer: Any, output: Shape) -> int:
    function = getattr(layer, "activation", None)
    name = getattr(function, "__name__", "linear")
    if name == "softmax":
        return _softmax(output)
    if name not in _ACTIVATIONS:
        raise ValueError(
            f"layer {layer.name!r} has activation {name!r}, whose operations are not "
            f"known; known are softmax, {', '.join(_ACTIVATIONS)}."
        )
    return _ACTIVATIONS[name] * math.prod(output)


def _softmax(shape: Shape) -> int:
    # Along the last axis of n: n - 1 comparisons, n subtractions, n - 1 additions,
    # n divisions.
    return math.prod(shape[:-1]) * (4 * shape[-1] - 2)


def dense_flops(layer: Any, inputs: list[Shape], output: Shape) -> int:
    """Count a dense layer: Equation (10), `eq-measuring-dense`."""
    summed = inputs[0][-1]
    if isinstance(layer, keras.layers.EinsumDense):
        operands, result = layer.equation.split("->")
        kernel = operands.split(",")[1]
        # Each output is a sum over the axes of the kernel that vanish.
        axes = zip(kernel, layer.kernel.shape, strict=True)
        summed = math.prod(size for letter, size in axes if letter not in result)
    bias = math.prod(output) if layer.bias is not None else 0
    return 2 * summed * math.prod(output) + bias + _activation(layer, output)


def convolution_flops(
    layer: Any, image: Shape, output: Shape, count_padding: bool = False
) -> int:
    """Count a convolution: Equation (11), `eq-measuring-conv`."""
    first = layer.data_format == "channels_first"
    channels = image[0] if first else image[-1]
    sizes = image[1:] if first else image[:-1]
    places = output[1:] if first else output[:-1]
    # Pairs of an output place and a kernel element, along every axis.
    geometry = zip(
        sizes,
        places,
        layer.kernel_size,
        layer.strides,
        layer.dilation_rate,
        strict=True,
    )
    taps = math.prod(_taps(*axis, layer.padding, count_padding) for axis in geometry)
    if isinstance(layer, _SEPARABLE):
        depth = channels * layer.depth_multiplier
        products = taps * depth + math.prod(places) * depth * layer.filters
    elif isinstance(layer, _DEPTHWISE):
        products = taps * channels * layer.depth_multiplier
    else:
        products = taps * channels // layer.groups * layer.filters
    bias = math.prod(output) if layer.use_bias else 0
    return 2 * products + bias + _activation(layer, output)


def _taps(size, places, kernel, stride, dilation, padding, count_padding) -> int:
    if count_padding or padding == "valid":
        return places * kernel
    reach = (kernel - 1) * dilation
    before = reach  # "causal"
    if padding == "same":
        before = max((places - 1) * stride + reach + 1 - size, 0) // 2
    positions = (
        place * stride + tap * dilation - before
        for place in range(places)
        for tap in range(kernel)
    )
    return sum(0 <= position < size for position in positions)


def _max_pooling(layer: Any, inputs: list[Shape], output: Shape) -> int:
    return (math.prod(layer.pool_size) - 1) * math.prod(output)


def _average_pooling(layer: Any, inputs: list[Shape], output: Shape) -> int:
    return math.prod(layer.pool_size) * math.prod(output)


def _global_pooling(layer: Any, inputs: list[Shape], output: Shape) -> int:
    averages = "Average" in type(layer).__name__
    # n - 1 additions or comparisons for each channel, and one division if averaged.
    return math.prod(inputs[0]) - (0 if averages else math.prod(output))


def _batch_normalization(layer: Any, inputs: list[Shape], output: Shape) -> int:
    return 2 * math.prod(output)  # a scale and a shift, known at inference


def _layer_normalization(layer: Any, inputs: list[Shape], output: Shape) -> int:
    if isinstance(layer, keras.layers.GroupNormalization):
        num_groups = layer.groups
        size = math.prod(output) // num_groups
    else:
        axes = layer.axis if isinstance(layer.axis, list | tuple) else [layer.axis]
        # Axis 0 of Keras is the batch, which a Shape leaves out.
        size = math.prod(output[axis if axis < 0 else axis - 1] for axis in axes)
        num_groups = math.prod(output) // size
    if isinstance(layer, keras.layers.RMSNormalization):
        return num_groups * (4 * size + 1)  # square, mean, epsilon, divide, scale
    affine = bool(layer.scale) + bool(layer.center)
    # Mean, subtract, square, mean, epsilon, divide, and the affine map.
    return num_groups * ((5 + affine) * size + 1)


def _attention(layer: Any, inputs: list[Shape], output: Shape) -> int:
    config = layer.get_config()
    heads, key = config["num_heads"], config["key_dim"]
    value_dim = config["value_dim"] or key
    bias = 1 if config["use_bias"] else 0
    query, value = inputs[0], inputs[1]
    keys = inputs[2] if len(inputs) > 2 and len(inputs[2]) == 2 else value
    num_queries, num_keys = query[0], value[0]
    projections = (
        num_queries * heads * key * (2 * query[1] + bias)
        + num_keys * heads * key * (2 * keys[1] + bias)
        + num_keys * heads * value_dim * (2 * value[1] + bias)
        + num_queries * output[1] * (2 * heads * value_dim + bias)
    )
    scale = num_queries * heads * key
    pairs = 2 * num_queries * num_keys * heads * (key + value_dim)
    return projections + scale + pairs + _softmax((heads, num_queries, num_keys))


def _elementwise(per_input: int) -> Callable[[Any, list[Shape], Shape], int]:
    def count(layer: Any, inputs: list[Shape], output: Shape) -> int:
        return per_input * math.prod(output) * (len(inputs) - 1)

    return count


_DEPTHWISE = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)
_SEPARABLE = (keras.layers.SeparableConv1D, keras.layers.SeparableConv2D)
_CONVOLUTIONS = (
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
    *_DEPTHWISE,
    *_SEPARABLE,
)


def _kinds(*names: str) -> tuple[type, ...]:
    return tuple(getattr(keras.layers, name) for name in names)


_RULES = [
    (_kinds("Dense", "EinsumDense"), dense_flops),
    (_kinds("MaxPooling1D", "MaxPooling2D"), _max_pooling),
    (_kinds("AveragePooling1D", "AveragePooling2D"), _average_pooling),
    (
        _kinds(
            "GlobalAveragePooling1D",
            "GlobalAveragePooling2D",
            "GlobalMaxPooling1D",
            "GlobalMaxPooling2D",
        ),
        _global_pooling,
    ),
    (_kinds("BatchNormalization"), _batch_normalization),
    (
        _kinds("LayerNormalization", "RMSNormalization", "GroupNormalization"),
        _layer_normalization,
    ),
    (_kinds("MultiHeadAttention"), _attention),
    (_kinds("Activation"), lambda layer, inputs, output: _activation(layer, output)),
    (_kinds("ReLU"), lambda layer, inputs, output: math.prod(output)),
    (_kinds("LeakyReLU", "Rescaling"), lambda *call: 2 * math.prod(call[2])),
    (_kinds("Softmax"), lambda layer, inputs, output: _softmax(output)),
    (_kinds("Add", "Subtract", "Multiply", "Maximum", "Minimum"), _elementwise(1)),
    (
        _kinds(
            "InputLayer",
            "Flatten",
            "Reshape",
            "Permute",
            "Concatenate",
            "Embedding",
            "Dropout",
            "SpatialDropout2D",
            "GaussianNoise",
            "ZeroPadding2D",
            "Cropping2D",
            "UpSampling2D",
            "RepeatVector",
        ),
        lambda layer, inputs, output: 0,
    ),
]

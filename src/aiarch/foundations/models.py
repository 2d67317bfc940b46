"""Models of the book's running examples: plain, uncompiled Keras, returning logits.

Initial weights depend on the seed and on the backend, on nothing else. Softmax
belongs to the loss (`from_logits=True`) or to the reader's own code.

Chapter: foundations/measuring
"""

from collections.abc import Iterator, Sequence

import keras
import numpy as np
from keras import layers


def lenet5(
    input_shape: Sequence[int] = (28, 28, 1),
    num_classes: int = 10,
    seed: int = 0,
    activation: str = "relu",
) -> keras.Model:
    """Build LeNet-5: two convolutions with pooling, then three dense layers.

    With inputs of 28×28×1 it has 156 + 2,416 + 48,120 + 10,164 + 850 = 61,706
    parameters. Departs from the paper as later versions do: the second convolution
    sees all maps, pooling takes the maximum and has no weights, the activation is
    ReLU and the output layer is linear.

    Args:
        input_shape: (height, width, channels), height and width at least 12.
        num_classes: number of logits, at least 2.
        seed: non-negative integer; the same seed gives the same initial weights.
        activation: a Keras activation's name.

    Returns:
        A functional model, float32 images (n, *input_shape) to logits
        (n, num_classes).

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> from aiarch.foundations import count_parameters, lenet5
        >>> count_parameters(lenet5())
        61706

    References:
        LeCun, Bottou, Bengio & Haffner, "Gradient-based learning applied to document
        recognition", Proceedings of the IEEE 86(11), 1998, section II.B.
    """
    _check_image_shape(input_shape, smallest=12)
    _check_counts(num_classes=(num_classes, 2))
    initializer = _initializers(seed)
    inputs = keras.Input(input_shape)
    x = layers.Conv2D(
        6,
        5,
        padding="same",
        activation=activation,
        kernel_initializer=next(initializer),
    )(inputs)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Conv2D(
        16, 5, activation=activation, kernel_initializer=next(initializer)
    )(x)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Flatten()(x)
    for units in (120, 84):
        x = layers.Dense(
            units, activation=activation, kernel_initializer=next(initializer)
        )(x)
    outputs = layers.Dense(num_classes, kernel_initializer=next(initializer))(x)
    return keras.Model(inputs, outputs, name="lenet5")


def mlp(
    input_shape: Sequence[int] = (28, 28, 1),
    hidden_units: Sequence[int] = (128,),
    num_classes: int = 10,
    seed: int = 0,
    activation: str = "relu",
) -> keras.Model:
    """Build a multilayer perceptron: dense layers on the flattened input.

    A dense layer from `a` to `b` units has a·b + b parameters.

    Args:
        input_shape: shape of one input, without the batch axis.
        hidden_units: width of each hidden layer; empty for a linear model.
        num_classes: number of logits, at least 1.
        seed: non-negative integer; the same seed gives the same initial weights.
        activation: a Keras activation's name, for the hidden layers.

    Returns:
        A functional model, float32 (n, *input_shape) to logits (n, num_classes).

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> from aiarch.foundations import count_parameters, mlp
        >>> count_parameters(mlp((2,), hidden_units=(3,), num_classes=2))
        17
    """
    if not input_shape or any(not size or size < 1 for size in input_shape):
        raise ValueError(
            f"input_shape must hold positive sizes such as (28, 28, 1), got "
            f"{input_shape!r}."
        )
    _check_counts(num_classes=(num_classes, 1))
    for units in hidden_units:
        _check_counts(hidden_units=(units, 1))
    initializer = _initializers(seed)
    inputs = keras.Input(input_shape)
    x = layers.Flatten()(inputs) if len(input_shape) > 1 else inputs
    for units in hidden_units:
        x = layers.Dense(
            units, activation=activation, kernel_initializer=next(initializer)
        )(x)
    outputs = layers.Dense(num_classes, kernel_initializer=next(initializer))(x)
    return keras.Model(inputs, outputs, name="mlp")


def lenet_300_100(
    input_shape: Sequence[int] = (28, 28, 1), num_classes: int = 10, seed: int = 0
) -> keras.Model:
    """Build LeNet-300-100: the dense net on which compression papers report.

    With inputs of 28×28 it has 235,500 + 30,100 + 1,010 = 266,610 parameters, which
    are 1,066,440 bytes in float32.

    Args:
        input_shape: shape of one input, without the batch axis.
        num_classes: number of logits.
        seed: non-negative integer; the same seed gives the same initial weights.

    Returns:
        A functional model, float32 (n, *input_shape) to logits (n, num_classes).

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> from aiarch.foundations import count_parameters, lenet_300_100
        >>> count_parameters(lenet_300_100())
        266610
    """
    return mlp(input_shape, (300, 100), num_classes, seed)


def small_resnet(
    input_shape: Sequence[int] = (28, 28, 1),
    num_classes: int = 10,
    widths: Sequence[int] = (16, 32, 64),
    num_blocks: int = 1,
    seed: int = 0,
) -> keras.Model:
    """Build a small residual net with batch normalization.

    A 3×3 convolution, then for each width `num_blocks` residual blocks; every stage
    but the first halves the image. Convolutions that change width or size have a
    1×1 convolution as shortcut. By default, with inputs of 28×28×1, it has 78,426
    parameters: 208 in the stem, 4,736 + 14,720 + 58,112 in the stages, 650 in the
    output layer. Of these 448 are running statistics that no gradient changes.

    Args:
        input_shape: (height, width, channels), height and width at least 8.
        num_classes: number of logits, at least 2.
        widths: channels of each stage.
        num_blocks: residual blocks a stage, at least 1.
        seed: non-negative integer; the same seed gives the same initial weights.

    Returns:
        A functional model, float32 images (n, *input_shape) to logits
        (n, num_classes).

    Raises:
        ValueError: if an argument is out of range.

    Example:
        >>> from aiarch.foundations import small_resnet
        >>> small_resnet().output_shape
        (None, 10)

    References:
        He, Zhang, Ren & Sun, "Deep residual learning for image recognition", CVPR
        2016, arXiv:1512.03385; the nets of section 4.2 with fewer layers.
    """
    _check_image_shape(input_shape, smallest=8)
    _check_counts(num_classes=(num_classes, 2), num_blocks=(num_blocks, 1))
    if not widths:
        raise ValueError("widths must hold at least one number of channels, got none.")
    initializer = _initializers(seed)

    def convolve(x, width, size=3, strides=1):
        x = layers.Conv2D(
            width,
            size,
            strides=strides,
            padding="same",
            use_bias=False,  # batch normalization shifts anyway
            kernel_initializer=next(initializer),
        )(x)
        return layers.BatchNormalization()(x)

    inputs = keras.Input(input_shape)
    x = layers.ReLU()(convolve(inputs, widths[0]))
    for stage, width in enumerate(widths):
        for block in range(num_blocks):
            strides = 2 if stage > 0 and block == 0 else 1
            shortcut = x
            if strides > 1 or x.shape[-1] != width:
                shortcut = convolve(x, width, size=1, strides=strides)
            x = layers.ReLU()(convolve(x, width, strides=strides))
            x = layers.ReLU()(layers.Add()([convolve(x, width), shortcut]))
    x = layers.GlobalAveragePooling2D()(x)
    outputs = layers.Dense(num_classes, kernel_initializer=next(initializer))(x)
    return keras.Model(inputs, outputs, name="small_resnet")


def _initializers(seed: int) -> Iterator[keras.initializers.Initializer]:
    """Yield Glorot-uniform initializers, each with a seed of its own."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"seed must be a non-negative integer, got {seed!r}.")
    rng = np.random.default_rng(seed)
    while True:
        yield keras.initializers.GlorotUniform(seed=int(rng.integers(2**31)))


def _check_counts(**counts: tuple[int, int]) -> None:
    for name, (value, least) in counts.items():
        if not isinstance(value, int | np.integer) or value < least:
            raise ValueError(
                f"{name} must be an integer of at least {least}, got {value!r}."
            )


def _check_image_shape(input_shape: Sequence[int], smallest: int) -> None:
    sizes = tuple(input_shape)
    known = len(sizes) == 3 and all(isinstance(size, int) for size in sizes)
    if not known or min(sizes[:2]) < smallest or sizes[2] < 1:
        raise ValueError(
            f"input_shape must be (height, width, channels) with height and width at "
            f"least {smallest}, such as (28, 28, 1); got {input_shape!r}. Add a "
            "channel axis to grey images by x[..., None]."
        )

"""A space of small convolutional nets for signals, as data.

Chapter: structure/architecture-search
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

SMALL_NETS = MappingProxyType(
    {
        "depth": (2, 3, 4, 5, 6),
        "kernel": (3, 5, 7, 9),
        "halvings": (0, 1, 2, 3),
        "growth": (1.0, 1.5, 2.0),
        "kind": ("full", "separable"),
        "dilated": (False, True),
        "shortcut": (False, True),
        "normalized": (False, True),
        "pooling": ("mean", "max", "flatten"),
    }
)


def layer_plan(
    configuration: Mapping[str, Any], width: int, length: int = 40
) -> list[dict[str, Any]]:
    """Return what each convolution of a net does, as keyword arguments.

    Args:
        configuration: a value for each name of `SMALL_NETS`.
        width: channels of the first convolution.
        length: samples of a signal.

    Returns:
        For each block its `channels`, `filters`, `kernel`, `stride`, `dilation`,
        `separable`, and the `length` of its output.

    Raises:
        ValueError: the configuration lacks a name, or has a value of no choice.
    """
    _check(configuration)
    plan, channels, filters = [], 1, float(width)
    for block in range(configuration["depth"]):
        stride = 2 if block < configuration["halvings"] else 1
        length = -(-length // stride)
        after = max(0, block - configuration["halvings"])
        filters *= configuration["growth"] if block and stride == 2 else 1
        plan.append(
            {
                "channels": channels,
                "filters": round(filters),
                "kernel": configuration["kernel"],
                "stride": stride,
                "dilation": 2**after if configuration["dilated"] else 1,
                "separable": configuration["kind"] == "separable" and block > 0,
                "length": length,
            }
        )
        channels = round(filters)
    return plan


def planned_parameters(
    configuration: Mapping[str, Any],
    width: int,
    *,
    length: int = 40,
    num_classes: int = 10,
) -> int:
    """Count the parameters of a net without building it, as `count_parameters` does.

    Args:
        configuration: a value for each name of `SMALL_NETS`.
        width: channels of the first convolution.
        length: samples of a signal.
        num_classes: outputs.

    Returns:
        The number of weights, running statistics included.
    """
    plan, count = layer_plan(configuration, width, length), 0
    for layer in plan:
        taps, pairs = layer["kernel"], layer["channels"] * layer["filters"]
        if layer["separable"]:
            count += taps * layer["channels"] + pairs
        else:
            count += taps * pairs
        count += (4 if configuration["normalized"] else 1) * layer["filters"]
    features = plan[-1]["filters"]
    if configuration["pooling"] == "flatten":
        features *= plan[-1]["length"]
    return count + (features + 1) * num_classes


def fitting_width(
    configuration: Mapping[str, Any],
    max_parameters: int,
    *,
    length: int = 40,
    num_classes: int = 10,
) -> int:
    """Return the largest width with which a net has at most `max_parameters`.

    Raises:
        ValueError: even the width 1 has more.

    Example:
        >>> net = {"depth": 3, "kernel": 3, "halvings": 2, "growth": 1.0,
        ...     "kind": "full", "dilated": False, "shortcut": False,
        ...     "normalized": False, "pooling": "mean"}
        >>> fitting_width(net, 1000), planned_parameters(net, 11)
        (11, 912)
    """
    width = 0
    shape = {"length": length, "num_classes": num_classes}
    while planned_parameters(configuration, width + 1, **shape) <= max_parameters:
        width += 1
    if width == 0:
        raise ValueError(
            f"`max_parameters` must pay for one channel, got {max_parameters}; "
            f"{dict(configuration)} needs "
            f"{planned_parameters(configuration, 1, **shape)}."
        )
    return width


def small_net(
    configuration: Mapping[str, Any],
    max_parameters: int,
    *,
    length: int = 40,
    num_classes: int = 10,
    seed: int = 0,
) -> Any:
    """Build the widest net of a configuration within a number of parameters.

    The width is no choice: it is what the number of parameters leaves.

    Args:
        configuration: a value for each name of `SMALL_NETS`.
        max_parameters: most that `count_parameters` may count.
        length: samples of a signal.
        num_classes: outputs.
        seed: decides the first weights.

    Returns:
        An uncompiled Keras model from (n, length, 1) to logits (n, num_classes).

    Raises:
        ValueError: the configuration is none of `SMALL_NETS`, or `max_parameters` is
            too small.

    Example:
        >>> from aiarch.training import Space
        >>> import numpy as np
        >>> net = Space(SMALL_NETS).draw(np.random.default_rng(0))
        >>> 900 < small_net(net, 1000).count_params() <= 1000
        True
    """
    import keras
    from keras import layers

    shape = {"length": length, "num_classes": num_classes}
    width = fitting_width(configuration, max_parameters, **shape)
    rng = np.random.default_rng(seed)

    def start() -> Any:
        return keras.initializers.HeNormal(seed=int(rng.integers(2**31)))

    x = inputs = keras.Input((length, 1))
    for layer in layer_plan(configuration, width, length):
        before = x
        options = {
            "strides": layer["stride"],
            "dilation_rate": layer["dilation"],
            "padding": "same",
            "use_bias": not configuration["normalized"],
        }
        size = layer["filters"], layer["kernel"]
        if layer["separable"]:
            options |= {
                "depthwise_initializer": start(),
                "pointwise_initializer": start(),
            }
            x = layers.SeparableConv1D(*size, **options)(x)
        else:
            x = layers.Conv1D(*size, kernel_initializer=start(), **options)(x)
        if configuration["normalized"]:
            x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.ReLU()(x)
        if configuration["shortcut"] and before.shape == x.shape:
            x = layers.Add()([before, x])
    pools = {
        "mean": layers.GlobalAveragePooling1D,
        "max": layers.GlobalMaxPooling1D,
        "flatten": layers.Flatten,
    }
    x = pools[configuration["pooling"]]()(x)
    outputs = layers.Dense(num_classes, kernel_initializer=start())(x)
    return keras.Model(inputs, outputs)


def _check(configuration: Mapping[str, Any]) -> None:
    wrong = {
        name: configuration.get(name)
        for name, choices in SMALL_NETS.items()
        if configuration.get(name) not in choices
    }
    if wrong:
        raise ValueError(
            f"`configuration` must have a choice of `SMALL_NETS` for every name, got "
            f"{wrong}; draw one by `Space(SMALL_NETS).draw(rng)`."
        )

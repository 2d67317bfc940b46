"""Low-rank adapters on the layers of a model, and the same model without them.

Chapter: structure/fine-tuning
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

_BASES = ("kernel", "embeddings")
_SETTINGS = ("lora_rank", "lora_alpha")


def add_lora(
    model: keras.Model,
    rank: int,
    *,
    alpha: float | None = None,
    layers: Sequence[str] | None = None,
    seed: int = 0,
) -> list[str]:
    """Freeze a model and give its kernels low-rank changes that learn.

    Equation (8), `eq-ft-lora`: a kernel of shape (..., outputs), read as a matrix of
    (inputs, outputs), becomes `kernel + alpha / rank * A @ B`, by Keras's own
    `enable_lora`, on `Dense`, `EinsumDense` (so in attention), `Embedding` and
    convolutions that have it. A is drawn as He's initializer draws it, B starts at
    zero, so the model's outputs do not change. All else is frozen, batch normalization
    too, with its statistics. Then compile and train as ever, or by `fine_tune`.

    Do not set `trainable` on a layer or on the model afterwards: that would set the
    kernels free. Do not load a saved model to train its adapters on: Keras saves
    kernels merged and loads A and B as zeros, which no gradient ever moves. Call
    `merge_lora`, save, and add new ones.

    Args:
        model: a Keras model with weights; changed in place.
        rank: columns of A and rows of B, at least 1, at most what a kernel can have.
        alpha: scale of the change; None takes `rank`, so that the factor is 1.
        layers: names of layers to adapt, with all that is inside of them; None takes
            every layer that can be adapted.
        seed: seed of A.

    Returns:
        Paths of the layers that were adapted.

    Raises:
        TypeError: `model` is no Keras model.
        ValueError: the model has no weights or nothing to adapt, has adapters already,
            a name is unknown, `rank` exceeds a kernel's, or `alpha` is not positive.
            Then nothing has been changed.

    Example:
        >>> dense = keras.layers.Dense(4, name="top")
        >>> model = keras.Sequential([keras.Input((6,)), dense])
        >>> len(add_lora(model, rank=2))
        1
        >>> sum(math.prod(v.shape) for v in model.trainable_variables)
        20

    References:
        Hu et al. (2022), "LoRA: Low-rank adaptation of large language models", ICLR,
        arXiv:2106.09685, section 4.1. There inputs are columns, so that the product
        is BA with the same roles, and a matrix of attention is one matrix; Keras's
        kernel of queries has the shape (width, heads, size), and all heads share B.
    """
    _check_model(model)
    if isinstance(rank, bool) or not isinstance(rank, int) or rank < 1:
        raise ValueError(f"`rank` must be an integer of at least 1, got {rank!r}.")
    if alpha is not None and not (math.isfinite(alpha) and alpha > 0):
        raise ValueError(f"`alpha` must be positive and finite, got {alpha!r}.")
    adapted = _adaptable(model, layers)
    for layer in adapted:
        _check_layer(layer, rank)
    model.trainable = False  # on TensorFlow setting what is set already does nothing
    model.trainable = True
    rng = np.random.default_rng(seed)
    for layer in adapted:
        start = keras.initializers.HeUniform(seed=int(rng.integers(2**31)))
        layer.enable_lora(rank, lora_alpha=alpha, a_initializer=start)
    ours = {id(v) for layer in adapted for v in layer.weights if _is_lora(v)}
    for variable in model.weights:
        if id(variable) not in ours:
            variable.trainable = False
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False  # or it would run on statistics of the batch
    return [layer.path for layer in adapted]


def merge_lora(model: keras.Model) -> keras.Model:
    """Return an ordinary model with the same outputs, adapters added to the kernels.

    Equation (8), `eq-ft-lora`, once and for all: shapes, parameters and cost are those
    of the model before `add_lora`. All layers can learn again. The argument keeps its
    adapters; the result is not compiled.

    Args:
        model: a functional or sequential model with adapters, from `add_lora` or from
            `enable_lora` of its layers.

    Returns:
        A new model with weights of its own.

    Raises:
        TypeError: `model` is no Keras model.
        ValueError: the model has no adapters, is subclassed, or is quantized.

    Example:
        >>> model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4)])
        >>> _ = add_lora(model, rank=2)
        >>> [v.name for v in merge_lora(model).weights]
        ['kernel', 'bias']
    """
    _check_model(model)
    merged = {}
    for layer in model._flatten_layers():
        if getattr(layer, "lora_enabled", False):
            merged.update([_merged(layer)])
    if not merged:
        raise ValueError(f"`model` {model.name!r} has no adapters; use it as it is.")
    if getattr(model, "inputs", None) is None:
        raise ValueError(
            f"`model` {model.name!r} must be functional or sequential to be copied; "
            "for a subclassed model call `save_weights`, which merges, make a new "
            "model by your own code, and `load_weights` into it."
        )
    pairs = []

    def plain(layer: keras.layers.Layer) -> keras.layers.Layer:
        copy = layer.__class__.from_config(_without_lora(layer.get_config()))
        pairs.append((layer, copy))
        return copy

    copy = keras.models.clone_model(model, clone_function=plain)
    for old, new in pairs:
        kept = [v for v in old.weights if not _is_lora(v)]
        new.set_weights(
            [merged.get(id(v), ops.convert_to_numpy(v.value)) for v in kept]
        )
    copy.trainable = False
    copy.trainable = True
    return copy


def _check_model(model: Any) -> None:
    if not isinstance(model, keras.Model):
        raise TypeError(f"`model` must be a keras.Model, got {model!r}; build one.")
    if not model.weights:
        raise ValueError(
            f"`model` {model.name!r} has no weights; build and train it, or load it, "
            "before."
        )


def _is_lora(variable: keras.Variable) -> bool:
    return variable.name.startswith("lora_")


def _adaptable(
    model: keras.Model, names: Sequence[str] | None
) -> list[keras.layers.Layer]:
    """Layers with `enable_lora`, all or those within the layers of these names."""
    found = [layer for layer in model._flatten_layers() if layer is not model]
    if names is not None:
        unknown = sorted(set(names) - {layer.name for layer in found})
        if unknown or isinstance(names, str):
            raise ValueError(
                f"`layers` must hold names among {sorted(la.name for la in found)}, "
                f"got {names!r}."
            )
        roots = [layer for layer in found if layer.name in set(names)]
        inside = {id(la) for root in roots for la in root._flatten_layers()}
        found = [layer for layer in found if id(layer) in inside]
    adapted = [layer for layer in found if hasattr(layer, "enable_lora")]
    if not adapted:
        raise ValueError(
            f"`model` {model.name!r} has nothing to adapt among "
            f"{[layer.name for layer in found]}; Keras adapts Dense, EinsumDense, "
            "Embedding and convolutions."
        )
    return adapted


def _base(layer: keras.layers.Layer) -> keras.Variable:
    """The kernel or embedding as it is stored, without the change."""
    return next(v for v in layer.weights if v.name in _BASES)


def _check_layer(layer: keras.layers.Layer, rank: int) -> None:
    if layer.lora_enabled:
        raise ValueError(
            f"`model` has an adapter on {layer.path!r} already; merge it by merge_lora."
        )
    constraint = "embeddings_constraint", "kernel_constraint"
    if any(getattr(layer, name, None) for name in constraint):
        raise ValueError(
            f"`model` has a constraint on {layer.path!r}, which adapters cannot keep; "
            "leave that layer out by `layers`."
        )
    shape = tuple(_base(layer).shape)
    most = min(math.prod(shape[:-1]), shape[-1])
    if rank > most:
        raise ValueError(
            f"`rank` must be at most {most} for {layer.path!r} with a kernel of shape "
            f"{shape}, got {rank}; take a smaller one, or leave that layer out by "
            "`layers`."
        )


def _merged(layer: keras.layers.Layer) -> tuple[int, np.ndarray]:
    """The stored kernel's identity, and its value with the change."""
    if getattr(layer, "quantization_mode", None):
        raise ValueError(
            f"`model` is quantized at {layer.path!r}; merge before you quantize."
        )
    a, b = (v for v in layer.weights if _is_lora(v))
    base = _base(layer)
    change = ops.matmul(a.value, b.value) * (layer.lora_alpha / layer.lora_rank)
    value = ops.add(ops.cast(base.value, "float32"), change)
    return id(base), ops.convert_to_numpy(value)


def _without_lora(config: Any) -> Any:
    """The same configuration, without adapters, at any depth."""
    if isinstance(config, dict):
        return {k: _without_lora(v) for k, v in config.items() if k not in _SETTINGS}
    if isinstance(config, list | tuple):
        return type(config)(_without_lora(value) for value in config)
    return config

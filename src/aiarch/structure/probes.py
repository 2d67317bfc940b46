"""Copies of models in float64 that show what passes between their layers.

Chapter: structure/initialization
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray


@dataclass
class Tape:
    """What probes have seen, and what they add to it; in the order of the calls.

    Attributes:
        names: the layer behind which each probe stands; `name:1` for its second one.
        seen: tensor that last passed each probe while `offsets` was None.
        offsets: tensors to add, one for each probe. Derivatives by them are those by
            the outputs of the layers.
    """

    names: list[str] = field(default_factory=list)
    seen: list[Any] = field(default_factory=list)
    offsets: list[Any] | None = None

    def pass_on(self, number: int, value: Any) -> Any:
        """Return what passes probe `number` when `value` comes in."""
        if self.offsets is None:
            self.seen[number] = value
            return value
        return value + self.offsets[number]


class Probe(keras.layers.Layer):
    """Show what passes to a tape, and add the tape's offset to it.

    Args:
        tape: the tape, on which the probe takes the next place.
        name: name of the layer before the probe.
    """

    def __init__(self, tape: Tape, name: str):
        super().__init__(dtype="float64")
        self.tape, self.number = tape, len(tape.names)
        taken = sum(known.split(":")[0] == name for known in tape.names)
        tape.names.append(f"{name}:{taken}" if taken else name)
        tape.seen.append(None)

    def call(self, inputs: Any) -> Any:
        """Pass the inputs on."""
        return self.tape.pass_on(self.number, inputs)

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return a symbol like the inputs, so that building shows nothing."""
        return keras.KerasTensor(inputs.shape, inputs.dtype)


def probed_copy(model: keras.Model, x: Any, tape: Tape) -> keras.Model:
    """Return a copy of a model in float64, with a probe behind every layer.

    The copy has weights of its own. Models within the model become their layers.

    Args:
        model: a Keras model with weights.
        x: inputs, an array (n, ...), or a list or dict of such arrays.
        tape: an empty tape.

    Returns:
        A functional model.

    Raises:
        ValueError: the model cannot be copied, or `x` does not fit it.

    Example:
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.ReLU(name="r")])
        >>> tape = Tape()
        >>> copy = probed_copy(model, np.zeros((1, 2)), tape)
        >>> _ = copy(np.array([[-1.0, 3.0]]))
        >>> tape.names, np.asarray(tape.seen[0]).tolist()
        (['r'], [[0.0, 3.0]])
    """

    def clone(layer):
        if not isinstance(layer, keras.layers.Layer):
            return layer  # an operation of keras.ops
        return layer.__class__.from_config({**layer.get_config(), "dtype": "float64"})

    def call(layer, *args, **kwargs):
        outputs = layer(*args, **kwargs)
        if not isinstance(layer, keras.layers.Layer):
            return outputs
        return keras.tree.map_structure(
            lambda a: Probe(tape, layer.name)(a) if "float" in a.dtype else a, outputs
        )

    try:
        flat = _flat(model, x)
        inputs = keras.tree.map_structure(
            lambda a: keras.Input(
                a.shape[1:],
                dtype="float64" if "float" in a.dtype else a.dtype,
                name=a.name,
            ),
            flat.input,
        )
        copy = keras.models.clone_model(flat, inputs, clone, call)
        copy.set_weights(flat.get_weights())
        copy(keras.tree.map_structure(to_tensor, x))  # does `x` fit?
    except Exception as error:
        raise ValueError(
            f"`model` {model.name!r} cannot be copied layer by layer for inputs of "
            f"shape {keras.tree.map_structure(lambda a: a.shape, x)}; give `x` the "
            "model's shape, layers a `get_config`, and a subclassed model a `call` of "
            "layers and `keras.ops` alone."
        ) from error
    return copy


def _flat(model: keras.Model, x: Any) -> keras.Model:
    """Return a functional model of the same layers, without models among them."""

    def call(layer, *args, **kwargs):
        if isinstance(layer, keras.Model):
            return _flat(layer, args[0]).call(*args)
        return layer(*args, **kwargs)

    if getattr(model, "inputs", None) is None:  # a subclassed model
        inputs = keras.tree.map_structure(
            lambda a: keras.Input(a.shape[1:], dtype=str(a.dtype)), x
        )
        return _flat(keras.Model(inputs, model.call(inputs)), x)
    if isinstance(model, keras.Sequential):
        flat = keras.Model(model.inputs[0], model.outputs[0])
    else:
        flat = keras.Model(model.input, model.output)
    if any(isinstance(layer, keras.Model) for layer in flat.layers):
        flat = keras.models.clone_model(flat, None, lambda layer: layer, call)
    return flat


def derivatives(function: Callable[[list], Any], tensors: list) -> list:
    """Return the derivative of a scalar function by each tensor, on any backend.

    Args:
        function: maps a list of tensors to a scalar tensor.
        tensors: where to derive.

    Returns:
        Tensors of the same shapes; zeros where the function does not depend on one.

    Example:
        >>> point = ops.convert_to_tensor([1.0, 2.0])
        >>> np.asarray(derivatives(lambda t: ops.sum(t[0] ** 2), [point])[0]).tolist()
        [2.0, 4.0]
    """
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(tensors)
            value = function(tensors)
        none = tf.UnconnectedGradients.ZERO
        return tape.gradient(value, tensors, unconnected_gradients=none)
    if backend == "jax":
        import jax

        return jax.grad(function)(tensors)
    import torch

    tensors = [tensor.detach().requires_grad_() for tensor in tensors]
    with torch.enable_grad():
        found = torch.autograd.grad(function(tensors), tensors, allow_unused=True)
    pairs = zip(tensors, found, strict=True)
    return [ops.zeros_like(t) if g is None else g for t, g in pairs]


@contextlib.contextmanager
def float64_allowed() -> Iterator[bool]:
    """Let JAX compute in float64 for a while; yield whether Keras keeps to it.

    On JAX and PyTorch, Keras does some operations in float32 even if the operands are
    float64.
    """
    with contextlib.ExitStack() as stack:
        if keras.backend.backend() == "jax":
            import jax

            if hasattr(jax, "enable_x64"):
                stack.enter_context(jax.enable_x64(True))
            else:
                from jax.experimental import enable_x64

                stack.enter_context(enable_x64())
        large = to_tensor(np.full((1, 1), 1e30))
        found = [ops.matmul(large, large), ops.tanh(1 / large / large)]
        large, small = (float(ops.convert_to_numpy(a)[0, 0]) for a in found)
        yield np.isfinite(large) and small > 0


def to_tensor(array: NDArray) -> Any:
    """Return a tensor of the backend: floats as float64, the rest as they are."""
    kind = "float64" if np.issubdtype(array.dtype, np.floating) else None
    return ops.convert_to_tensor(array, dtype=kind)

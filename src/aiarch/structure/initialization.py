"""How large signals and gradients are in each layer of a net, at any scale.

Chapter: structure/initialization
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from aiarch.structure.probes import (
    Tape,
    derivatives,
    float64_allowed,
    probed_copy,
    to_tensor,
)


@dataclass(frozen=True)
class LayerSignal:
    """Size of what one layer passes on, and of the gradient that comes back to it.

    Attributes:
        name: the layer's name; `name:1`, … for further outputs and further calls.
        activation_rms: root mean square of the output's entries.
        gradient_rms: root mean square of the gradient with respect to the output.
    """

    name: str
    activation_rms: float
    gradient_rms: float


@dataclass(frozen=True)
class SignalPropagation:
    """One `LayerSignal` for each layer, the inputs first; prints as a table.

    Example:
        >>> found = SignalPropagation((LayerSignal("dense", 0.1, 1e-60),))
        >>> found.gradient_rms.tolist(), found.names
        ([1e-60], ['dense'])
        >>> print(found)
        layer                    activation      gradient
        dense                      1.00e-01      1.00e-60
    """

    layers: tuple[LayerSignal, ...]

    @property
    def names(self) -> list[str]:
        """Names of the layers."""
        return [layer.name for layer in self.layers]

    @property
    def activation_rms(self) -> NDArray[np.float64]:
        """Root mean squares of the layers' outputs, shape (num_layers,)."""
        return np.array([layer.activation_rms for layer in self.layers])

    @property
    def gradient_rms(self) -> NDArray[np.float64]:
        """Root mean squares of the gradients by these outputs, (num_layers,)."""
        return np.array([layer.gradient_rms for layer in self.layers])

    def __str__(self) -> str:
        rows = [f"{'layer':<22} {'activation':>12} {'gradient':>13}"]
        for layer in self.layers:
            sizes = f"{layer.activation_rms:>12.2e} {layer.gradient_rms:>13.2e}"
            rows.append(f"{layer.name:<22} {sizes}")
        return "\n".join(rows)


def signal_propagation(
    model: keras.Model,
    x: Any,
    y: Any = None,
    *,
    loss: Callable[[Any, Any], Any] | None = None,
    training: bool = False,
    seed: int = 0,
) -> SignalPropagation:
    """Measure the size of activations and of their gradients in every layer.

    Works on a copy of the model in float64, so that 1e60 and 1e-40 are numbers; the
    model itself is not changed. The gradient is that of a random linear function of
    the outputs, with weights drawn from a standard normal distribution: it has size 1
    at the output, and shows by what factor each layer changes it. With `loss` it is
    the gradient of the loss's mean.

    A nested model counts as the layers that it holds. A subclassed model works if its
    `call`, given symbolic inputs, does no more than call layers and `keras.ops`. On
    JAX and PyTorch Keras does some operations in float32; what may have left its range
    there is refused, not reported.

    Args:
        model: a Keras model with weights.
        x: inputs, an array (n, ...), or a list or dict of such arrays.
        y: targets for `loss`.
        loss: a Keras loss or any function of targets and outputs. None: the random
            linear function.
        training: whether layers behave as in training.
        seed: seed of the random linear function.

    Returns:
        A `SignalPropagation`: the inputs (`"input"`) where they are floats, then all
        layers in the order of the model.

    Raises:
        TypeError: `model` is not a Keras model.
        ValueError: the model has no weights or cannot be copied, only one of `y` and
            `loss` is given, `x` does not fit or is not finite, or a size is outside
            the range of numbers (the message names the first such layer).

    Example:
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
        >>> model.layers[0].set_weights([np.full((4, 3), 1e30), np.zeros(3)])
        >>> found = signal_propagation(model, np.ones((2, 4)))
        >>> found.names == ["input", model.layers[0].name]
        True
        >>> f"{found.activation_rms[1]:.0e}"
        '4e+30'
    """
    if not isinstance(model, keras.Model):
        raise TypeError(f"`model` must be a keras.Model, got {model!r}; build one.")
    if not model.weights:
        raise ValueError(
            f"`model` {model.name!r} has no weights; give it inputs first, for example "
            "by `model.build(input_shape)`."
        )
    if (y is None) != (loss is None):
        raise ValueError("`y` and `loss` go together; give both or neither.")
    x = keras.tree.map_structure(np.asarray, x)
    for array in keras.tree.flatten(x):
        if not np.all(np.isfinite(array)):
            raise ValueError("`x` holds NaN or infinity; remove it.")
    with float64_allowed() as wide:
        tape = Tape()
        copy = probed_copy(model, x, tape)
        x = keras.tree.map_structure(to_tensor, x)
        y = None if y is None else ops.convert_to_tensor(y)
        layers = _measure(copy, x, y, loss, training, tape, seed)
    for layer in layers:
        _check_range(f"the output of {layer.name!r}", layer.activation_rms, wide)
    for layer in layers:
        _check_range(f"the gradient at {layer.name!r}", layer.gradient_rms, wide)
    return SignalPropagation(tuple(layers))


def _measure(
    copy: keras.Model,
    x: Any,
    y: Any,
    loss: Callable[[Any, Any], Any] | None,
    training: bool,
    tape: Tape,
    seed: int,
) -> list[LayerSignal]:
    """Run the copy once as it is, and once with zeros added by which to derive."""
    outputs = keras.tree.flatten(copy(x, training=training))
    inputs = [a for a in keras.tree.flatten(x) if "float" in str(a.dtype)]
    sizes = [_rms(a) for a in [*inputs, *tape.seen]]
    names = ["input", *(f"input:{k}" for k in range(1, len(inputs)))][: len(inputs)]
    rng = np.random.default_rng(seed)
    weights = [to_tensor(rng.normal(size=output.shape)) for output in outputs]

    def total(offsets):
        tape.offsets = offsets[len(inputs) :]
        added = iter(offsets)
        moved = keras.tree.map_structure(
            lambda a: a + next(added) if "float" in str(a.dtype) else a, x
        )
        found = copy(moved, training=training)
        if loss is not None:
            return ops.mean(loss(y, found))
        found = keras.tree.flatten(found)
        return sum(ops.sum(w * f) for w, f in zip(weights, found, strict=True))

    zeros = [ops.zeros(a.shape, dtype="float64") for a in [*inputs, *tape.seen]]
    gradients = [_rms(gradient) for gradient in derivatives(total, zeros)]
    rows = zip([*names, *tape.names], sizes, gradients, strict=True)
    return [LayerSignal(*row) for row in rows]


def _check_range(what: str, size: float, wide: bool) -> None:
    if not np.isfinite(size):
        precision = "even in float64" if wide else "in float32"
        raise ValueError(
            f"{what} is not finite {precision}; check weights of `model` and `x`."
        )
    if not wide and 0 < size < 1e-36:
        raise ValueError(
            f"{what} is too small for float32, which Keras uses here and there on "
            f"{keras.backend.backend()}; measure with the TensorFlow backend."
        )


def _rms(tensor: Any) -> float:
    """Return the root mean square without squaring anything large or small."""
    array = np.abs(np.asarray(ops.convert_to_numpy(tensor), "float64"))
    largest = array.max(initial=0.0)
    if largest == 0.0 or not np.isfinite(largest):
        return float(largest)
    return float(largest * np.sqrt(np.mean((array / largest) ** 2)))

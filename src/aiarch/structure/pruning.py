"""Pruning while a Keras model trains, and how sparse a model is.

Chapter: structure/pruning
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from aiarch.structure.magnitude_masks import check_settings
from aiarch.structure.masked_optimizer import MaskedOptimizer
from aiarch.structure.pruning_schedules import Schedule, update_steps

PRUNABLE = (
    "kernel",
    "recurrent_kernel",
    "depthwise_kernel",
    "pointwise_kernel",
    "embeddings",
)
_DEPTHWISE = (layers.DepthwiseConv1D, layers.DepthwiseConv2D)
_TRANSPOSED = (
    layers.Conv1DTranspose,
    layers.Conv2DTranspose,
    layers.Conv3DTranspose,
)

Choice = Callable[[keras.Variable], bool]


def is_kernel(variable: keras.Variable) -> bool:
    """Whether a variable is one that `Pruning` prunes by default.

    Kernels and embeddings are, of two axes or more; biases, normalizations, positions
    are not.

    Example:
        >>> dense = layers.Dense(2)
        >>> dense.build((None, 3))
        >>> [is_kernel(variable) for variable in dense.variables]
        [True, False]
    """
    return variable.name in PRUNABLE and len(variable.shape) > 1


def sparsity(model: Any, prunable: Choice = is_kernel) -> float:
    """Return the share of exact zeros.

    Args:
        model: a built Keras model or layer, of which the trainable variables that
            `prunable` accepts are counted; or an array, or a list of arrays.
        prunable: function of a variable, True if it counts.

    Returns:
        A fraction in [0, 1].

    Raises:
        ValueError: there is nothing to count.

    Example:
        >>> sparsity(np.array([0.0, 1.0, 0.0, 2.0]))
        0.5
    """
    if isinstance(model, layers.Layer):
        chosen = [v for v in model.trainable_variables if prunable(v)]
        arrays = [ops.convert_to_numpy(v) for v in chosen]
    else:
        several = isinstance(model, list | tuple)
        arrays = [np.asarray(array) for array in (model if several else [model])]
    total = sum(array.size for array in arrays)
    if total == 0:
        raise ValueError(
            f"`model` must hold weights that can be pruned, got none of {PRUNABLE} in "
            f"{model!r}; build the model, or choose others by `prunable`."
        )
    return sum(int((array == 0).sum()) for array in arrays) / total


class Pruning(keras.callbacks.Callback):
    """Prune a model while `fit` trains it.

    While it trains, a `MaskedOptimizer` is around the model's optimizer; when `fit` has
    ended, the model has its own optimizer back and is an ordinary Keras model with
    exact zeros. Steps of the schedule are batches, counted from the beginning of this
    `fit`; at step t, t batches have been learned.

    - Weights that are zero when `fit` begins stay zero (so a second `fit` builds on the
      masks of the first), except where a whole kernel is zero.
    - A checkpoint saved meanwhile holds masks and steps. `fit` with the same callback
      goes on where the loaded model, or an interrupted `fit`, was. With
      `BackupAndRestore`, put `Pruning` before it in the list.
    - If `fit` ends before the schedule, a warning says so.
    - `EarlyStopping(restore_best_weights=True)` brings back weights of a time when
      less was pruned; let it start after the schedule's end.

    Args:
        schedule: `ConstantSchedule`, `PolynomialSchedule`, or a function of the step
            with attributes `begin_step` and `end_step`.
        scope: `"layer"`: every kernel has that sparsity; `"global"`: all together.
        granularity: `"weight"`, `"channel"` or `"2:4"`; see `magnitude_mask`.
        frequency: steps between two updates of the masks.
        prunable: function of a variable, True if it is to be pruned; by default
            kernels and embeddings.

    Raises:
        TypeError: `schedule` is no schedule.
        ValueError: an argument is outside its range; at the start of `fit`: the model
            has nothing to prune, or channels of a transposed convolution are asked
            for, whose last axis is its input.

    Example:
        >>> from aiarch.structure import ConstantSchedule
        >>> model = keras.Sequential([keras.Input((4,)), layers.Dense(5)])
        >>> model.compile("adam", "mse")
        >>> x, y = np.ones((8, 4)), np.ones((8, 5))
        >>> callback = Pruning(ConstantSchedule(0.5))
        >>> _ = model.fit(x, y, callbacks=[callback], verbose=0)
        >>> sparsity(model)
        0.5

    References:
        Zhu and Gupta (2017), arXiv:1710.01878, section 3; there the forward pass
        multiplies by masks and the weights stay behind them.
    """

    def __init__(
        self,
        schedule: Schedule,
        scope: str = "layer",
        granularity: str = "weight",
        frequency: int = 100,
        prunable: Choice = is_kernel,
    ):
        super().__init__()
        self.steps = update_steps(schedule, frequency)
        self.sparsities = [schedule(step) for step in self.steps]
        for value in self.sparsities:
            check_settings(value, granularity, scope)
        if not callable(prunable):
            raise TypeError(f"`prunable` must be a function, got {prunable!r}.")
        self.schedule = schedule
        self.scope = scope
        self.granularity = granularity
        self.prunable = prunable

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Put the masks around the model's optimizer, and compile the step anew."""
        model = self.model
        holder, name = _place(model)
        present = getattr(holder, name)
        inner = present
        while isinstance(inner, MaskedOptimizer):
            inner = inner.inner_optimizer
        masked = MaskedOptimizer(
            inner,
            self._targets(model),
            self.steps,
            self.sparsities,
            self.scope,
            self.granularity,
        )
        going_on = (
            isinstance(present, MaskedOptimizer)
            and present.settings() == masked.settings()
        )
        if not going_on:
            masked.build(model.trainable_variables)
            _put(model, holder, name, masked)
        model.make_train_function(force=True)

    def on_train_end(self, logs: dict | None = None) -> None:
        """Give the model its own optimizer back."""
        holder, name = _place(self.model)
        masked = getattr(holder, name)
        _put(self.model, holder, name, masked.inner_optimizer)
        self.model.train_function = None  # compiled anew when it is needed
        if masked.num_steps < self.steps[-1]:
            warnings.warn(
                f"training ended after {masked.num_steps} steps, the schedule ends at "
                f"{self.steps[-1]}: the sparsity is {sparsity(self.model):.3f}. Train "
                "longer or end the schedule earlier.",
                stacklevel=2,
            )

    def _targets(self, model: keras.Model) -> list[tuple[int, int]]:
        """Positions and channel axes of what is to be pruned."""
        home = {
            id(variable): layer
            for layer in model._flatten_layers(include_self=False)
            for variable in layer.trainable_variables
            if not list(layer._flatten_layers(include_self=False))
        }
        targets = []
        for index, variable in enumerate(model.trainable_variables):
            if self.prunable(variable):
                layer = home.get(id(variable))
                if isinstance(layer, _TRANSPOSED) and self.granularity != "weight":
                    raise ValueError(
                        f"`granularity` must be 'weight' for {layer.name!r}, got "
                        f"{self.granularity!r}: the last axis of a transposed "
                        "convolution is its input. Leave it out by `prunable`."
                    )
                targets.append((index, _num_channel_axes(variable, layer)))
        if not targets:
            names = [variable.path for variable in model.trainable_variables]
            raise ValueError(
                f"`model` has nothing to prune among {names}; build it before `fit`, "
                f"or choose other variables than {PRUNABLE} by `prunable`."
            )
        return targets


def _num_channel_axes(variable: keras.Variable, layer: layers.Layer | None) -> int:
    """How many last axes of a kernel number its output channels."""
    if isinstance(layer, _DEPTHWISE) or variable.name == "depthwise_kernel":
        return 2
    if isinstance(layer, layers.EinsumDense):  # as in attention: "abc,cde->abde"
        kernel, output = layer.equation.split(",")[1].split("->")
        return 2 if len(kernel) > 2 and set(kernel[-2:]) <= set(output) else 1
    return 1


def _place(model: keras.Model) -> tuple[Any, str]:
    """Where the masked optimizer goes: inside of one that scales the loss."""
    if isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer):
        return model.optimizer, "inner_optimizer"
    return model, "optimizer"


def _put(model: keras.Model, holder: Any, name: str, optimizer: Any) -> None:
    setattr(holder, name, optimizer)
    # What a saved model is compiled with when it is loaded.
    model._compile_config.config["optimizer"] = model.optimizer

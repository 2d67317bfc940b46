"""Train a model that has been trained before, in stages.

Chapter: structure/fine-tuning
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras

from aiarch.structure.tuning_stages import (
    BatchNorm,
    TuningStage,
    Unit,
    chosen_units,
    held_variables,
    learning_units,
)


def fine_tune(
    model: keras.Model,
    x: Any,
    y: Any = None,
    *,
    stages: Sequence[TuningStage],
    loss: Any,
    optimizer: Callable[..., keras.optimizers.Optimizer] = keras.optimizers.Adam,
    freeze_batch_norm: bool = True,
    metrics: Sequence[Any] | None = None,
    jit_compile: str | bool = "auto",
    **fit_arguments: Any,
) -> list[keras.callbacks.History]:
    """Train a model in stages, in each of which other layers may learn.

    In each stage the model is compiled with a new optimizer for the layers that learn;
    with `decay` below 1 it is a `keras.optimizers.MultiOptimizer`, with one optimizer a
    layer. Layers of models inside the model count one by one, `MultiHeadAttention` and
    other composed layers as one. Batch normalization counts with the layer before it.

    By default batch normalization does not learn at all: it runs in inference mode,
    with the statistics of the first training, and neither they nor its scale and shift
    change. Weights that were frozen one by one inside of a layer that learns stay
    frozen; so do kernels that `enable_lora` has set aside (while
    `layer.trainable = True` would set them free). Weights that a model holds outside of
    its layers learn with `"all"`, at the rate of the last layer.

    Afterwards the model has the `trainable` flags of the last stage, and is compiled
    with its optimizer; but after a `decay` with a new one that has a single rate, since
    Keras 3.15 saves a `MultiOptimizer` and fails to load it. To train all of it again
    set `model.trainable = False`, then `True` (on TensorFlow an assignment that changes
    nothing does not reach the layers), and compile it.

    Args:
        model: a Keras model with weights, compiled or not.
        x, y: what `fit` takes: arrays, or a data set with both.
        stages: at least one `TuningStage`, in order.
        loss: what `compile` takes.
        optimizer: called with `learning_rate=…`, returns an optimizer: a class, or a
            function around one.
        freeze_batch_norm: False to train batch normalization as in a first training.
        metrics, jit_compile: what `compile` takes.
        **fit_arguments: what else `fit` takes, such as `batch_size`, `verbose`,
            `validation_data`, `callbacks`; not `epochs`.

    Returns:
        What `fit` returned, one `History` a stage.

    Raises:
        TypeError: `model` is no Keras model, a stage no `TuningStage`, or `optimizer`
            makes no optimizer.
        ValueError: the model has no weights, there is no stage, or a stage names an
            unknown layer, more layers than there are, or nothing that can learn.
            Whatever can be told before training is told before the first stage.

    Example:
        >>> import numpy as np
        >>> dense = keras.layers.Dense
        >>> model = keras.Sequential([keras.Input((2,)), dense(3), dense(1)])
        >>> x, y, first = np.ones((8, 2)), np.ones(8), model.layers[0].get_weights()[0]
        >>> stages = [TuningStage(1, num_epochs=2, learning_rate=0.1)]
        >>> histories = fine_tune(model, x, y, stages=stages, loss="mse", verbose=0)
        >>> len(histories[0].history["loss"])
        2
        >>> bool(np.all(model.layers[0].get_weights()[0] == first))
        True

    References:
        Howard and Ruder (2018), arXiv:1801.06146, sections 3.2 and 3.3. There each
        epoch frees one more layer, and the rate rises and falls inside of a stage.
    """
    if not isinstance(model, keras.Model):
        raise TypeError(f"`model` must be a keras.Model, got {model!r}; build one.")
    if not model.weights:
        raise ValueError(
            f"`model` {model.name!r} has no weights to start from; build and train it, "
            "or load it, before."
        )
    stages = list(stages)
    if not stages or not all(isinstance(stage, TuningStage) for stage in stages):
        kind = ValueError if not stages else TypeError
        raise kind(
            f"`stages` must hold at least one TuningStage, got {stages!r}; "
            'pass for example [TuningStage("all", num_epochs=5, learning_rate=1e-4)].'
        )
    if "epochs" in fit_arguments:
        raise ValueError(
            f"`epochs` must not be given, got {fit_arguments['epochs']!r}; each stage "
            "has its `num_epochs`."
        )
    held = held_variables(model)
    units = learning_units(model, held, freeze_batch_norm)
    chosen = [chosen_units(stage, units) for stage in stages]
    histories = []
    for stage, numbers in zip(stages, chosen, strict=True):
        _set_trainable(model, units, numbers, held, freeze_batch_norm, stage)
        made = _optimizer(optimizer, stage, units, numbers)
        model.compile(made, loss, metrics=metrics, jit_compile=jit_compile)
        fitted = model.fit(x, y, epochs=stage.num_epochs, **fit_arguments)
        histories.append(fitted)
    if isinstance(made, keras.optimizers.MultiOptimizer):
        made = optimizer(learning_rate=stages[-1].learning_rate)
        model.compile(made, loss, metrics=metrics, jit_compile=jit_compile)
        model.optimizer.build(model.trainable_variables)
    return histories


def _set_trainable(
    model: keras.Model,
    units: list[Unit],
    numbers: list[int],
    held: list[keras.Variable],
    freeze_batch_norm: bool,
    stage: TuningStage,
) -> None:
    model.trainable = False  # on TensorFlow setting what is set already does nothing
    model.trainable = True
    for number, unit in enumerate(units):
        for layer in unit:
            layer.trainable = number in numbers
    if freeze_batch_norm:
        for layer in model._flatten_layers():
            if isinstance(layer, BatchNorm):
                layer.trainable = False
    for variable in held:
        variable.trainable = False
    if stage.layers != "all":  # weights outside of layers
        learning = {id(v) for k in numbers for la in units[k] for v in la.weights}
        for variable in model.trainable_variables:
            if id(variable) not in learning:
                variable.trainable = False
    if not model.trainable_variables:
        raise ValueError(
            f"{stage} leaves nothing that can learn in {model.name!r}; choose layers "
            "with weights that are not frozen one by one."
        )


def _optimizer(
    make: Callable[..., keras.optimizers.Optimizer],
    stage: TuningStage,
    units: list[Unit],
    numbers: list[int],
) -> keras.optimizers.Optimizer:
    """One optimizer for all, or with a decay one for each layer."""
    rates = [stage.learning_rate * stage.decay**number for number in numbers]
    if not callable(make) or not isinstance(
        whole := make(learning_rate=stage.learning_rate), keras.optimizers.Optimizer
    ):
        raise TypeError(
            "`optimizer` must return a Keras optimizer when it is called with "
            f"`learning_rate=…`, got {make!r}; pass keras.optimizers.Adam or the like."
        )
    if stage.decay == 1.0:
        return whole
    by_path: dict[str, keras.optimizers.Optimizer] = {}
    for number, rate in zip(numbers, rates, strict=True):
        made = make(learning_rate=rate)
        for layer in units[number]:
            for variable in layer.trainable_variables:
                if by_path.get(variable.path, made) is not made:
                    raise ValueError(
                        f"`decay` needs layers of different names, got two with the "
                        f"variable {variable.path!r}; name them apart."
                    )
                by_path[variable.path] = made
    return keras.optimizers.MultiOptimizer(
        keras.optimizers.OptimizerMap(whole, by_path)
    )

"""Stages of fine-tuning: which layers of a model learn, and at which rates.

Chapter: structure/fine-tuning
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras

from aiarch.optimizers.rules import check_number

BatchNorm = keras.layers.BatchNormalization
# Layers that learn together: one with weights, and the normalization after it.
Unit = list[keras.layers.Layer]
_BASES = ("kernel", "embeddings")  # what `enable_lora` sets aside


@dataclass(frozen=True)
class TuningStage:
    """One stage of fine-tuning: who learns, for how long, and how fast.

    Equation (5), `eq-ft-rates`: of the layers with weights, counted from the output,
    the first has the rate `learning_rate`, and each further one `decay` times the rate
    of the one above it, whether that one learns in this stage or not.

    Args:
        layers: `"all"`; how many layers with weights, counted from the output; or a
            sequence of names of layers.
        num_epochs: how many epochs, at least 1.
        learning_rate: the rate of the last layer, positive.
        decay: factor from one layer to the one below, in (0, 1]; 1 is one rate for
            all, and 1/2.6 is what Howard and Ruder use.

    Raises:
        TypeError: an argument has the wrong type.
        ValueError: an argument is outside its range, or names no layer.

    Example:
        >>> TuningStage(2, num_epochs=5, learning_rate=1e-3).decay
        1.0
    """

    layers: str | int | Sequence[str]
    num_epochs: int
    learning_rate: float
    decay: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what no training could follow."""
        check_number("learning_rate", self.learning_rate, 0.0, float("inf"))
        check_number("decay", self.decay, 0.0, 1.0)
        for name in ("learning_rate", "decay"):
            if getattr(self, name) == 0:
                raise ValueError(
                    f"`{name}` must be above 0, got 0; leave a layer that is not to "
                    "learn out of `layers`."
                )
        _check_count("num_epochs", self.num_epochs)
        if isinstance(self.layers, str):
            if self.layers != "all":
                raise ValueError(
                    f"`layers` must be 'all', a number or a sequence of names, got "
                    f"{self.layers!r}; put a single name into a list."
                )
        elif isinstance(self.layers, Sequence):
            if not self.layers or not all(isinstance(n, str) for n in self.layers):
                raise ValueError(
                    f"`layers` must hold names of layers, at least one, got "
                    f"{self.layers!r}."
                )
        else:
            _check_count("layers", self.layers)


def held_variables(model: keras.Model) -> list[keras.Variable]:
    """Weights that do not learn although their layer does; they stay as they are."""
    held = []
    for layer in model._flatten_layers():
        if layer.trainable and not isinstance(layer, keras.Model):
            held += [v for v in layer.weights if not v.trainable]
        if getattr(layer, "lora_enabled", False):
            held += [v for v in layer.weights if v.name in _BASES]
    return held


def _flat_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """Layers in order, those of models inside in place of these models."""
    found = []
    for layer in model.layers:
        inside = isinstance(layer, keras.Model)
        found += _flat_layers(layer) if inside else [layer]
    return found


def learning_units(
    model: keras.Model, held: list[keras.Variable], freeze_batch_norm: bool
) -> list[Unit]:
    """Layers that can learn, from the output down, each with its normalization."""
    never = {id(v) for v in held}
    units: list[Unit] = []
    for layer in _flat_layers(model):
        normalizes = isinstance(layer, BatchNorm)
        if normalizes and freeze_batch_norm:
            continue
        if normalizes and units:
            units[-1].append(layer)
        elif any(id(v) not in never for v in layer.weights):
            units.append([layer])
    return units[::-1]


def chosen_units(stage: TuningStage, units: list[Unit]) -> list[int]:
    """Numbers of the units that learn in a stage."""
    names = [unit[0].name for unit in units]
    if stage.layers == "all":
        return list(range(len(units)))
    if isinstance(stage.layers, int):
        if stage.layers > len(units):
            raise ValueError(
                f"`layers` must be at most {len(units)}, got {stage.layers}; these "
                f"can learn, from the output down: {names}."
            )
        return list(range(stage.layers))
    unknown = sorted(set(stage.layers) - set(names))
    if unknown:
        raise ValueError(
            f"`layers` names {unknown}, which cannot learn or do not exist; these can, "
            f"from the output down: {names}."
        )
    return [number for number, name in enumerate(names) if name in stage.layers]


def _check_count(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        accepted = "an integer of at least 1"
        raise ValueError(f"`{name}` must be {accepted}, got {value!r}; pass one.")

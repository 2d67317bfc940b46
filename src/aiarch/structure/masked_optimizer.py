"""An optimizer that carries another one and keeps pruned weights at zero.

Chapter: structure/pruning
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from aiarch.structure.magnitude_masks import check_settings
from aiarch.structure.mask_updates import prune_counts, updated_masks

Tensor = Any


@keras.saving.register_keras_serializable(package="aiarch")
class MaskedOptimizer(keras.optimizers.Optimizer):
    """Let an optimizer step, then set what is pruned to zero, in one compiled step.

    Equation (9), `eq-pr-masked-step`. The masks are variables of this optimizer, so
    every backend carries them through its compiled step, and a checkpoint holds them.
    In each of the steps in `steps` the mask is new, as `magnitude_mask` makes it of the
    weights that the step finds. It is made at the end of the step before (for the first
    step by `build`), so that no step has to keep its old weights, and is applied in the
    same pass over memory as the update. What is pruned stays pruned. Weights that are
    zero when the optimizer is built count as pruned, unless the whole array is zero.
    Averages of the weights (`use_ema`) are masked with them.

    Learning rate, iterations and slots are the inner optimizer's. `Pruning` puts this
    optimizer around the one of a model and takes it away again; use it directly in a
    loop of your own.

    Args:
        inner_optimizer: any Keras optimizer.
        targets: for each array to prune, its position among the variables that the
            optimizer is built with, and how many of its last axes number its output
            channels: `[(0, 1), (2, 1)]`.
        steps: numbers of the steps in which the masks are updated, ascending, from 1;
            0 is before the first. With accumulation of gradients every batch counts.
        sparsities: for each of these steps the share to prune, in [0, 1).
        scope: `"layer"` or `"global"`, as in `magnitude_mask`.
        granularity: `"weight"`, `"channel"` or `"2:4"`, as in `magnitude_mask`.
        name: name of the optimizer.

    Raises:
        TypeError: `inner_optimizer` is no Keras optimizer.
        ValueError: an argument is outside its range, or there is nothing to prune.
        RuntimeError: it is built inside a compiled function.

    Example:
        >>> weight = keras.Variable([1.0, -2.0, 3.0, -4.0])
        >>> inner = keras.optimizers.SGD(0.5)
        >>> optimizer = MaskedOptimizer(inner, [(0, 1)], steps=[1], sparsities=[0.5])
        >>> optimizer.build([weight])
        >>> for _ in range(2):
        ...     optimizer.apply([ops.convert_to_tensor([1.0, 1.0, 1.0, 1.0])], [weight])
        >>> ops.convert_to_numpy(weight)
        array([ 0.,  0.,  2., -5.], dtype=float32)
    """

    def __init__(
        self,
        inner_optimizer: keras.optimizers.Optimizer,
        targets: Sequence[tuple[int, int]],
        steps: Sequence[int],
        sparsities: Sequence[float],
        scope: str = "layer",
        granularity: str = "weight",
        name: str | None = None,
    ):
        if not isinstance(inner_optimizer, keras.optimizers.Optimizer):
            raise TypeError(
                f"`inner_optimizer` must be a Keras optimizer, got {inner_optimizer!r};"
                " pass keras.optimizers.Adam() or the like."
            )
        steps, sparsities = list(steps), list(sparsities)
        if not steps or steps != sorted(set(steps)) or len(steps) != len(sparsities):
            raise ValueError(
                "`steps` must be ascending, as many as `sparsities` and at least one, "
                f"got {steps} and {sparsities}; pass for example [0] and [0.5]."
            )
        if not targets:
            raise ValueError("`targets` must name at least one array, got none.")
        for value in sparsities:
            check_settings(value, granularity, scope)
        super().__init__(learning_rate=0.0, name=name)
        self.inner_optimizer = inner_optimizer
        self.targets = tuple((int(index), int(axes)) for index, axes in targets)
        self.steps = tuple(int(step) for step in steps)
        self.sparsities = tuple(float(value) for value in sparsities)
        self.scope = scope
        self.granularity = granularity

    def build(self, variables: list[keras.Variable]) -> None:
        """Make the masks, prune what step 0 asks for, build the inner optimizer."""
        if self.built:
            return
        _refuse_tracing()
        if max(index for index, _ in self.targets) >= len(variables):
            raise ValueError(
                f"`targets` must be positions among {len(variables)} variables, got "
                f"{self.targets}; build the optimizer with the variables they mean."
            )
        if not self.inner_optimizer.built:
            self.inner_optimizer.build(variables)
        super().build(variables)
        pruned = [variables[index] for index, _ in self.targets]
        self.masks = [
            self.add_variable(v.shape, "ones", "bool", name=f"mask_{v.name}")
            for v in pruned
        ]
        self._counts = prune_counts(
            [tuple(v.shape) for v in pruned],
            self.sparsities,
            granularity=self.granularity,
            scope=self.scope,
            num_channel_axes=[axes for _, axes in self.targets],
        )
        masks = []
        for variable in pruned:
            nonzero = ops.not_equal(variable.value, 0)
            masks.append(ops.logical_or(nonzero, ops.logical_not(ops.any(nonzero))))
        masks = self._masks_of(0, pruned, masks)
        for variable, mask in zip(pruned, masks, strict=True):
            variable.assign(_masked(variable.value, mask))
        self._assign_masks(self._masks_of(1, pruned, masks))

    def _masks_of(self, step: Tensor, weights: list, masks: list) -> list[Tensor]:
        """Return the masks of a step: new ones if it is one of `steps`."""
        step = ops.cast(step, "int32")
        steps = ops.convert_to_tensor(np.array(self.steps, "int32"))

        def update() -> list[Tensor]:
            row = ops.sum(ops.cast(steps < step, "int32"))
            return updated_masks(
                [ops.convert_to_tensor(weight) for weight in weights],
                masks,
                ops.take(ops.convert_to_tensor(self._counts), row, axis=0),
                granularity=self.granularity,
                scope=self.scope,
                num_channel_axes=[axes for _, axes in self.targets],
            )

        return ops.cond(ops.any(steps == step), update, lambda: list(masks))

    def _assign_masks(self, masks: list) -> None:
        for mask, new in zip(self.masks, masks, strict=True):
            mask.assign(new)

    def _averages(self) -> list:
        """Averages of all variables that some optimizer inside keeps; None without."""
        optimizer = self.inner_optimizer
        while hasattr(optimizer, "inner_optimizer"):
            optimizer = optimizer.inner_optimizer
        averages = getattr(optimizer, "_model_variables_moving_average", None)
        averages = averages or [None] * len(self._trainable_variables)
        return [averages[index] for index, _ in self.targets]

    def apply(self, grads: list, trainable_variables: list | None = None) -> None:
        """Take one step; see `keras.optimizers.Optimizer.apply`."""
        if not self.built:
            self.build(list(trainable_variables))
        self._iterations.assign_add(1)
        self.inner_optimizer.apply(grads, trainable_variables)
        pruned = [self._trainable_variables[index] for index, _ in self.targets]
        masks = [ops.convert_to_tensor(mask) for mask in self.masks]
        for variable, average, mask in zip(
            pruned, self._averages(), masks, strict=True
        ):
            variable.assign(_masked(ops.convert_to_tensor(variable), mask))
            if average is not None:
                average.assign(_masked(ops.convert_to_tensor(average), mask))
        next_step = ops.convert_to_tensor(self._iterations) + 1
        self._assign_masks(self._masks_of(next_step, pruned, masks))

    def stateless_apply(
        self, optimizer_variables: list, grads: list, trainable_variables: list
    ) -> tuple[list, list]:
        """Take one step without changing anything: how JAX steps."""
        mine, theirs = len(self._variables), self.inner_optimizer.variables
        slots = [ops.convert_to_tensor(value) for value in optimizer_variables]
        where = {id(variable): k for k, variable in enumerate(self.variables)}
        if len(slots) != mine + len(theirs):
            raise ValueError("`optimizer_variables` must be those of `variables`.")
        step = where[id(self._iterations)]
        slots[step] = slots[step] + 1
        weights, inner = self.inner_optimizer.stateless_apply(
            slots[mine:], grads, trainable_variables
        )
        weights, slots = list(weights), slots[:mine] + list(inner)
        places = [where[id(mask)] for mask in self.masks]
        masks = [slots[place] for place in places]
        for (index, _), average, mask in zip(
            self.targets, self._averages(), masks, strict=True
        ):
            weights[index] = _masked(weights[index], mask)
            if average is not None:
                place = where[id(average)]
                slots[place] = _masked(slots[place], mask)
        pruned = [weights[index] for index, _ in self.targets]
        masks = self._masks_of(slots[step] + 1, pruned, masks)
        for place, mask in zip(places, masks, strict=True):
            slots[place] = mask
        return weights, slots

    @property
    def variables(self) -> list[keras.Variable]:
        """Own variables, the masks among them, then the inner optimizer's."""
        return self._variables + self.inner_optimizer.variables

    @property
    def num_steps(self) -> int:
        """Number of steps taken since the optimizer was built."""
        return int(ops.convert_to_numpy(self._iterations))

    @property
    def iterations(self) -> Any:
        """The inner optimizer's number of steps."""
        return self.inner_optimizer.iterations

    @property
    def learning_rate(self) -> Any:
        """The inner optimizer's learning rate."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        self.inner_optimizer.learning_rate = learning_rate

    def scale_loss(self, loss: Tensor) -> Tensor:
        """Scale the loss as the inner optimizer does."""
        return self.inner_optimizer.scale_loss(loss)

    def finalize_variable_values(self, var_list: list) -> None:
        """Put averages into the weights, if the inner optimizer keeps averages."""
        self.inner_optimizer.finalize_variable_values(var_list)

    def settings(self) -> dict[str, Any]:
        """Return what is pruned, when and how."""
        names = ("targets", "steps", "sparsities", "scope", "granularity")
        return {name: getattr(self, name) for name in names}

    def get_config(self) -> dict[str, Any]:
        """Return the settings, the inner optimizer among them."""
        inner = keras.saving.serialize_keras_object(self.inner_optimizer)
        return {"name": self.name, "inner_optimizer": inner, **self.settings()}

    @classmethod
    def from_config(cls, config: dict, custom_objects: Any = None) -> MaskedOptimizer:
        """Make the optimizer, and the one inside, from what `get_config` returned."""
        inner = keras.saving.deserialize_keras_object(
            config["inner_optimizer"], custom_objects=custom_objects
        )
        return cls(**{**config, "inner_optimizer": inner})


def _masked(value: Tensor, mask: Tensor) -> Tensor:
    return ops.where(mask, value, ops.zeros((), value.dtype))


def _refuse_tracing() -> None:
    if keras.backend.backend() != "tensorflow":
        return
    import tensorflow as tf

    if not tf.executing_eagerly():
        raise RuntimeError(
            "MaskedOptimizer must be built outside of a tf.function; call "
            "optimizer.build(model.trainable_variables) before."
        )

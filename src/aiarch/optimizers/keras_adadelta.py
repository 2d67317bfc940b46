"""AdaDelta as a Keras optimizer.

Chapter: optimizers/adadelta
"""

from __future__ import annotations

from typing import Any

import keras
from keras import Variable, ops

from aiarch.optimizers.keras_checks import Rate, checked_number, checked_rate, matched


@keras.saving.register_keras_serializable(package="aiarch")
class Adadelta(keras.optimizers.Optimizer):
    """Make each step as long as past steps, in units of past gradients.

    The rule beside it is `adadelta`, Equation (3), `eq-adelta-step`:
    `v ← ρ v + (1-ρ) g²`, then `d = -√(e + ε) / √(v + ε) g`, `e ← ρ e + (1-ρ) d²` and
    `params ← params + η d`.

    Arguments, defaults and results are those of `keras.optimizers.Adadelta`; gradients
    that are not finite and rates that change later are treated as by `SGD`. Zeiler has
    no learning rate (η = 1) and ε = 1e-6: with Keras's defaults, η = 0.001 and
    ε = 1e-7, training hardly moves.

    Args:
        learning_rate: factor η on each step, at least 0; or a Keras schedule, or a
            callable without arguments.
        rho: decay rate ρ, in [0, 1).
        epsilon: ε, above 0: without it no step is ever made.
        **kwargs: what every Keras optimizer takes, as listed at `SGD`.

    Raises:
        TypeError: a setting is not a number.
        ValueError: a setting is outside its range, or a gradient's shape is not that
            of its variable.

    Example:
        >>> weight = keras.Variable([1.0])
        >>> optimizer = Adadelta(1.0, rho=0.0, epsilon=1.0)
        >>> optimizer.apply([ops.convert_to_tensor([0.75])], [weight])
        >>> ops.convert_to_numpy(weight).round(6)
        array([0.4], dtype=float32)

    References:
        Zeiler (2012), arXiv:1212.5701, Algorithm 1.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        **kwargs: Any,
    ):
        super().__init__(checked_rate(learning_rate, kwargs), **kwargs)
        self.rho = checked_number("rho", rho, high=1.0, below=True)
        self.epsilon = checked_number("epsilon", epsilon)
        if not self.epsilon:
            raise ValueError(
                "`epsilon` must be above 0, got 0: the first change would be 0 and so "
                "would all after it; pass 1e-6, the paper's."
            )

    def build(self, variables: list[Variable]) -> None:
        """Make the averages of squared gradients and of squared steps."""
        if self.built:
            return
        super().build(variables)
        self._accumulated_grads, self._accumulated_delta_vars = (
            self.add_optimizer_variables(
                variables, ["accumulated_grad", "accumulated_delta_var"]
            )
        )

    def update_step(
        self, gradient: Any, variable: Variable, learning_rate: Any
    ) -> None:
        """Change one variable and its two averages by one gradient."""
        gradient, rate = matched(gradient, variable, learning_rate)
        index = self._get_variable_index(variable)
        # Converted here, since Keras would convert numbers by way of float32.
        rho = ops.convert_to_tensor(self.rho, variable.dtype)
        rest = ops.convert_to_tensor(1 - self.rho, variable.dtype)
        v = self._accumulated_grads[index]
        e = self._accumulated_delta_vars[index]
        square = ops.multiply(rest, ops.square(gradient))
        self.assign(v, ops.add(ops.multiply(rho, v), square))
        past = ops.multiply(ops.sqrt(ops.add(e, self.epsilon)), gradient)
        d = ops.divide(past, ops.sqrt(ops.add(v, self.epsilon)))  # minus the change
        square = ops.multiply(rest, ops.square(d))
        self.assign(e, ops.add(ops.multiply(rho, e), square))
        self.assign_sub(variable, ops.multiply(rate, d))

    def get_config(self) -> dict[str, Any]:
        """Return the settings, from which `from_config` makes the same optimizer."""
        return {**super().get_config(), "rho": self.rho, "epsilon": self.epsilon}

"""AdaGrad and RMSprop as Keras optimizers.

Chapter: optimizers/adaptive
"""

from __future__ import annotations

from typing import Any

import keras
from keras import Variable, ops

from aiarch.optimizers.keras_checks import Rate, checked_number, checked_rate, matched
from aiarch.optimizers.rules import check_bool


@keras.saving.register_keras_serializable(package="aiarch")
class Adagrad(keras.optimizers.Optimizer):
    """Divide each step by the root of the sum of all squared gradients so far.

    Equation (4), `eq-ad-adagrad`, as the rule `adagrad`: `G ← G + g²`, then
    `params ← params - η g / √(G + ε)`, entry by entry. Arguments, defaults and results
    are those of `keras.optimizers.Adagrad`; gradients that are not finite and rates
    that change later are treated as by `SGD`. Duchi, Hazan and Singer start G at 0.

    Args:
        learning_rate: step size η, at least 0; or a Keras schedule, or a callable
            without arguments.
        initial_accumulator_value: first value of every G, at least 0.
        epsilon: ε, at least 0, inside the root.
        **kwargs: what every Keras optimizer takes, as listed at `SGD`.

    Raises:
        TypeError: a setting is not a number.
        ValueError: a setting is outside its range, or a gradient's shape is not that
            of its variable.

    Example:
        >>> weight = keras.Variable([1.0, 2.0])
        >>> optimizer = Adagrad(0.5, initial_accumulator_value=0.0, epsilon=0.0)
        >>> optimizer.apply([ops.convert_to_tensor([8.0, -0.5])], [weight])
        >>> ops.convert_to_numpy(weight)
        array([0.5, 2.5], dtype=float32)

    References:
        Duchi, Hazan and Singer (2011), JMLR 12, 2121–2159: the diagonal variant.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **kwargs: Any,
    ):
        super().__init__(checked_rate(learning_rate, kwargs), **kwargs)
        self.initial_accumulator_value = checked_number(
            "initial_accumulator_value", initial_accumulator_value
        )
        self.epsilon = checked_number("epsilon", epsilon)

    def build(self, variables: list[Variable]) -> None:
        """Make an accumulator for each variable."""
        if self.built:
            return
        super().build(variables)
        first = keras.initializers.Constant(self.initial_accumulator_value)
        self._accumulators = self.add_optimizer_variables(
            variables, "accumulator", initializer=first
        )

    def update_step(
        self, gradient: Any, variable: Variable, learning_rate: Any
    ) -> None:
        """Change one variable and its accumulator by one gradient."""
        gradient, rate = matched(gradient, variable, learning_rate)
        accumulator = self._accumulators[self._get_variable_index(variable)]
        self.assign_add(accumulator, ops.square(gradient))
        root = ops.sqrt(ops.add(accumulator, self.epsilon))
        self.assign_sub(variable, ops.divide(ops.multiply(rate, gradient), root))

    def get_config(self) -> dict[str, Any]:
        """Return the settings, from which `from_config` makes the same optimizer."""
        return {
            **super().get_config(),
            "initial_accumulator_value": self.initial_accumulator_value,
            "epsilon": self.epsilon,
        }


@keras.saving.register_keras_serializable(package="aiarch")
class RMSprop(keras.optimizers.Optimizer):
    """Divide each step by the root of a moving average of squared gradients.

    Equation (8), `eq-ad-rmsprop`, as the rule `rmsprop`: `v ← ρ v + (1-ρ) g²`, then
    `params ← params - η g / √(v + ε)`. With `centered`, a moving average a of g is
    kept too and the root is `√(v - a² + ε)`. With momentum β, `u ← β u + η g / √…` and
    `params ← params - u`. Arguments, defaults and results are those of
    `keras.optimizers.RMSprop`; gradients that are not finite and rates that change
    later are treated as by `SGD`.

    Args:
        learning_rate: step size η, at least 0; or a Keras schedule, or a callable
            without arguments.
        rho: decay rate ρ, in [0, 1).
        momentum: share β of the velocity that is kept, in [0, 1].
        epsilon: ε, at least 0, inside the root.
        centered: whether to divide by an estimate of the gradient's standard deviation.
            For gradients that hardly change, `v - a²` is a rounding error, and in
            float32 it can be below -ε: the weights become nan, as Keras's do. A larger
            ε prevents it.
        **kwargs: what every Keras optimizer takes, as listed at `SGD`.

    Raises:
        TypeError: a setting is not a number (or, for `centered`, not a bool).
        ValueError: a setting is outside its range, or a gradient's shape is not that
            of its variable.

    Example:
        >>> weight = keras.Variable([1.0, 2.0])
        >>> optimizer = RMSprop(0.25, rho=0.75, epsilon=0.0)
        >>> optimizer.apply([ops.convert_to_tensor([8.0, -0.5])], [weight])
        >>> ops.convert_to_numpy(weight)
        array([0.5, 2.5], dtype=float32)

    References:
        Tieleman and Hinton (2012), Coursera, Neural Networks for Machine Learning,
        lecture 6.5; centred by Graves (2013), arXiv:1308.0850, (38) to (45) there.
    """

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **kwargs: Any,
    ):
        super().__init__(checked_rate(learning_rate, kwargs), **kwargs)
        check_bool("centered", centered, "True also keeps an average of the gradient")
        self.rho = checked_number("rho", rho, high=1.0, below=True)
        self.momentum = checked_number("momentum", momentum, high=1.0)
        self.epsilon = checked_number("epsilon", epsilon)
        self.centered = centered

    def build(self, variables: list[Variable]) -> None:
        """Make the moving averages, and a velocity if there is momentum."""
        if self.built:
            return
        super().build(variables)
        self._velocities = self.add_optimizer_variables(variables, "velocity")
        self._momentums, self._average_gradients = [], []
        if self.momentum:
            self._momentums = self.add_optimizer_variables(variables, "momentum")
        if self.centered:
            self._average_gradients = self.add_optimizer_variables(
                variables, "average_gradient"
            )

    def update_step(
        self, gradient: Any, variable: Variable, learning_rate: Any
    ) -> None:
        """Change one variable and its averages by one gradient."""
        gradient, rate = matched(gradient, variable, learning_rate)
        index = self._get_variable_index(variable)
        # Converted here, since Keras would convert numbers by way of float32.
        rho = ops.convert_to_tensor(self.rho, variable.dtype)
        rest = ops.convert_to_tensor(1 - self.rho, variable.dtype)
        v = self._velocities[index]
        square = ops.multiply(rest, ops.square(gradient))
        self.assign(v, ops.add(ops.multiply(rho, v), square))
        spread = v
        if self.centered:
            a = self._average_gradients[index]
            share = ops.multiply(rest, gradient)
            self.assign(a, ops.add(ops.multiply(rho, a), share))
            spread = ops.subtract(v, ops.square(a))
        root = ops.sqrt(ops.add(spread, self.epsilon))
        step = ops.divide(ops.multiply(rate, gradient), root)
        if self.momentum:
            u = self._momentums[index]
            momentum = ops.convert_to_tensor(self.momentum, variable.dtype)
            self.assign(u, ops.add(ops.multiply(momentum, u), step))
            self.assign_sub(variable, u)
        else:
            self.assign_sub(variable, step)

    def get_config(self) -> dict[str, Any]:
        """Return the settings, from which `from_config` makes the same optimizer."""
        return {
            **super().get_config(),
            "rho": self.rho,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            "centered": self.centered,
        }

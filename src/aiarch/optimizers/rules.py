"""Update rules in NumPy: what an optimizer does with one gradient.

A rule is a small frozen object without state of its own. `init` makes the state that
belongs to given parameters, `step` returns new parameters and new state and changes
nothing in place. Everything is float64, so a rule is the yardstick against which the
Keras, PyTorch and Optax optimizers are compared.

Chapter: optimizers/gradient-descent
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
State = dict[str, Array]


class Rule(Protocol):
    """What every update rule offers: `init` and `step`."""

    def init(self, params: ArrayLike) -> State:
        """Return the state before the first step."""

    def step(
        self, params: ArrayLike, gradient: ArrayLike, state: State
    ) -> tuple[Array, State]:
        """Return the parameters and the state after one step."""


def sgd(
    learning_rate: float = 0.01, momentum: float = 0.0, nesterov: bool = False
) -> Rule:
    """Make the rule of (stochastic) gradient descent, with Keras's names and defaults.

    Without momentum one step is Equation (1), `eq-gd-update`:
    `params - learning_rate * gradient`. The rule does not know where the gradient
    comes from: with the gradient of all the data it is gradient descent, with that of
    a random batch it is stochastic gradient descent.

    With momentum β the state holds a velocity u, zero at first, and
    `u ← β u - learning_rate * gradient`, then `params ← params + u`; with `nesterov`,
    `params ← params + β u - learning_rate * gradient` with the new u.

    Args:
        learning_rate: step size η, at least 0 and finite.
        momentum: share β of the velocity that is kept, in [0, 1].
        nesterov: whether to look ahead along the velocity; without effect at
            `momentum=0`, as in Keras.

    Returns:
        A rule with `init(params) -> state` and
        `step(params, gradient, state) -> (params, state)`. Parameters are float64
        arrays of any shape; the gradient has the same shape.

    Raises:
        TypeError: an argument is not a number (or, for `nesterov`, not a bool).
        ValueError: an argument is outside its range.

    Example:
        >>> rule = sgd(learning_rate=0.1)
        >>> state = rule.init([1.0, 2.0])
        >>> params, state = rule.step([1.0, 2.0], [10.0, -10.0], state)
        >>> params
        array([0., 3.])

    References:
        Polyak (1964), doi:10.1016/0041-5553(64)90137-5, for the momentum.
    """
    return _SGD(learning_rate, momentum, nesterov)


@dataclass(frozen=True)
class _SGD:
    learning_rate: float = 0.01
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        check_number("learning_rate", self.learning_rate, 0.0, math.inf)
        check_number("momentum", self.momentum, 0.0, 1.0)
        if not isinstance(self.nesterov, bool):
            raise TypeError(
                f"`nesterov` must be True or False, got {self.nesterov!r}; "
                "the share of the velocity is given by `momentum`."
            )

    def init(self, params: ArrayLike) -> State:
        """Return the state before the first step: a velocity of zeros, if any."""
        params = as_float64("params", params)
        return {"velocity": np.zeros_like(params)} if self.momentum else {}

    def step(
        self, params: ArrayLike, gradient: ArrayLike, state: State
    ) -> tuple[Array, State]:
        """Return the parameters and the state after one step."""
        params, gradient = check_step(params, gradient, state, self.init(params))
        if not self.momentum:
            return params - self.learning_rate * gradient, {}
        velocity = self.momentum * state["velocity"] - self.learning_rate * gradient
        if self.nesterov:
            params = params + self.momentum * velocity - self.learning_rate * gradient
        else:
            params = params + velocity
        return params, {"velocity": velocity}


def check_number(name: str, value: float, low: float, high: float) -> None:
    """Raise unless `value`, called `name`, is a finite number in [low, high]."""
    if isinstance(value, bool) or not isinstance(
        value, (int, float, np.integer, np.floating)
    ):
        raise TypeError(
            f"`{name}` must be a number, got {value!r} of type "
            f"{type(value).__name__}; pass an int or a float."
        )
    if not (math.isfinite(value) and low <= value <= high):
        end = "∞)" if math.isinf(high) else f"{high:g}]"
        raise ValueError(
            f"`{name}` must be a finite number in [{low:g}, {end}, got {value!r}; "
            "pass a value in that range."
        )


def as_float64(name: str, value: ArrayLike) -> Array:
    """Return `value` as a new or shared float64 array, refusing what is not real."""
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise TypeError(
            f"`{name}` must hold real numbers, got dtype {array.dtype}; "
            "convert it to a float array first."
        )
    return array.astype(np.float64, copy=False)


def check_step(
    params: ArrayLike, gradient: ArrayLike, state: State, fresh: State
) -> tuple[Array, Array]:
    """Return both as float64; raise unless gradient and state fit the parameters.

    `fresh` is the state that `init` makes for these parameters: `state` must have its
    keys and shapes.
    """
    params = as_float64("params", params)
    gradient = as_float64("gradient", gradient)
    if gradient.shape != params.shape:
        raise ValueError(
            f"`gradient` must have the shape of `params`, {params.shape}, got "
            f"{gradient.shape}; a sum or a transpose is probably missing."
        )
    if not isinstance(state, dict):
        raise TypeError(
            f"`state` must be a dict, got {type(state).__name__}; "
            "start from `rule.init(params)` and pass on what `step` returns."
        )
    expected = {key: array.shape for key, array in fresh.items()}
    received = {key: getattr(a, "shape", None) for key, a in state.items()}
    if received != expected:
        raise ValueError(
            f"`state` must hold {expected}, got {received}; "
            "start from `rule.init(params)` and pass on what `step` returns."
        )
    return params, gradient

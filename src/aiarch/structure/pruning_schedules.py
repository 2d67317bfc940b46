"""How sparse a net is to be at each step of its training.

Chapter: structure/pruning
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aiarch.optimizers.rules import check_number
from aiarch.optimizers.schedules import check_int

Schedule = Callable[[int], float]


@dataclass(frozen=True)
class ConstantSchedule:
    """Prune once, to one sparsity, and keep it.

    Args:
        sparsity: share of the weights that is zero from then on, in [0, 1).
        begin_step: number of training steps before; at 0 the weights are pruned
            before the first step.

    Raises:
        TypeError: an argument is not a number.
        ValueError: an argument is outside its range.

    Example:
        >>> schedule = ConstantSchedule(0.5, begin_step=100)
        >>> schedule(99), schedule(100)
        (0.0, 0.5)
    """

    sparsity: float
    begin_step: int = 0

    def __post_init__(self) -> None:
        check_number("sparsity", self.sparsity, 0.0, 1.0, below=True)
        check_int("begin_step", self.begin_step, smallest=0)

    @property
    def end_step(self) -> int:
        """The step at which the sparsity is reached: `begin_step`."""
        return self.begin_step

    def __call__(self, step: int) -> float:
        """Return the sparsity after `step` steps."""
        return float(self.sparsity) if step >= self.begin_step else 0.0


@dataclass(frozen=True)
class PolynomialSchedule:
    """Raise the sparsity fast at first, then ever more slowly.

    Equation (8), `eq-pr-cubic`, with the exponent 3. It is 0 before `begin_step`.

    Args:
        initial_sparsity: sparsity at `begin_step`, in [0, 1).
        final_sparsity: sparsity from `end_step` on, in [0, 1), at least the initial.
        begin_step: step of the first pruning, at least 0.
        end_step: step at which the final sparsity is reached, at least `begin_step`.
        power: exponent, positive; 1 is a straight line.

    Raises:
        TypeError: an argument is not a number.
        ValueError: an argument is outside its range, or the schedule ends before it
            begins, in steps or in sparsity.

    Example:
        >>> schedule = PolynomialSchedule(0.0, 0.8, begin_step=0, end_step=100)
        >>> [round(schedule(step), 3) for step in (0, 25, 50, 100, 200)]
        [0.0, 0.463, 0.7, 0.8, 0.8]

    References:
        Zhu and Gupta (2017), arXiv:1710.01878, equation (1), with power 3.
    """

    initial_sparsity: float
    final_sparsity: float
    begin_step: int
    end_step: int
    power: float = 3

    def __post_init__(self) -> None:
        for name in ("initial_sparsity", "final_sparsity"):
            check_number(name, getattr(self, name), 0.0, 1.0, below=True)
        check_int("begin_step", self.begin_step, smallest=0)
        check_int("end_step", self.end_step, smallest=0)
        check_number("power", self.power, 0.0, float("inf"))
        if self.power == 0:
            raise ValueError("`power` must be positive, got 0; pass 3.")
        if self.end_step < self.begin_step:
            raise ValueError(
                f"`end_step` must be at least `begin_step`, got {self.end_step} after "
                f"{self.begin_step}; a schedule cannot end before it begins."
            )
        if self.final_sparsity < self.initial_sparsity:
            raise ValueError(
                f"`final_sparsity` must be at least `initial_sparsity`, got "
                f"{self.final_sparsity} after {self.initial_sparsity}; what is pruned "
                "does not come back."
            )

    def __call__(self, step: int) -> float:
        """Return the sparsity after `step` steps."""
        if step < self.begin_step:
            return 0.0
        if step >= self.end_step:
            return float(self.final_sparsity)
        left = (self.end_step - step) / (self.end_step - self.begin_step)
        change = self.initial_sparsity - self.final_sparsity
        return float(self.final_sparsity + change * left**self.power)


def update_steps(schedule: Schedule, frequency: int) -> list[int]:
    """Return the steps at which the masks are made anew.

    They are `begin_step`, every `frequency` steps after it, and `end_step`.

    Args:
        schedule: a function of the step with attributes `begin_step` and `end_step`.
        frequency: steps between two updates, at least 1.

    Returns:
        The steps in ascending order.

    Raises:
        TypeError: `schedule` is no such function, or `frequency` not an int.
        ValueError: `frequency` is below 1, or the schedule ends before it begins.

    Example:
        >>> update_steps(PolynomialSchedule(0.0, 0.8, 10, 35), frequency=10)
        [10, 20, 30, 35]
    """
    if not (
        callable(schedule)
        and hasattr(schedule, "begin_step")
        and hasattr(schedule, "end_step")
    ):
        raise TypeError(
            f"`schedule` must be a function of the step with `begin_step` and "
            f"`end_step`, got {schedule!r}; pass ConstantSchedule(0.5) or the like."
        )
    check_int("frequency", frequency, smallest=1)
    begin, end = schedule.begin_step, schedule.end_step
    if not 0 <= begin <= end:
        raise ValueError(
            f"`schedule` must begin at 0 or later and not end before, got {begin} to "
            f"{end}; mend its steps."
        )
    return sorted({*range(begin, end, frequency), end})

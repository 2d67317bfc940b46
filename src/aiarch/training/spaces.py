"""Search spaces: what may be chosen, and how a choice is drawn or changed.

Chapter: structure/architecture-search
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Configuration = dict[str, Any]


class Space:
    """Names, each with the values that a configuration may have there.

    Args:
        choices: for each name a sequence of values, or an object with
            `rvs(random_state=…)`, such as a frozen distribution of `scipy.stats`.

    Raises:
        TypeError: `choices` is no mapping, or one of them is neither a sequence nor
            a distribution.
        ValueError: there is no name, or a sequence is empty.

    Example:
        >>> space = Space({"kernel": [3, 5, 7], "pooling": ["mean", "max"]})
        >>> space.size
        6
        >>> space.draw(np.random.default_rng(0))
        {'kernel': 7, 'pooling': 'max'}
    """

    def __init__(self, choices: Mapping[str, Any]):
        if not isinstance(choices, Mapping):
            raise TypeError(
                f"`space` must map names to choices, got {type(choices).__name__}; "
                'pass for example {"kernel": [3, 5]}.'
            )
        if not choices:
            raise ValueError(
                "`space` must have at least one name, got an empty mapping; "
                'pass for example {"kernel": [3, 5]}.'
            )
        self.choices = {name: _checked(name, c) for name, c in choices.items()}
        sizes = {n: _size(c) for n, c in self.choices.items()}  # None: endless
        finite = None not in sizes.values()
        self._sizes = np.array(list(sizes.values())) if finite else None
        self._open = tuple(name for name, size in sizes.items() if size != 1)

    @property
    def size(self) -> int | None:
        """Number of configurations, or None if one entry is a distribution."""
        if self._sizes is None:
            return None
        return math.prod(self._sizes.tolist())

    def draw(self, rng: np.random.Generator) -> Configuration:
        """Draw each entry by itself: uniformly, or from its distribution.

        Args:
            rng: decides what is drawn.

        Returns:
            A new configuration.
        """
        if self._sizes is None:
            return {name: self._draw_entry(name, rng) for name in self.choices}
        places = rng.integers(self._sizes).tolist()  # the same numbers, but faster
        items = zip(self.choices.items(), places, strict=True)
        return {name: _plain(choice[place]) for (name, choice), place in items}

    def place(self, name: str, value: Any) -> int:
        """Return where a value stands among the choices of `name`.

        Raises:
            ValueError: it is none of them.

        Example:
            >>> Space({"kernel": [3, 5, 7]}).place("kernel", 5)
            1
        """
        for place, choice in enumerate(self.choices[name]):
            if _same(choice, value):
                return place
        raise ValueError(
            f"`{name}` must be one of the choices {list(self.choices[name])}, got "
            f"{value!r}; add it to them, or start from one of them."
        )

    def value(self, name: str, place: int) -> Any:
        """Return the choice of `name` that stands at `place`."""
        return _plain(self.choices[name][place])

    def mutate(
        self, configuration: Configuration, rng: np.random.Generator
    ) -> Configuration:
        """Draw one entry anew; a choice always becomes another one.

        Args:
            configuration: the parent, which is not changed.
            rng: decides which entry, and what it becomes.

        Returns:
            A new configuration that differs from `configuration` in one entry.

        Raises:
            ValueError: no entry has a second choice, or the entry to change is none of
                its choices.

        Example:
            >>> space = Space({"kernel": [3, 5], "pooling": ["mean"]})
            >>> space.mutate({"kernel": 3, "pooling": "mean"}, np.random.default_rng(0))
            {'kernel': 5, 'pooling': 'mean'}
        """
        if not self._open:
            raise ValueError(
                "`space` must have an entry with at least two choices, got "
                f"{self.choices}; without one nothing can be mutated."
            )
        name = self._open[rng.integers(len(self._open))]
        choice = self.choices[name]
        if is_distribution(choice):
            return {**configuration, name: self._draw_entry(name, rng)}
        place = self.place(name, configuration[name])
        step = int(rng.integers(1, len(choice)))
        return {**configuration, name: self.value(name, (place + step) % len(choice))}

    def describe(self) -> dict[str, Any]:
        """Return what identifies the space in a journal: plain lists and words."""
        return {name: described(choice) for name, choice in self.choices.items()}

    def _draw_entry(self, name: str, rng: np.random.Generator) -> Any:
        choice = self.choices[name]
        if is_distribution(choice):
            return _plain(choice.rvs(random_state=rng))
        return self.value(name, int(rng.integers(len(choice))))


def as_space(space: Space | Mapping[str, Any]) -> Space:
    """Return `space` as a `Space`, checked."""
    return space if isinstance(space, Space) else Space(space)


def described(value: Any) -> Any:
    """Return a value as JSON can hold it, the same in every process.

    Args:
        value: anything that a configuration or a space may hold.

    Returns:
        Numbers, text, lists and mappings of these.

    Raises:
        TypeError: the value's `repr` holds its address in memory, so that another
            process could not know it again.
    """
    value = _plain(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(name): described(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple | range | np.ndarray):
        return [described(entry) for entry in value]
    if hasattr(value, "dist") and hasattr(value, "args"):  # frozen, of scipy.stats
        return [value.dist.name, described(value.args), described(value.kwds)]
    if hasattr(value, "__qualname__") and "<" not in value.__qualname__:
        return f"{value.__module__}.{value.__qualname__}"
    if " at 0x" in repr(value) or "<lambda>" in repr(value):
        raise TypeError(
            f"a journal cannot identify {value!r}; name choices by text or numbers "
            "and look the object up in `evaluate`."
        )
    return repr(value)


def as_json(value: Any) -> str:
    """Return the text of `described(value)`, by which configurations are compared."""
    return json.dumps(described(value), sort_keys=True)


def _checked(name: str, choice: Any) -> Any:
    if is_distribution(choice):
        return choice
    if isinstance(choice, str | bytes) or not isinstance(choice, Sequence | np.ndarray):
        raise TypeError(
            f"`space[{name!r}]` must be a sequence of choices or have `rvs`, got "
            f"{choice!r}; pass a list, or a distribution of scipy.stats."
        )
    if len(choice) == 0:
        raise ValueError(
            f"`space[{name!r}]` must have at least one choice, got none; add one or "
            "leave the name out."
        )
    return choice


def _size(choice: Any) -> int | None:
    return None if is_distribution(choice) else len(choice)


def is_distribution(choice: Any) -> bool:
    """Whether values are drawn from a choice by its `rvs`."""
    return callable(getattr(choice, "rvs", None))


def _plain(value: Any) -> Any:
    """Unwrap a NumPy scalar."""
    return value.item() if isinstance(value, np.generic) else value


def _same(a: Any, b: Any) -> bool:
    return a is b or (type(_plain(a)) is type(_plain(b)) and bool(np.all(a == b)))

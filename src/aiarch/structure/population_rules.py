"""Rules of population-based training: who copies whom, and how a copy is changed.

Chapter: structure/population-based-training
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from aiarch.training.spaces import Configuration, Space, is_distribution


def truncation(
    scores: Sequence[float], rng: np.random.Generator, *, fraction: float = 0.25
) -> list[int]:
    """Let the worst members copy from the best ones.

    Equation (4), `eq-pbt-truncation`. Members are ranked, of equals the earlier first;
    each of the last copies from one of the first, drawn at random. A member that
    failed always copies, and is never copied.

    Args:
        scores: one for each member, higher is better; -∞ for a member that failed.
        rng: decides from which of the best a member copies.
        fraction: share of the members that copy, and share that may be copied; at
            least one member each, and at most half of them.

    Returns:
        For each member the one that it goes on from: itself, or one of the best.

    Example:
        >>> truncation([3.0, 1.0, 2.0, 4.0], np.random.default_rng(0))
        [0, 3, 2, 3]

    References:
        Jaderberg et al., 2017, arXiv:1711.09846, section 4.1.1, "truncation
        selection", there with a share of 0.2.
    """
    count = min(max(1, round(fraction * len(scores))), len(scores) // 2)
    ranked = sorted(range(len(scores)), key=lambda member: -scores[member])
    best = [member for member in ranked[:count] if scores[member] > -math.inf]
    parents = list(range(len(scores)))
    for member in ranked if best else ():
        if member in ranked[-count:] or scores[member] == -math.inf:
            parents[member] = best[int(rng.integers(len(best)))]
    return parents


def tournament(scores: Sequence[float], rng: np.random.Generator) -> list[int]:
    """Let each member meet another one at random, and copy it if that is better.

    Args:
        scores: one for each member, higher is better; -∞ for a member that failed.
        rng: decides who meets whom.

    Returns:
        For each member the one that it goes on from.

    Example:
        >>> tournament([1.0, 2.0], np.random.default_rng(0))
        [1, 1]

    References:
        Jaderberg et al., 2017, arXiv:1711.09846.
    """
    parents = []
    for member, score in enumerate(scores):
        other = (member + int(rng.integers(1, len(scores)))) % len(scores)
        parents.append(other if scores[other] > score else member)
    return parents


def perturb(
    hyperparameters: Mapping[str, Any],
    space: Space,
    rng: np.random.Generator,
    *,
    factors: Sequence[float] = (0.8, 1.2),
) -> Configuration:
    """Multiply each number by one of the factors, or go to a neighbouring choice.

    Equation (5), `eq-pbt-perturb`. An entry with a distribution is multiplied and kept
    inside the distribution's `support()`; an integer is rounded away from its old
    value. Zero stays zero: draw such entries anew. An entry with a sequence moves one
    place up or down, or stays at the end, so order the choices.

    Args:
        hyperparameters: a value for each name of the space; not changed.
        space: says which entries are distributions.
        rng: decides the factor or direction, for each entry by itself.
        factors: what is chosen from.

    Returns:
        New hyperparameters.

    Raises:
        ValueError: an entry is none of its choices.

    Example:
        >>> space = Space({"batch_size": [16, 32, 64]})
        >>> perturb({"batch_size": 32}, space, np.random.default_rng(0))
        {'batch_size': 64}
    """
    changed = {}
    for name, choice in space.choices.items():
        value = hyperparameters[name]
        place = int(rng.integers(len(factors)))
        if is_distribution(choice):
            changed[name] = _multiplied(value, factors[place], choice)
        else:
            step = 1 if factors[place] > 1 else -1
            there = min(max(space.place(name, value) + step, 0), len(choice) - 1)
            changed[name] = space.value(name, there)
    return changed


def resample(
    hyperparameters: Mapping[str, Any], space: Space, rng: np.random.Generator
) -> Configuration:
    """Draw all hyperparameters anew from the space.

    Args:
        hyperparameters: what the copy came with, which is not used.
        space: what is drawn from.
        rng: decides what is drawn.

    Returns:
        New hyperparameters.

    Example:
        >>> space = Space({"batch_size": [16, 32, 64]})
        >>> resample({"batch_size": 16}, space, np.random.default_rng(0))
        {'batch_size': 64}
    """
    return space.draw(rng)


def _multiplied(value: float, factor: float, distribution: Any) -> float:
    new = value * factor
    if isinstance(value, int):
        new = math.ceil(new) if factor > 1 else math.floor(new)
    if callable(getattr(distribution, "support", None)):
        low, high = distribution.support()
        new = type(value)(min(max(new, low), high))
    return new

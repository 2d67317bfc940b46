"""Masks that keep the weights of largest magnitude, an exact number of them, in NumPy.

Chapter: structure/pruning
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aiarch.optimizers.rules import check_number

GRANULARITIES = ("weight", "channel", "2:4")
SCOPES = ("layer", "global")

Mask = NDArray[np.bool_]


def magnitude_mask(
    weights: Any,
    sparsity: float,
    granularity: str = "weight",
    *,
    scope: str = "global",
    num_channel_axes: int = 1,
) -> Mask | list[Mask]:
    """Return what stays when the weights of smallest magnitude are pruned.

    Equation (6), `eq-pr-magnitude`. Of n candidates exactly `round(sparsity * n)` are
    pruned (Python's `round`: halves go to the even number). Among candidates of equal
    magnitude the one of lower index is pruned first, in C order. A small array can
    lose all of its candidates: 3 weights at sparsity 0.9 lose 3.

    Candidates are single weights; or, with granularity `"channel"`, all weights of one
    output channel together, by their root mean square (within one array the order of
    their L2 norms); or, with `"2:4"`, the weights of each four that follow each other
    along the inputs of one output channel, of which two stay. Inputs beyond the last
    four stay whole.

    Args:
        weights: an array of real numbers, of any shape; or a list of them.
        sparsity: share of the candidates to prune, in [0, 1); 0.5 for `"2:4"`.
        granularity: `"weight"`, `"channel"` or `"2:4"`.
        scope: for a list, whether candidates compete with those of all arrays
            (`"global"`) or of their own array alone (`"layer"`).
        num_channel_axes: how many of the last axes number the output channels: 1 for
            a dense or convolution kernel, 2 for a depthwise kernel.

    Returns:
        A bool array of the same shape, True for what stays; or a list of them.

    Raises:
        TypeError: weights are not real numbers, or `sparsity` is not a number.
        ValueError: an array is empty, holds NaN, has too few axes; or an argument is
            none of the accepted ones.

    Example:
        >>> magnitude_mask(np.array([3.0, -1.0, 2.0, -4.0]), sparsity=0.5)
        array([ True, False, False,  True])
        >>> magnitude_mask([np.array([3.0, -4.0]), np.array([1.0, 2.0])], 0.5)
        [array([ True,  True]), array([False, False])]

    References:
        Han, Pool, Tran and Dally (2015), arXiv:1506.02626 (weights); Li, Kadav,
        Durdanovic, Samet and Graf (2017), arXiv:1608.08710 (channels, there by L1);
        Mishra et al. (2021), arXiv:2104.08378 (2:4).
    """
    check_settings(sparsity, granularity, scope)
    several = isinstance(weights, list | tuple)
    arrays = [
        _checked(a, num_channel_axes) for a in (weights if several else [weights])
    ]
    if not arrays:
        raise ValueError("`weights` must hold at least one array, got none; pass one.")
    if granularity == "2:4":
        masks = [_two_of_four(a, num_channel_axes) for a in arrays]
    else:
        axes = None if granularity == "weight" else num_channel_axes
        scores = [_scores(a, axes) for a in arrays]
        groups = [scores] if scope == "global" else [[score] for score in scores]
        kept = [mask for group in groups for mask in _largest(group, sparsity)]
        masks = [
            np.broadcast_to(mask, a.shape).copy()
            for mask, a in zip(kept, arrays, strict=True)
        ]
    return masks if several else masks[0]


def check_settings(sparsity: float, granularity: str, scope: str) -> None:
    """Raise unless the three fit each other."""
    check_number("sparsity", sparsity, 0.0, 1.0, below=True)
    for name, value, accepted in (
        ("granularity", granularity, GRANULARITIES),
        ("scope", scope, SCOPES),
    ):
        if value not in accepted:
            raise ValueError(
                f"`{name}` must be one of {accepted}, got {value!r}; pass one of them."
            )
    if granularity == "2:4" and sparsity != 0.5:
        raise ValueError(
            f"`sparsity` must be 0.5 with granularity '2:4', got {sparsity!r}; that "
            "pattern prunes two of four, no more and no fewer."
        )


def _checked(array: Any, num_channel_axes: int) -> NDArray:
    array = np.asarray(array)
    if array.dtype.kind not in "fiu" and array.dtype.name != "bfloat16":
        raise TypeError(
            f"`weights` must be real numbers, got dtype {array.dtype}; pass an array "
            "of floats, or a list of arrays."
        )
    if num_channel_axes not in (1, 2) or array.ndim < num_channel_axes:
        raise ValueError(
            f"`num_channel_axes` must be 1 or 2 and at most the number of axes, got "
            f"{num_channel_axes!r} for an array of shape {array.shape}; pass 1."
        )
    if array.size == 0:
        raise ValueError(
            f"`weights` must not be empty, got shape {array.shape}; leave it out."
        )
    wide = array.astype("float64") if array.dtype.kind != "f" else array
    if np.isnan(wide).any():
        raise ValueError(
            f"`weights` must not hold NaN, got {int(np.isnan(wide).sum())} of them; a "
            "training that diverged has no weights to keep."
        )
    return wide


def _scores(array: NDArray, num_channel_axes: int | None) -> NDArray:
    """Magnitude of each candidate; shape (1, ..., channels) for channels."""
    if num_channel_axes is None:
        return np.abs(array)
    axes = tuple(range(array.ndim - num_channel_axes))
    wide = array.astype("float64")
    return np.sqrt(np.mean(wide * wide, axis=axes, keepdims=True))


def _largest(scores: Sequence[NDArray], sparsity: float) -> list[Mask]:
    """Masks that leave out the smallest of all scores, ties in index order."""
    flat = np.concatenate([score.ravel() for score in scores])
    num_pruned = round(sparsity * flat.size)
    kept = np.ones(flat.size, bool)
    if num_pruned:
        threshold = np.partition(flat, num_pruned - 1)[num_pruned - 1]
        kept = flat >= threshold
        ties = np.flatnonzero(flat == threshold)
        kept[ties[: num_pruned - int((~kept).sum())]] = False
    ends = np.cumsum([score.size for score in scores])[:-1]
    parts = np.split(kept, ends)
    return [part.reshape(s.shape) for part, s in zip(parts, scores, strict=True)]


def _two_of_four(array: NDArray, num_channel_axes: int) -> Mask:
    num_channels = int(np.prod(array.shape[array.ndim - num_channel_axes :]))
    rows = np.abs(array).reshape(-1, num_channels)
    whole = len(rows) // 4 * 4
    fours = rows[:whole].reshape(-1, 4, num_channels)
    order = np.argsort(fours, axis=1, kind="stable")  # smallest first
    kept = np.ones(rows.shape, bool)
    inside = np.ones(fours.shape, bool)
    np.put_along_axis(inside, order[:, :2], False, axis=1)
    kept[:whole] = inside.reshape(whole, num_channels)
    return kept.reshape(array.shape)

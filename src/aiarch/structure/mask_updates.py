"""Masks of largest magnitude inside a compiled training step, on every backend.

What `magnitude_mask` does in NumPy, except that what is pruned stays pruned. The k-th
smallest magnitude is found bit by bit: the bits of non-negative floats, read as
integers, have the order of the floats, so 31 counts find it, which is several times
faster than sorting 10⁷ weights (TensorFlow, XLA and JAX on two cores). A count
compares the weights themselves with ± the threshold, so that XLA keeps no array of
magnitudes: its memory would be allocated in every training step, also where no mask is
updated.

Chapter: structure/pruning
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

Tensor = Any
Scored = tuple[Tensor, Tensor]  # magnitudes, of any sign, and what is not pruned


def prune_counts(
    shapes: Sequence[tuple[int, ...]],
    sparsities: Sequence[float],
    *,
    granularity: str,
    scope: str,
    num_channel_axes: Sequence[int],
) -> np.ndarray:
    """Return how many weights or channels each sparsity prunes.

    In Python's float64 and with its rounding, as `magnitude_mask` counts.

    Args:
        shapes: of the arrays.
        sparsities: shares to prune, in [0, 1).
        granularity: as in `updated_masks`.
        scope: as in `updated_masks`.
        num_channel_axes: as in `updated_masks`.

    Returns:
        int32, shape (number of sparsities, number of arrays), or (…, 1) with scope
        `"global"`: rows are the `counts` of `updated_masks`.

    Example:
        >>> prune_counts([(4, 5), (5, 2)], [0.1, 0.5], granularity="weight",
        ...              scope="layer", num_channel_axes=[1, 1]).tolist()
        [[2, 1], [10, 5]]
    """
    sizes = [
        math.prod(shape[len(shape) - axes :] if granularity == "channel" else shape)
        for shape, axes in zip(shapes, num_channel_axes, strict=True)
    ]
    if scope == "global":
        sizes = [sum(sizes)]
    return np.array([[round(s * size) for size in sizes] for s in sparsities], "int32")


def updated_masks(
    weights: Sequence[Tensor],
    masks: Sequence[Tensor],
    counts: Tensor,
    *,
    granularity: str,
    scope: str,
    num_channel_axes: Sequence[int],
) -> list[Tensor]:
    """Return new masks that prune at least what the old ones prune.

    Args:
        weights: tensors of floats.
        masks: for each a bool tensor of its shape, True for what stays so far.
        counts: int32, shape (number of arrays,), or (1,) with scope `"global"`: how
            many weights or channels are to be pruned in all. Without effect for 2:4.
        granularity: `"weight"`, `"channel"` or `"2:4"`, as in `magnitude_mask`.
        scope: `"layer"` or `"global"`.
        num_channel_axes: for each array, how many last axes number its channels.

    Returns:
        A list of bool tensors, True for what stays; what is no number (NaN) stays.

    Example:
        >>> weights = [ops.array([3.0, -1.0, 2.0, -4.0])]
        >>> masks, counts = [ops.ones((4,), "bool")], ops.array([2])
        >>> new = updated_masks(weights, masks, counts, granularity="weight",
        ...                     scope="layer", num_channel_axes=[1])
        >>> ops.convert_to_numpy(new[0]).tolist()
        [True, False, False, True]
    """
    if granularity == "2:4":
        triples = zip(weights, masks, num_channel_axes, strict=True)
        new = [_two_of_four(*triple) for triple in triples]
    else:
        scored = list(zip(_in_one_dtype(weights), masks, strict=True))
        if granularity == "channel":
            pairs = zip(scored, num_channel_axes, strict=True)
            scored = [_channel_scores(*pair, axes) for pair, axes in pairs]
        groups = [scored] if scope == "global" else [[pair] for pair in scored]
        new = _larger(groups, counts)
    return [ops.logical_and(m, n) for m, n in zip(masks, new, strict=True)]


def _in_one_dtype(weights: Sequence[Tensor]) -> list[Tensor]:
    dtypes = {keras.backend.standardize_dtype(weight.dtype) for weight in weights}
    dtype = "float64" if "float64" in dtypes else "float32"
    return [ops.cast(weight, dtype) for weight in weights]


def _channel_scores(
    weight: Tensor, mask: Tensor, num_channel_axes: int
) -> tuple[Tensor, Tensor]:
    """Root mean squares and what is left, by channel: shapes (1, ..., channels)."""
    axes = tuple(range(len(weight.shape) - num_channel_axes))
    squares = ops.square(ops.where(mask, weight, ops.zeros_like(weight)))
    scores = ops.sqrt(ops.mean(squares, axis=axes, keepdims=True))
    return scores, ops.any(mask, axis=axes, keepdims=True)


def _larger(groups: list[list[Scored]], counts: Tensor) -> list[Tensor]:
    """Leave out the `counts` smallest of each group; what is pruned comes first."""
    dtype = keras.backend.standardize_dtype(groups[0][0][0].dtype)
    integers, num_bits = ("int64", 63) if dtype == "float64" else ("int32", 31)
    infinity = ops.view(ops.cast(np.inf, dtype), integers)

    def as_float(bits: Tensor) -> Tensor:
        return ops.view(ops.where(bits < infinity, bits, infinity), dtype)

    def count_below(thresholds: Tensor) -> Tensor:
        numbers, done = [0] * len(groups), 0
        for g, group in enumerate(groups):
            for value, mask in group:
                below = _below(value, mask, _after(thresholds[g], done))
                numbers[g] += (done := ops.sum(ops.cast(below, "int32")))
        return ops.stack(numbers)

    def set_bit(_: Tensor, carry: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        found, bit = carry
        enough = count_below(as_float(found + bit)) >= counts
        return ops.where(enough, found, found + bit), bit // 2

    start = ops.cast(ops.zeros_like(counts), integers)
    first = ops.cast(2 ** (num_bits - 1), integers)
    bits, _ = ops.fori_loop(0, num_bits, set_bit, (start, first))
    thresholds = as_float(bits)
    num_left = counts - count_below(thresholds)  # to leave out of those at it
    kept, done = [], ops.maximum(num_left[0], 0)
    for g, group in enumerate(groups):
        left = num_left[g]
        for value, mask in group:
            threshold = _after(thresholds[g], done)
            new, done = _larger_in_order(value, mask, threshold, left)
            kept.append(new)
            left = left - done
    return kept


def _after(value: Tensor, done: Tensor) -> Tensor:
    """The value, but not before another number, at least 0, is known.

    So arrays are worked on one after another, and share their memory.
    """
    return value + ops.cast(ops.minimum(done, 0), value.dtype)


def _below(value: Tensor, mask: Tensor, threshold: Tensor) -> Tensor:
    smaller = ops.logical_and(value > -threshold, value < threshold)
    return ops.logical_or(smaller, ops.logical_not(mask))


def _larger_in_order(
    value: Tensor, mask: Tensor, threshold: Tensor, left: Tensor
) -> tuple[Tensor, Tensor]:
    """Leave out what is below the threshold, and the first `left` that are at it."""
    ties = ops.logical_and(mask, ops.abs(value) == threshold)
    rows = ops.reshape(ties, (-1, ties.shape[-1]))
    per_row = ops.sum(ops.cast(rows, "int32"), axis=1)
    whole = ops.sum(ops.cast(ops.cumsum(per_row) <= left, "int32"))
    number = ops.arange(rows.shape[0], dtype="int32")
    last = ops.minimum(whole, rows.shape[0] - 1)  # row of the last that is left out
    rest = left - ops.sum(ops.where(number < last, per_row, ops.zeros_like(per_row)))
    number = ops.expand_dims(number, 1)
    row = ops.any(ops.logical_and(rows, number == last), axis=0)
    after = ops.cumsum(ops.cast(row, "int32")) > rest
    after = ops.where(number == last, after, number > last)
    tie_kept = ops.reshape(ops.logical_or(ops.logical_not(rows), after), ties.shape)
    above = ops.logical_not(_below(value, mask, threshold))
    return ops.logical_and(above, tie_kept), ops.sum(per_row)


def _two_of_four(weight: Tensor, mask: Tensor, num_channel_axes: int) -> Tensor:
    """Keep the larger two of every four; what is pruned counts as -1."""
    shape = weight.shape
    magnitudes = ops.where(mask, ops.abs(weight), -ops.ones_like(weight))
    num_channels = math.prod(shape[len(shape) - num_channel_axes :])
    rows = ops.reshape(magnitudes, (-1, num_channels))
    whole = rows.shape[0] // 4 * 4
    fours = ops.reshape(rows[:whole], (-1, 4, num_channels))
    before = [  # how many of the four are pruned before this one
        sum(
            ops.cast(fours[:, j] <= fours[:, i], "int32")
            if j < i
            else ops.cast(fours[:, j] < fours[:, i], "int32")
            for j in range(4)
            if j != i
        )
        for i in range(4)
    ]
    kept = ops.reshape(ops.stack(before, axis=1) >= 2, (whole, num_channels))
    tail = ops.ones((rows.shape[0] - whole, num_channels), "bool")
    return ops.reshape(ops.concatenate([kept, tail], axis=0), shape)

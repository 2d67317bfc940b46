"""Bootstrap intervals for a mean over samples, and over samples and seeds.

Chapter: foundations/measuring
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

# Resamples handled at once, so that memory stays small for 10,000 samples.
_CHUNK = 500


@dataclass(frozen=True)
class Interval:
    """A mean with the limits between which it plausibly lies."""

    estimate: float
    low: float
    high: float
    level: float

    def __contains__(self, value: float) -> bool:
        """Tell whether a value lies between the limits."""
        return self.low <= value <= self.high

    def __str__(self) -> str:
        return f"{self.estimate:.4g} [{self.low:.4g}, {self.high:.4g}]"


def bootstrap_interval(
    values: Any,
    other: Any = None,
    *,
    level: float = 0.95,
    num_resamples: int = 10_000,
    seed: int = 0,
) -> Interval:
    """Bound a mean, or a paired difference of means, by the percentile bootstrap.

    Samples are drawn anew with replacement, the mean is taken, and the limits are
    quantiles of these means; see Equation (7), `eq-measuring-bootstrap`. A matrix
    has one row a seed and one column a sample, and its rows and its columns are
    drawn anew independently, since both the training and the test images could have
    been others. With `other`, the same is done to the differences, so that what both
    have in common cancels.

    With S rows the interval errs in two ways, Equation (9), `eq-measuring-rows`. The
    variance between seeds is understated, (S − 1)/S of it is seen; what seed and
    sample contribute together is overstated, by a factor of 3 − 2/S. The first wins
    if seeds differ much and samples are many; otherwise the interval is too wide.

    Args:
        values: float (n,) or (num_seeds, n): what is averaged, such as 1 for a right
            answer and 0 for a wrong one. At least two samples.
        other: of the same shape, for the same samples, or None. Row is subtracted
            from row: pair what shares a seed; unrelated rows may be paired in any
            way fixed beforehand, which is valid and cancels nothing between rows.
        level: probability that the interval aims to cover, in (0, 1).
        num_resamples: number of resamples, at least 100.
        seed: seed of the resampling; the same seed gives the same interval.

    Returns:
        An `Interval` around the mean of `values`, or of `values - other`.

    Raises:
        ValueError: if the arrays are empty, of other ranks, of different shapes or
            not finite, or an option is out of range.

    Example:
        >>> import numpy as np
        >>> from aiarch.foundations import bootstrap_interval
        >>> right = np.arange(1000) < 950
        >>> print(bootstrap_interval(right))
        0.95 [0.936, 0.963]
        >>> print(bootstrap_interval(right, right))
        0 [0, 0]

    References:
        Efron, "Bootstrap methods: another look at the jackknife", Annals of
        Statistics 7(1), 1979. Owen, "The pigeonhole bootstrap", Annals of Applied
        Statistics 1(2), 2007 (rows and columns). Owen & Eckles, "Bootstrapping data
        arrays of arbitrary order", Annals of Applied Statistics 6(3), 2012 (why it
        overstates, mildly).
    """
    matrix = _matrix("values", values)
    if other is not None:
        second = _matrix("other", other)
        if matrix.shape != second.shape:
            raise ValueError(
                f"other must have the shape of values, {np.shape(values)}, got "
                f"{np.shape(other)}; pair the same samples, row by row."
            )
        matrix = matrix - second
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}; 0.95 is usual.")
    if num_resamples < 100:
        raise ValueError(f"num_resamples must be at least 100, got {num_resamples}.")
    means = _resampled_means(matrix, num_resamples, np.random.default_rng(seed))
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(matrix.mean()), float(low), float(high), level)


def _resampled_means(
    matrix: np.ndarray, num_resamples: int, rng: np.random.Generator
) -> np.ndarray:
    """Means of resampled rows and columns, (num_resamples,)."""
    num_rows, num_columns = matrix.shape
    means = np.empty(num_resamples)
    for start in range(0, num_resamples, _CHUNK):
        count = min(_CHUNK, num_resamples - start)
        by_column = _drawn(num_columns, count, rng) / num_columns
        by_row = _drawn(num_rows, count, rng) / num_rows
        # (count, rows) times (rows, columns), weighted by column.
        means[start : start + count] = ((by_row @ matrix) * by_column).sum(axis=1)
    return means


def _drawn(size: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """How often each of `size` items is drawn, (count, size); rows sum to `size`."""
    # The mean depends on the counts alone; counting indices is the fastest way.
    index = rng.integers(size, size=(count, size), dtype="int64")
    index += size * np.arange(count)[:, None]
    return np.bincount(index.ravel(), minlength=count * size).reshape(count, size)


def _matrix(name: str, values: Any) -> np.ndarray:
    """Return values as float64 of shape (num_seeds, n), or say what is wrong."""
    array = np.asarray(values, dtype="float64")
    if array.ndim not in (1, 2):
        raise ValueError(
            f"{name} must have shape (n,) or (num_seeds, n), got {array.shape}."
        )
    array = np.atleast_2d(array)
    if array.shape[0] < 1 or array.shape[1] < 2:
        raise ValueError(
            f"{name} must hold at least two samples, got shape {np.shape(values)}; "
            "one sample has no spread to resample."
        )
    if not np.isfinite(array).all():
        raise ValueError(
            f"{name} must be finite, got {np.count_nonzero(~np.isfinite(array))} NaN "
            "or infinite entries; find out where they come from before averaging."
        )
    return array

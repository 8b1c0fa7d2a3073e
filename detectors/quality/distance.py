"""How far apart two distributions are: Kolmogorov-Smirnov distances of samples of values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_ROWS: Final = 1_000
"""Rows of a window's sample that are looked at; its first rows are a random choice."""
NOISE: Final = 1.63
"""Quantile .99 of Kolmogorov's law: the distance of samples of one law, by sqrt(n m / (n + m))."""
QUANTILES: Final = 31


def increasing(column: NDArray[np.float64]) -> NDArray[np.float64]:
    """The finite values of a column, sorted."""
    return np.sort(column[np.isfinite(column)])


def distance(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Distance of two samples of at least one value, to single precision.

    Values that were converted and converted back are equal but for the last bits of a double.
    """
    with np.errstate(over="ignore"):
        left, right = np.sort(a.astype(np.float32)), np.sort(b.astype(np.float32))
    both = np.concatenate([left, right])
    below = np.searchsorted(left, both, side="right") / len(left)
    return float(np.abs(below - np.searchsorted(right, both, side="right") / len(right)).max())


def apart(known: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    """Distance of two increasing samples at some quantiles of the first; 0 without values."""
    if not len(known) or not len(values):
        return 0.0
    at = known[np.linspace(0, len(known) - 1, QUANTILES).astype(np.int64)]
    largest = 0.0
    for side in ("left", "right"):
        usual = np.searchsorted(known, at, side=side) / len(known)
        now = np.searchsorted(values, at, side=side) / len(values)
        largest = max(largest, float(np.abs(usual - now).max()))
    return largest


def noise(m: int, n: int) -> float:
    """Distance that samples of `m` and `n` values of one law may have."""
    return float(NOISE * np.sqrt((m + n) / (m * n)))

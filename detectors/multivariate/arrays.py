"""Two sets of rows as people have them in a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detectors.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROUNDING = 1e-12
"""A column whose standard deviation is this part of its largest value, or less, is constant."""


def two_samples(
    reference: NDArray[np.float64], current: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both sets as finite float64 `(m, p)` and `(n, p)`, scaled by what they have together.

    Every column gets mean 0 and variance 1 over both sets, so no column counts for its unit, and
    exchanging rows between the sets changes nothing: permutation tests stay exact. NaN and
    infinities become the mean. A column that is constant or nowhere finite is all zeros.

    Raises
    ------
    InputError
        If the arrays are not two-dimensional with the same columns, at least 1, and 2 rows each.
    """
    first, second = np.asarray(reference, np.float64), np.asarray(current, np.float64)
    if first.ndim != 2 or second.ndim != 2 or first.shape[1:] != second.shape[1:]:  # noqa: PLR2004
        raise InputError(f"rows x the same columns expected, got {first.shape} and {second.shape}")
    if min(len(first), len(second)) < 2 or not first.shape[1]:  # noqa: PLR2004 - to have a variance
        raise InputError(f"2 rows and 1 column are the least, got {first.shape}, {second.shape}")
    both = np.vstack([first, second])
    finite = np.isfinite(both)
    count = np.maximum(finite.sum(axis=0), 1.0)
    known = np.where(finite, both, 0.0)
    largest = np.abs(known).max(axis=0)
    known /= np.where(largest > 0, largest, 1.0)
    mean = known.sum(axis=0) / count
    known -= mean
    known[~finite] = 0.0
    scale = np.sqrt((known**2).sum(axis=0) / count)
    constant = ~(scale > ROUNDING)
    known /= np.where(constant, 1.0, scale)
    known[:, constant] = 0.0
    return known[: len(first)], known[len(first) :]

"""Windows of unequal size: which part of a component's variance grows with a window's rows.

A component is `sqrt(rows)` times a difference of means. Sampling noise gives it a constant
variance; whatever moves the mean itself (season, wandering, shocks) shows `sqrt(rows)` times as
large. With `size` the rows of a window in usual windows, an innovation of scale 1 at size 1 has
variance

    g(size) = (1 - growth) + growth * size.

Without this a busy hour looks like a shock and a quiet one hides everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detectors.sequential.regression import CLIP

if TYPE_CHECKING:
    from numpy.typing import NDArray

VARIED = 0.05
"""Below this standard deviation of the log size all windows count as usual ones."""
_ROUNDS = 3


def relative_size(rows: NDArray[np.float64], usual: float) -> NDArray[np.float64]:
    """Rows in usual windows; ones where `usual` is 0, which says that size was never recorded."""
    return np.maximum(rows, 1.0) / usual if usual > 0 else np.ones_like(rows, dtype=np.float64)


def growth_factor(
    growth: NDArray[np.float64] | float, size: NDArray[np.float64] | float
) -> NDArray[np.float64]:
    """`g(size)`; both arguments broadcast."""
    return np.asarray(1 - growth + growth * size, dtype=np.float64)


def fit_growth(
    innovations: NDArray[np.float64], size: NDArray[np.float64], kind: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Growth per series `(S,)` in [0, 1], halfway to the median of its kind.

    Squares are regressed on a constant and the size, weighted by their own variance. Wild values
    are pulled in. 0 where windows hardly differ in size.

    Parameters
    ----------
    innovations
        `(n, S)` in component units, NaN where unknown.
    size
        `(n,)` relative sizes.
    kind
        `(S,)`: what a series measures, as small integers.
    """
    series = innovations.shape[1]
    if not series or len(size) < 2 or np.log(size).std() < VARIED:  # noqa: PLR2004 - a spread
        return np.zeros(series)
    typical = 1.4826 * np.nanmedian(np.abs(np.where(np.isnan(innovations), 0.0, innovations)), 0)
    seen = ~np.isnan(innovations)
    growth = np.zeros(series)
    level = np.maximum(typical, 1.0) ** 2
    for _ in range(_ROUNDS):
        spread = level * growth_factor(growth, size[:, None])
        squares = np.minimum(np.nan_to_num(innovations) ** 2, CLIP**2 * spread)
        growth, level = _regressed(squares, size, seen / spread**2)
    middle = np.array([np.median(growth[kind == k]) for k in range(int(kind.max()) + 1)])
    shrunk: NDArray[np.float64] = (growth + middle[kind]) / 2
    return shrunk


def _regressed(
    squares: NDArray[np.float64], size: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Share of the slope and the value at size 1 of a weighted line `(n, S)`, both parts >= 0."""
    x = size[:, None]
    total = np.maximum(weight.sum(axis=0), 1e-300)
    mean_x, mean_y = (weight * x).sum(axis=0) / total, (weight * squares).sum(axis=0) / total
    across = (weight * (x - mean_x) * (squares - mean_y)).sum(axis=0)
    slope = np.maximum(across / np.maximum((weight * (x - mean_x) ** 2).sum(axis=0), 1e-300), 0.0)
    slope = np.minimum(slope, mean_y / np.maximum(mean_x, 1e-300))
    value = np.maximum(mean_y + slope * (1 - mean_x), 1e-12)
    return np.clip(slope / value, 0.0, 1.0), value

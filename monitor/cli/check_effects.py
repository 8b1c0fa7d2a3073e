"""How large a difference between two samples is at least, and how surprising it is among many.

Effects are shares of rows: the largest difference of two distribution functions (numbers), the
share of rows that would have to change their value (categories). Both are at least 0 by
construction, so their lower bounds allow for the noise that alone would make them positive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

KOLMOGOROV_95: Final = 1.3581
"""95 % point of the largest difference of two empirical distribution functions, scaled."""
NORMAL_95: Final = 1.6449
"""One-sided."""


def holm(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Holm's adjusted p-values, `(c,)`; NaN stays NaN and does not count as a test.

    `max over j <= i of (k - j + 1) p_(j)`, at most 1 (Holm 1979): rejecting those up to alpha
    errs anywhere with probability at most alpha, whatever the dependence.
    """
    adjusted = np.full(len(p_values), np.nan)
    tested = np.flatnonzero(~np.isnan(p_values))
    order = tested[np.argsort(p_values[tested], kind="stable")]
    factors = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(factors * p_values[order]), 1.0)
    return adjusted


def function_noise(precision: NDArray[np.float64]) -> NDArray[np.float64]:
    """By how much noise moves the largest difference of distribution functions, 95 % sure.

    Kolmogorov's law for `F = G`, the worst case; `precision` is `1/n + 1/m`, `(c,)`.
    """
    noise: NDArray[np.float64] = KOLMOGOROV_95 * np.sqrt(precision)
    return noise


def distance_noise(
    window: NDArray[np.float64], baseline: NDArray[np.float64], n: float, m: float
) -> float:
    """By how much noise raises a total variation distance, about 95 % sure.

    Each difference `d` of shares is about normal with standard deviation `s`, and
    `E|N(d, s)| <= |d| + s sqrt(2 / pi)`. Around its mean the distance varies like a difference of
    two shares, whose variance is at most `(1/n + 1/m) / 4`.

    Parameters
    ----------
    window, baseline
        Shares of the groups, `(g,)` each, of `n` and `m` rows.
    """
    spread = np.sqrt(window * (1 - window) / n + baseline * (1 - baseline) / m)
    on_average = spread.sum() / np.sqrt(2 * np.pi)
    return float(on_average + NORMAL_95 / 2 * np.sqrt(1 / n + 1 / m))

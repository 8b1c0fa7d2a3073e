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

ONE_SIDED_95: Final = 1.645


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


def lower_bounds(
    effect: NDArray[np.float64], noise: NDArray[np.float64], precision: NDArray[np.float64]
) -> NDArray[np.float64]:
    """About 95 % sure lower bounds of effects, `(c,)`, at least 0.

    Parameters
    ----------
    effect
        Measured effects, shares of rows.
    noise
        What noise adds to each effect on average.
    precision
        `1/n + 1/m`; a difference of shares has at most the variance `precision / 4`.
    """
    bound = effect - noise - ONE_SIDED_95 * np.sqrt(precision) / 2
    return np.maximum(bound, 0.0)


def distance_noise(
    window: NDArray[np.float64], baseline: NDArray[np.float64], n: float, m: float
) -> float:
    """What noise adds to a total variation distance on average, at most.

    Each difference `d` of shares is about normal with standard deviation `s`, and
    `E|N(d, s)| <= |d| + s sqrt(2 / pi)`; half the sum of the surpluses is returned.

    Parameters
    ----------
    window, baseline
        Shares of the groups, `(g,)` each, of `n` and `m` rows.
    """
    spread = np.sqrt(window * (1 - window) / n + baseline * (1 - baseline) / m)
    return float(spread.sum() / np.sqrt(2 * np.pi))

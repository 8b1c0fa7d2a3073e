"""Two-sample chi-square test of homogeneity on group counts.

With `t = c + b` rows of the window and the baseline in a group, `N = n + m`:
`X2 = N**2 / (n m) * sum (c - n t / N)**2 / t`, about chi2 with one degree less than groups
(Pearson 1900). The law is bad where few rows are expected, and one new rare value would count as
overwhelming evidence; so groups in which the smaller side expects fewer than `MIN_EXPECTED` rows
are pooled, and the pool joins the smallest other group if it is still too small. Pooling looks at
`t` alone, so it does not bias the test. Without small groups this is exactly
`scipy.stats.chi2_contingency(table, correction=False)`.

The effect is Cramer's V, `sqrt(X2 / N)` for two rows, in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import chdtrc, chdtri

from detectors.result import ColumnStatistics, fixed_sample
from detectors.univariate.fitted import Fitted, require_share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.univariate.comparison import Comparison, Reference

MIN_EXPECTED = 5.0
"""Rows that the smaller side must expect in a group (Cochran 1954)."""


@dataclass(frozen=True)
class ChiSquare:
    """Parameters: `alpha`, the false-alarm probability per column and window, in (0, 1)."""

    alpha: float = 0.05

    def __post_init__(self) -> None:
        require_share("alpha", self.alpha)

    def fit(self, reference: Reference) -> Fitted:
        """Fix the baseline."""
        return Fitted(reference, self._measure)

    def _measure(self, window: Comparison) -> ColumnStatistics:
        m = window.reference.rows.astype(np.float64)
        n = np.where(np.isnan(window.precision), np.nan, window.rows)
        total = n + m
        counts, both = _pooled(window, np.minimum(n, m) / total)
        statistic = _statistic(counts, both, n / total) * total / m
        degrees = np.maximum(np.count_nonzero(both > 0, axis=1) - 1.0, 0.0)
        compared = np.where(degrees > 0, degrees, np.nan)
        p_value = np.where(degrees > 0, chdtrc(compared, statistic), 1.0)
        return ColumnStatistics(
            detector="chi2",
            columns=window.reference.columns,
            statistic=statistic,
            threshold=np.asarray(chdtri(compared, self.alpha), dtype=np.float64),
            p_value=np.where(np.isnan(statistic), np.nan, p_value),
            effect=np.sqrt(statistic / total),
            effect_unit="Cramer's V",
            guarantee=fixed_sample(self.alpha),
        )


def _statistic(
    counts: NDArray[np.float64], both: NDArray[np.float64], share: NDArray[np.float64]
) -> NDArray[np.float64]:
    """`sum (c - share t)**2 / (share t)` over the groups in use, `share = n / N`."""
    expected = share[:, None] * both
    terms = (counts - expected) ** 2 / np.where(both > 0, expected, 1.0)
    statistic: NDArray[np.float64] = terms.sum(axis=1)
    return statistic


def _pooled(
    window: Comparison, smaller: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Counts of the window and of both sides, small groups moved into the last column or group."""
    pad = ((0, 0), (0, 1))
    counts = np.pad(window.groups.astype(np.float64), pad)
    both = np.pad((window.groups + window.reference.groups).astype(np.float64), pad)
    needed = MIN_EXPECTED / smaller
    small = (both > 0) & (both < needed[:, None])
    target = np.full(len(both), both.shape[1] - 1)
    _move(counts, both, small, target)
    large = np.where(both >= needed[:, None], both, np.inf)
    short = (both[:, -1] > 0) & (both[:, -1] < needed) & np.isfinite(large).any(axis=1)
    last = np.zeros_like(small)
    last[short, -1] = True
    _move(counts, both, last, large.argmin(axis=1))
    return counts, both


def _move(
    counts: NDArray[np.float64],
    both: NDArray[np.float64],
    chosen: NDArray[np.bool_],
    target: NDArray[np.int64],
) -> None:
    """Add the chosen groups of each row to its target group and empty them, in place."""
    rows = np.arange(len(target))
    for table in (counts, both):
        moved = np.where(chosen, table, 0.0).sum(axis=1)
        table[chosen] = 0.0
        table[rows, target] += moved

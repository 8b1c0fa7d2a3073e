"""Hellinger distance between group shares: bounded, symmetric, a metric.

`H = sqrt(sum (sqrt(p) - sqrt(q))**2 / 2)`, in [0, 1] (Hellinger 1909). When nothing changes `H**2`
is about `(1/n + 1/m) chi2_{B-1} / 8`; `threshold` is the `1 - alpha` quantile of that law.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detectors.result import ColumnStatistics, no_guarantee
from detectors.univariate.fitted import Fitted, null_quantile, require_share

if TYPE_CHECKING:
    from detectors.univariate.comparison import Comparison, Reference


@dataclass(frozen=True)
class Hellinger:
    """Parameters: `alpha`, the approximate share of unchanged windows over the threshold."""

    alpha: float = 0.05

    def __post_init__(self) -> None:
        require_share("alpha", self.alpha)

    def fit(self, reference: Reference) -> Fitted:
        """Fix the baseline."""
        return Fitted(reference, self._measure)

    def _measure(self, window: Comparison) -> ColumnStatistics:
        p, q = window.shares
        difference = np.sqrt(p) - np.sqrt(q)
        distance = np.sqrt(np.vecdot(difference, difference) / 2)
        return ColumnStatistics(
            detector="hellinger",
            columns=window.reference.columns,
            statistic=distance,
            threshold=np.sqrt(window.precision * null_quantile(window, self.alpha) / 8),
            p_value=None,
            effect=distance,
            effect_unit="distance, at most 1",
            guarantee=no_guarantee(
                f"about {self.alpha:g} of unchanged windows exceed the threshold; "
                "assumes independent rows and five expected rows per group"
            ),
        )

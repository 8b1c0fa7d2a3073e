"""Jensen-Shannon distance between group shares: bounded, symmetric, a metric.

`d = sqrt((KL(p | m) + KL(q | m)) / 2)` with `m = (p + q) / 2` and natural logarithms, at most
`sqrt(ln 2) = 0.83` (Endres & Schindelin 2003). When nothing changes `d**2` is about
`(1/n + 1/m) chi2_{B-1} / 8`; `threshold` is the `1 - alpha` quantile of that law.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import rel_entr

from detectors.result import ColumnStatistics, no_guarantee
from detectors.univariate.fitted import Fitted, null_quantile, require_share

if TYPE_CHECKING:
    from detectors.univariate.comparison import Comparison, Reference


@dataclass(frozen=True)
class JensenShannon:
    """Parameters: `alpha`, the approximate share of unchanged windows over the threshold."""

    alpha: float = 0.05

    def __post_init__(self) -> None:
        require_share("alpha", self.alpha)

    def fit(self, reference: Reference) -> Fitted:
        """Fix the baseline."""
        return Fitted(reference, self._measure)

    def _measure(self, window: Comparison) -> ColumnStatistics:
        p, q = window.shares
        middle = (p + q) / 2
        divergence = (rel_entr(p, middle) + rel_entr(q, middle)).sum(axis=1) / 2
        distance = np.sqrt(np.maximum(divergence, 0.0))
        return ColumnStatistics(
            detector="jensen_shannon",
            columns=window.reference.columns,
            statistic=distance,
            threshold=np.sqrt(window.precision * null_quantile(window, self.alpha) / 8),
            p_value=None,
            effect=distance,
            effect_unit="distance, at most 0.83",
            guarantee=no_guarantee(
                f"about {self.alpha:g} of unchanged windows exceed the threshold; "
                "assumes independent rows and five expected rows per group"
            ),
        )

"""Jensen-Shannon distance between group shares: bounded, symmetric, a metric.

`d = sqrt((KL(p | m) + KL(q | m)) / 2)` with `m = (p + q) / 2` and natural logarithms, at most
`sqrt(ln 2) = 0.83` (Endres & Schindelin 2003). When nothing changes `d**2` is about
`(1/n + 1/m) chi2_{B-1} / 8`; `threshold` is the `1 - alpha` quantile of that law.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import rel_entr

from detectors.card import Card
from detectors.result import ColumnStatistics
from detectors.univariate.fitted import approximate, null_quantile
from detectors.univariate.parameters import Tested

if TYPE_CHECKING:
    from detectors.univariate.comparison import Comparison


@dataclass(frozen=True)
class JensenShannon(Tested):
    """The root of the mean divergence from the shares' middle."""

    card: ClassVar[Card] = Card(
        input=(
            "numeric columns on quantile groups of the baseline, categorical columns on their "
            "values"
        ),
        statistic=(
            "d = sqrt((KL(p|m) + KL(q|m)) / 2), m = (p + q) / 2, natural logarithms, at most 0.83"
        ),
        guarantee=(
            "about alpha of unchanged windows exceed the threshold; independent rows, five "
            "expected rows per group"
        ),
        cost="nothing per record, 0.6 µs per column and window",
        memory="nothing beyond the profile",
        reference="Endres & Schindelin 2003, IEEE Trans. Inform. Theory 49",
        avoid=(
            "as a fixed threshold such as 0.1 over windows of different size: small windows "
            "exceed it without change"
        ),
    )

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
            guarantee=approximate(self.alpha),
        )

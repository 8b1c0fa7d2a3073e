"""Hellinger distance between group shares: bounded, symmetric, a metric.

`H = sqrt(sum (sqrt(p) - sqrt(q))**2 / 2)`, in [0, 1] (Hellinger 1909). When nothing changes `H**2`
is about `(1/n + 1/m) chi2_{B-1} / 8`; `threshold` is the `1 - alpha` quantile of that law.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from detectors.card import Card
from detectors.result import ColumnStatistics
from detectors.univariate.fitted import approximate, null_quantile
from detectors.univariate.parameters import Tested

if TYPE_CHECKING:
    from detectors.univariate.comparison import Comparison


@dataclass(frozen=True)
class Hellinger(Tested):
    """The distance of the roots of the shares."""

    card: ClassVar[Card] = Card(
        input=(
            "numeric columns on quantile groups of the baseline, categorical columns on their "
            "values"
        ),
        statistic="H = sqrt(sum (√p - √q)² / 2), in [0, 1]",
        guarantee=(
            "about alpha of unchanged windows exceed the threshold; independent rows, five "
            "expected rows per group"
        ),
        cost="nothing per record, 0.5 µs per column and window",
        memory="nothing beyond the profile",
        reference="Hellinger 1909, J. reine angew. Math. 136",
        avoid=(
            "as a fixed threshold over windows of different size: its size without change "
            "falls with the root of the rows"
        ),
    )

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
            guarantee=approximate(self.alpha),
        )

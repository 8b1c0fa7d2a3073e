"""Total variation distance: the share of rows that would have to change group.

`TV = sum |p - q| / 2`, in [0, 1]. The plainest effect size there is; it has no threshold, because
its law without change depends on all shares.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from detectors.card import Card
from detectors.result import ColumnStatistics, no_guarantee
from detectors.univariate.parameters import Untested

if TYPE_CHECKING:
    from detectors.univariate.comparison import Comparison


@dataclass(frozen=True)
class TotalVariation(Untested):
    """The share of rows that would have to change group."""

    card: ClassVar[Card] = Card(
        input=(
            "numeric columns on quantile groups of the baseline, categorical columns on their "
            "values"
        ),
        statistic="TV = sum |p - q| / 2, in [0, 1]",
        guarantee="none: a distance",
        cost="nothing per record, 0.1 µs per column and window",
        memory="nothing beyond the profile",
        reference="Levin, Peres & Wilmer 2009, Markov Chains and Mixing Times, chapter 4",
        avoid="as a test: it grows with the number of groups and shrinks with the rows",
    )

    def _measure(self, window: Comparison) -> ColumnStatistics:
        p, q = window.shares
        distance = np.abs(p - q).sum(axis=1) / 2
        return ColumnStatistics(
            detector="total_variation",
            columns=window.reference.columns,
            statistic=distance,
            threshold=None,
            p_value=None,
            effect=distance,
            effect_unit="share of rows",
            guarantee=no_guarantee(),
        )

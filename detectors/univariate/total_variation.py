"""Total variation distance: the share of rows that would have to change group.

`TV = sum |p - q| / 2`, in [0, 1]. The plainest effect size there is; it has no threshold, because
its law without change depends on all shares.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detectors.result import ColumnStatistics, no_guarantee
from detectors.univariate.fitted import Fitted

if TYPE_CHECKING:
    from detectors.univariate.comparison import Comparison, Reference


@dataclass(frozen=True)
class TotalVariation:
    """Has no parameters."""

    def fit(self, reference: Reference) -> Fitted:
        """Fix the baseline."""
        return Fitted(reference, self._measure)

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

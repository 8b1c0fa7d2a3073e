"""Wasserstein-1 distance, for numeric columns: how far, on average, a value has moved.

`W = integral |F - G|`, the area between the distribution functions (Vallender 1974). Inside the
cells the trapezoidal rule over the edges is used, which is exact for values in the middle of their
cells (integers) and else wrong by at most half a cell width. Outside the cells profiles know each
side's area under the distribution function exactly; the absolute difference of these is added,
which is exact unless the functions cross out there. The difference of the means, which profiles
know much more finely than a cell, is a lower bound and taken where it is larger: values that move
within their cells are seen. Values further out than 32 bodies of the baseline count as being there.

The effect is the distance in baseline standard deviations, infinite when a constant column moves.
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
class Wasserstein:
    """Has no parameters."""

    def fit(self, reference: Reference) -> Fitted:
        """Fix the baseline."""
        return Fitted(reference, self._measure)

    def _measure(self, window: Comparison) -> ColumnStatistics:
        with np.errstate(divide="ignore", invalid="ignore"):
            effect = window.area / window.reference.spread
        effect[window.area == 0] = 0.0
        return ColumnStatistics(
            detector="wasserstein",
            columns=window.reference.numeric,
            statistic=window.area,
            threshold=None,
            p_value=None,
            effect=effect,
            effect_unit="baseline sd",
            guarantee=no_guarantee(),
        )

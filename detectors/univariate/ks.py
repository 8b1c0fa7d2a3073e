"""Two-sample Kolmogorov-Smirnov test on cells, for numeric columns.

The statistic is the largest difference of the two distribution functions, `D = max |F - G|`, here
over the cell edges. With `e = n m / (n + m)` the p-value is Kolmogorov's limit `Q(sqrt(e) D)`,
`Q(x) = 2 sum (-1)^(k-1) exp(-2 k^2 x^2)` (Smirnov 1939).

Looking at edges only can miss at most the largest mass of one cell: `D <= D_exact <= D + max mass`,
so the test is conservative, as it is for discrete data and small samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import kolmogi, kolmogorov

from detectors.result import ColumnStatistics, fixed_sample
from detectors.univariate.fitted import Fitted, require_share

if TYPE_CHECKING:
    from detectors.univariate.comparison import Comparison, Reference


@dataclass(frozen=True)
class KolmogorovSmirnov:
    """Parameters: `alpha`, the false-alarm probability per column and window, in (0, 1)."""

    alpha: float = 0.05

    def __post_init__(self) -> None:
        require_share("alpha", self.alpha)

    def fit(self, reference: Reference) -> Fitted:
        """Fix the baseline."""
        return Fitted(reference, self._measure)

    def _measure(self, window: Comparison) -> ColumnStatistics:
        root = 1 / np.sqrt(window.precision[: len(window.gap)])
        return ColumnStatistics(
            detector="ks",
            columns=window.reference.numeric,
            statistic=window.gap,
            threshold=kolmogi(self.alpha) / root,
            p_value=kolmogorov(root * window.gap),
            effect=window.gap,
            effect_unit="share of rows",
            guarantee=fixed_sample(self.alpha),
        )

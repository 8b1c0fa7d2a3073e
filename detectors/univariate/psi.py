"""Population stability index on baseline quantile groups or categories.

`PSI = sum (p - q) ln(p / q)` with shares smoothed by half a row per group in use,
`p = (c + 1/2) / (n + B/2)`, so that an empty group yields a finite term instead of an arbitrary
one. When nothing changes PSI is about `(1/n + 1/m) chi2_{B-1}` (Yurdakul & Naranjo 2020), so its
size means nothing without the sample sizes: `threshold` is the `1 - alpha` quantile of that law,
not a folklore constant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detectors.result import ColumnStatistics, no_guarantee
from detectors.univariate.fitted import Fitted, null_quantile, require_share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.univariate.comparison import Comparison, Reference


@dataclass(frozen=True)
class PopulationStability:
    """Parameters: `alpha`, the approximate share of unchanged windows over the threshold."""

    alpha: float = 0.05

    def __post_init__(self) -> None:
        require_share("alpha", self.alpha)

    def fit(self, reference: Reference) -> Fitted:
        """Fix the baseline."""
        return Fitted(reference, self._measure)

    def _measure(self, window: Comparison) -> ColumnStatistics:
        p = _smoothed(window.groups, window.rows, window)
        q = _smoothed(window.reference.groups, window.reference.rows, window)
        terms = (p - q) * np.log(p / q)
        psi = terms.sum(axis=1, where=window.used)
        psi[np.isnan(window.precision)] = np.nan
        return ColumnStatistics(
            detector="psi",
            columns=window.reference.columns,
            statistic=psi,
            threshold=window.precision * null_quantile(window, self.alpha),
            p_value=None,
            effect=psi,
            effect_unit="psi",
            guarantee=no_guarantee(
                f"about {self.alpha:g} of unchanged windows exceed the threshold; "
                "assumes independent rows and five expected rows per group"
            ),
        )


def _smoothed(
    counts: NDArray[np.int64], rows: NDArray[np.int64], window: Comparison
) -> NDArray[np.float64]:
    total = rows + 0.5 * np.maximum(window.group_count, 1)
    shares: NDArray[np.float64] = (counts + 0.5) / total[:, None]
    return shares

"""Two-sample chi-square test of homogeneity on group counts.

With `t = c + b` rows of the window and the baseline in a group, `N = n + m`:
`X2 = N**2 / (n m) * sum (c - n t / N)**2 / t`, about chi2 with one degree less than groups
(Pearson 1900). Small groups are pooled (see `contingency`). Without small groups this is exactly
`scipy.stats.chi2_contingency(table, correction=False)`.

The effect is Cramer's V, `sqrt(X2 / N)` for two rows, in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import chdtrc

from detectors.card import Card
from detectors.result import ColumnStatistics, fixed_sample
from detectors.univariate.fitted import chi_square_quantile
from detectors.univariate.parameters import Tested

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.univariate.comparison import Comparison
    from detectors.univariate.contingency import Contingency


@dataclass(frozen=True)
class ChiSquare(Tested):
    """The squared differences of counts in units of their noise."""

    card: ClassVar[Card] = Card(
        input=(
            "numeric columns on quantile groups of the baseline, categorical columns on their "
            "values, small ones pooled"
        ),
        statistic="X² = N² / (n m) · sum (c - n t / N)² / t",
        guarantee=(
            "fixed sample: a false alarm per column and window with probability alpha; "
            "independent rows"
        ),
        cost="nothing per record, 0.8 µs per column and window",
        memory="nothing beyond the profile",
        reference="Pearson 1900, Philos. Mag. 50; Cochran 1954, Biometrics 10 (pooling)",
        avoid=(
            "rows that depend on each other; as a size of change (look at its effect, Cramer's V)"
        ),
    )

    def _measure(self, window: Comparison) -> ColumnStatistics:
        table = window.contingency
        statistic = _statistic(table)
        p_value = np.where(table.degrees > 0, chdtrc(table.degrees, statistic), 1.0)
        return ColumnStatistics(
            detector="chi2",
            columns=window.reference.columns,
            statistic=statistic,
            threshold=chi_square_quantile(table.degrees, self.alpha),
            p_value=np.where(np.isnan(statistic), np.nan, p_value),
            effect=np.sqrt(statistic / (table.rows + table.baseline_rows)),
            effect_unit="Cramer's V",
            guarantee=fixed_sample(self.alpha),
        )


def _statistic(table: Contingency) -> NDArray[np.float64]:
    """`sum (c - share t)**2 / (share t)` over the groups in use, over the baseline's share."""
    expected = table.share[:, None] * table.both
    terms = (table.counts - expected) ** 2 / np.where(table.both > 0, expected, 1.0)
    statistic: NDArray[np.float64] = terms.sum(axis=1) / (1 - table.share)
    return statistic

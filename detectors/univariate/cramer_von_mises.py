"""Two-sample Cramer-von Mises test on cells, for numeric columns.

`T = n m / N**2 * sum (F - G)**2` over all `N = n + m` values together (Anderson 1962), that is
`n m / N * sum_k h_k D_k**2` with `h_k` the share of both samples in a cell and `D_k` the difference
at its upper edge. It weighs differences everywhere where `D` of Kolmogorov-Smirnov takes the
largest, and finds shifts a little earlier.

Exact where each cell holds one value (counts, codes, rounded prices). Elsewhere `D` inside a cell
differs from `D_k` by at most `mu_k`, the larger one of the samples' shares in it, so the statistic
is wrong by at most `n m / N * sum_k h_k mu_k (2 |D_k| + mu_k)`.

P-values and thresholds come from the law of the statistic on the baseline's cells; see `quadratic`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from detectors.card import Card
from detectors.result import ColumnStatistics, fixed_sample
from detectors.univariate.parameters import Tested
from detectors.univariate.quadratic import cramer_von_mises_law

if TYPE_CHECKING:
    from detectors.univariate.comparison import Comparison


@dataclass(frozen=True)
class CramerVonMises(Tested):
    """The mean squared difference of two distribution functions."""

    card: ClassVar[Card] = Card(
        input="numeric columns, on cells",
        statistic="T = n m / N² · sum (F - G)² over all values",
        guarantee=(
            "fixed sample: a false alarm per column and window with probability alpha, at "
            "most that for few distinct values; independent rows, many of them"
        ),
        cost="nothing per record, 9 µs per column and window for all statistics on cells together",
        memory="16 B per column",
        reference="Anderson 1962, Ann. Math. Statist. 33",
        avoid="rows that depend on each other; changes in the tails (anderson_darling sees them)",
    )

    def _measure(self, window: Comparison) -> ColumnStatistics:
        law, moments = cramer_von_mises_law(), window.reference.laws.mises
        return ColumnStatistics(
            detector="cramer_von_mises",
            columns=window.reference.numeric,
            statistic=window.mises,
            threshold=law.quantile(self.alpha, moments),
            p_value=law.p_value(window.mises, moments),
            effect=np.sqrt(window.mises * window.precision[: len(window.mises)]),
            effect_unit="root mean square difference of distribution functions",
            guarantee=fixed_sample(self.alpha),
        )

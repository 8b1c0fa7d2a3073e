"""Two-sample Anderson-Darling test on cells, for numeric columns.

`A2 = (N - 1) / N * n m / N * sum_k h_k D_k**2 / (H_k (1 - H_k) - h_k / 4)`, with `h_k` the share of
both samples in a cell, `D_k = F - G` and `H_k` their common distribution function in its middle:
the version for ties of Scholz & Stephens (1987, equation 7) with two samples, where values of one
cell are ties. The denominator makes differences in the tails count as much as those in the middle.

Exact where each cell holds one value. Elsewhere `D` inside a cell differs from `D_k` by at most
half of `s_k`, the sum of the samples' shares in it: the values in between may count anything from
`(|D_k| - s_k / 2)**2` to `(|D_k| + s_k / 2)**2` over the least `H (1 - H)` of the cell.

P-values and thresholds come from the law of the statistic on the baseline's cells; see `quadratic`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from detectors.card import Card
from detectors.result import ColumnStatistics, fixed_sample
from detectors.univariate.parameters import Tested
from detectors.univariate.quadratic import anderson_darling_law

if TYPE_CHECKING:
    from detectors.univariate.comparison import Comparison


@dataclass(frozen=True)
class AndersonDarling(Tested):
    """The squared difference of two distribution functions, in units of its own noise."""

    card: ClassVar[Card] = Card(
        input="numeric columns, on cells",
        statistic="A² = n m / N · integral (F - G)² / (H (1 - H)) dH, version for ties",
        guarantee=(
            "fixed sample: a false alarm per column and window with probability alpha, at "
            "most that for few distinct values; independent rows, many of them"
        ),
        cost="nothing per record, 9 µs per column and window for all statistics on cells together",
        memory="16 B per column",
        reference="Scholz & Stephens 1987, J. Amer. Statist. Assoc. 82",
        avoid="rows that depend on each other; windows of fewer than about 50 rows",
    )

    def _measure(self, window: Comparison) -> ColumnStatistics:
        law, moments = anderson_darling_law(), window.reference.laws.darling
        return ColumnStatistics(
            detector="anderson_darling",
            columns=window.reference.numeric,
            statistic=window.darling,
            threshold=law.quantile(self.alpha, moments),
            p_value=law.p_value(window.darling, moments),
            effect=np.sqrt(window.darling * window.precision[: len(window.darling)]),
            effect_unit="root mean square difference, in sd of a row",
            guarantee=fixed_sample(self.alpha),
        )

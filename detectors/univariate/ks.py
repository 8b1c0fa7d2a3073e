"""Two-sample Kolmogorov-Smirnov test on cells, for numeric columns.

The statistic is the largest difference of the two distribution functions, `D = max |F - G|`, here
over the cell edges. With `e = n m / (n + m)` the p-value is Kolmogorov's limit `Q(sqrt(e) D)`,
`Q(x) = 2 sum (-1)^(k-1) exp(-2 k^2 x^2)` (Smirnov 1939).

Looking at edges only can miss at most the largest mass of one cell: `D <= D_exact <= D + max mass`,
so the test is conservative, as it is for discrete data and small samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import kolmogi, kolmogorov

from detectors.card import Card
from detectors.result import ColumnStatistics, fixed_sample
from detectors.univariate.parameters import Tested

if TYPE_CHECKING:
    from detectors.univariate.comparison import Comparison


@dataclass(frozen=True)
class KolmogorovSmirnov(Tested):
    """The largest difference of two distribution functions."""

    card: ClassVar[Card] = Card(
        input="numeric columns, on cells",
        statistic=(
            "D = max |F - G| over the cell edges, short of the exact one by at most the mass "
            "of one cell"
        ),
        guarantee=(
            "fixed sample: a false alarm per column and window with probability at most "
            "alpha; independent rows"
        ),
        cost="nothing per record, 9 µs per column and window for all statistics on cells together",
        memory="nothing beyond the profile",
        reference="Smirnov 1939, Bull. Math. Univ. Moscou 2",
        avoid=(
            "rows that depend on each other (its p-value is then wrong by any factor); "
            "changes in the tails, which it hardly sees"
        ),
    )

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

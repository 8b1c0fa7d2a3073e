"""G-test of homogeneity on group counts: the likelihood ratio beside Pearson's chi-square.

`G = 2 sum O ln(O / E)` over both samples' counts `O` per group and their expectations
`E = rows t / N`, about chi2 with one degree less than groups (Wilks 1938). Small groups are pooled
(see `contingency`). Without small groups this is exactly
`scipy.stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")`.

The effect is `sqrt(G / N)`, about Cramer's V for small changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import chdtrc, rel_entr

from detectors.card import Card
from detectors.result import ColumnStatistics, fixed_sample
from detectors.univariate.fitted import chi_square_quantile
from detectors.univariate.parameters import Tested

if TYPE_CHECKING:
    from detectors.univariate.comparison import Comparison


@dataclass(frozen=True)
class LikelihoodRatio(Tested):
    """Twice the log likelihood ratio of two samples against one."""

    card: ClassVar[Card] = Card(
        input=(
            "numeric columns on quantile groups of the baseline, categorical columns on their "
            "values, small ones pooled"
        ),
        statistic="G = 2 sum O ln(O / E) over both samples",
        guarantee=(
            "fixed sample: a false alarm per column and window with probability alpha; "
            "independent rows"
        ),
        cost="nothing per record, 0.8 µs per column and window",
        memory="nothing beyond the profile",
        reference="Wilks 1938, Ann. Math. Statist. 9",
        avoid=(
            "rows that depend on each other; groups of a handful of rows, where chi2 keeps "
            "its level better"
        ),
    )

    def _measure(self, window: Comparison) -> ColumnStatistics:
        table = window.contingency
        share = table.share[:, None]
        baseline = table.both - table.counts
        said = rel_entr(table.counts, share * table.both)
        said += rel_entr(baseline, (1 - share) * table.both)
        statistic = np.maximum(2 * said.sum(axis=1), 0.0)
        p_value = np.where(table.degrees > 0, chdtrc(table.degrees, statistic), 1.0)
        return ColumnStatistics(
            detector="g",
            columns=window.reference.columns,
            statistic=statistic,
            threshold=chi_square_quantile(table.degrees, self.alpha),
            p_value=np.where(np.isnan(statistic), np.nan, p_value),
            effect=np.sqrt(statistic / (table.rows + table.baseline_rows)),
            effect_unit="root of nats per row",
            guarantee=fixed_sample(self.alpha),
        )

"""Kullback-Leibler divergence of the window from the baseline, on groups.

`KL = sum p ln(p / q)` in nats (Kullback & Leibler 1951), `p` the window's and `q` the baseline's
shares, smoothed by half a row per group in use as in `psi`: without that one new value makes it
infinite. When nothing changes it is about `(1/n + 1/m) chi2_{B-1} / 2`; `threshold` is the
`1 - alpha` quantile of that law.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from detectors.card import Card
from detectors.result import ColumnStatistics
from detectors.univariate.fitted import approximate, null_quantile
from detectors.univariate.parameters import Tested

if TYPE_CHECKING:
    from detectors.univariate.comparison import Comparison


@dataclass(frozen=True)
class KullbackLeibler(Tested):
    """The information that says window and not baseline, per row."""

    card: ClassVar[Card] = Card(
        input=(
            "numeric columns on quantile groups of the baseline, categorical columns on their "
            "values; shares smoothed by half a row per group"
        ),
        statistic="KL = sum p ln(p / q), in nats",
        guarantee=(
            "about alpha of unchanged windows exceed the threshold; independent rows, five "
            "expected rows per group"
        ),
        cost="nothing per record, 0.6 µs per column and window",
        memory="nothing beyond the profile",
        reference="Kullback & Leibler 1951, Ann. Math. Statist. 22",
        avoid=(
            "where window and baseline may be swapped: it is not symmetric (psi and "
            "jensen_shannon are)"
        ),
    )

    def _measure(self, window: Comparison) -> ColumnStatistics:
        p, q = window.smoothed
        divergence = (p * np.log(p / q)).sum(axis=1, where=window.used)
        divergence = np.maximum(divergence, 0.0)
        divergence[np.isnan(window.precision)] = np.nan
        return ColumnStatistics(
            detector="kl",
            columns=window.reference.columns,
            statistic=divergence,
            threshold=window.precision * null_quantile(window, self.alpha) / 2,
            p_value=None,
            effect=divergence,
            effect_unit="nats per row",
            guarantee=approximate(self.alpha),
        )

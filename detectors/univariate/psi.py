"""Population stability index on baseline quantile groups or categories.

`PSI = sum (p - q) ln(p / q)` with shares smoothed by half a row per group in use,
`p = (c + 1/2) / (n + B/2)`, so that an empty group yields a finite term instead of an arbitrary
one. Groups are fixed with the baseline. When nothing changes PSI is about
`(1/n + 1/m) chi2_{B-1}` (Yurdakul & Naranjo 2020), so its size means nothing without the sample
sizes: `threshold` is the `1 - alpha` quantile of that law, not a folklore constant.
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
class PopulationStability(Tested):
    """The symmetric divergence of the shares."""

    card: ClassVar[Card] = Card(
        input=(
            "numeric columns on quantile groups of the baseline, categorical columns on their "
            "values; shares smoothed by half a row per group"
        ),
        statistic="PSI = sum (p - q) ln(p / q)",
        guarantee=(
            "about alpha of unchanged windows exceed the threshold; independent rows, five "
            "expected rows per group"
        ),
        cost="nothing per record, 0.6 µs per column and window",
        memory="nothing beyond the profile",
        reference="Yurdakul & Naranjo 2020, J. Risk Model Validation 14",
        avoid=(
            "with the folklore thresholds .1 and .25: at 10,000 rows they are blind, at 200 "
            "they cry wolf"
        ),
    )

    def _measure(self, window: Comparison) -> ColumnStatistics:
        p, q = window.smoothed
        psi = ((p - q) * np.log(p / q)).sum(axis=1, where=window.used)
        psi[np.isnan(window.precision)] = np.nan
        return ColumnStatistics(
            detector="psi",
            columns=window.reference.columns,
            statistic=psi,
            threshold=window.precision * null_quantile(window, self.alpha),
            p_value=None,
            effect=psi,
            effect_unit="psi",
            guarantee=approximate(self.alpha),
        )

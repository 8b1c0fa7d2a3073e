"""L-infinity distance: the largest change of one group's share.

`L = max |p - q|`, in [0, 1]. The threshold is a Bonferroni bound: with `B` groups in use and shares
`h` of both samples together, each difference is about normal with variance `(1/n + 1/m) h (1 - h)`
without change, and the widest of them stands for all:
`z_{1 - alpha / (2 B)} max_k sqrt((1/n + 1/m) h_k (1 - h_k))`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import ndtri

from detectors.card import Card
from detectors.result import ColumnStatistics, no_guarantee
from detectors.univariate.parameters import Tested

if TYPE_CHECKING:
    from detectors.univariate.comparison import Comparison


@dataclass(frozen=True)
class LInfinity(Tested):
    """The largest change of one group's share."""

    card: ClassVar[Card] = Card(
        input=(
            "numeric columns on quantile groups of the baseline, categorical columns on their "
            "values"
        ),
        statistic="L = max |p - q|, in [0, 1]",
        guarantee=(
            "at most about alpha of unchanged windows exceed the threshold (Bonferroni over "
            "groups); independent rows"
        ),
        cost="nothing per record, 0.3 µs per column and window",
        memory="nothing beyond the profile",
        reference="Dunn 1961, J. Amer. Statist. Assoc. 56 (the bound)",
        avoid="changes that are spread over many groups: each of them is small",
    )

    def _measure(self, window: Comparison) -> ColumnStatistics:
        p, q = window.shares
        distance = np.abs(p - q).max(axis=1, initial=0.0)
        groups = window.group_count
        m = window.reference.rows
        with np.errstate(divide="ignore", invalid="ignore"):
            pooled = (window.groups + window.reference.groups) / (window.rows + m)[:, None]
            widest = np.sqrt((pooled * (1 - pooled)).max(axis=1, initial=0.0) * window.precision)
            tail = np.where(groups > 1, self.alpha / (2 * groups), np.nan)
        return ColumnStatistics(
            detector="linf",
            columns=window.reference.columns,
            statistic=distance,
            threshold=-ndtri(tail) * widest,
            p_value=None,
            effect=distance,
            effect_unit="share of rows",
            guarantee=no_guarantee(
                f"at most about {self.alpha:g} of unchanged windows exceed the threshold; "
                "assumes independent rows"
            ),
        )

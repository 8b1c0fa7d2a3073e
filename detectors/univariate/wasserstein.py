"""Wasserstein-1 distance, for numeric columns: how far, on average, a value has moved.

`W = integral |F - G|`, the area between the distribution functions (Vallender 1974). Inside the
cells the trapezoidal rule over the edges is used, which is exact for values in the middle of their
cells (integers) and else wrong by at most half a cell width. Outside the cells profiles know each
side's area under the distribution function exactly; the absolute difference of these is added,
which is exact unless the functions cross out there. The difference of the means, which profiles
know much more finely than a cell, is a lower bound and taken where it is larger: values that move
within their cells are seen. Values further out than 32 bodies of the baseline count as being there.

The effect is the distance in baseline standard deviations, infinite when a constant column moves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from detectors.card import Card
from detectors.result import ColumnStatistics, no_guarantee
from detectors.univariate.parameters import Untested

if TYPE_CHECKING:
    from detectors.univariate.comparison import Comparison


@dataclass(frozen=True)
class Wasserstein(Untested):
    """The area between two distribution functions.

    Parameters
    ----------
    threshold
        As in `Untested`, in the unit of the statistic.
    normed
        Whether the statistic is in baseline standard deviations instead of the column's unit.
    """

    card: ClassVar[Card] = Card(
        input="numeric columns, on cells",
        statistic="W = ∫ |F - G| dx, wrong by at most half a cell inside the cells",
        guarantee="none: a distance, in the column's unit or (normed) in baseline sd",
        cost="nothing per record, 9 µs per column and window for all statistics on cells together",
        memory="nothing beyond the profile",
        reference="Vallender 1974, Theory Probab. Appl. 18",
        avoid="as a test: its size without change depends on the rows and on the tails",
    )

    normed: bool = False

    def _measure(self, window: Comparison) -> ColumnStatistics:
        with np.errstate(divide="ignore", invalid="ignore"):
            effect = window.area / window.reference.spread
        effect[window.area == 0] = 0.0
        return ColumnStatistics(
            detector="wasserstein",
            columns=window.reference.numeric,
            statistic=effect if self.normed else window.area,
            threshold=None,
            p_value=None,
            effect=effect,
            effect_unit="baseline sd",
            guarantee=no_guarantee(),
        )

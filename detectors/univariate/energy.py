"""Energy distance, for numeric columns: `E = sqrt(2 integral (F - G)**2 dx)`.

That is `sqrt(2 E|X - Y| - E|X - X'| - E|Y - Y'|)` in one dimension (Szekely & Rizzo 2013), as
`scipy.stats.energy_distance` has it. Less than Wasserstein's distance it follows single values that
are far out.

Exact for values in the middle of their cells (counts). Moving all values there moves each sample by
at most `sqrt(sum_k w_k p_k**2)` with `w_k` the width of a cell and `p_k` the sample's share in it,
and `E` is a metric: it is wrong by at most the sum of these two numbers. Beyond the cells profiles
know how many values there are and their mean distance, and all are taken to lie there.

When nothing changes `E**2` has mean `(1/n + 1/m) E|X - X'|`, and it exceeds `chi2_{1, alpha}` times
its mean with probability at most `alpha`, whatever the distribution, as long as `alpha <= .215`
(Szekely & Bakirov 2003). Thresholds and p-values use that: valid, and on the silent side.

The effect is `E` over the root of the baseline's standard deviation: about .75 times a small shift
in standard deviations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import chdtrc, chdtri

from detectors.card import Card
from detectors.errors import ParameterError
from detectors.result import ColumnStatistics, fixed_sample
from detectors.univariate.parameters import Tested

if TYPE_CHECKING:
    from detectors.univariate.comparison import Comparison

LARGEST_ALPHA = 0.215
"""Up to here a quadratic form of normal variables is bounded by the chi-square law."""


@dataclass(frozen=True)
class Energy(Tested):
    """The root of the squared area between two distribution functions."""

    card: ClassVar[Card] = Card(
        input="numeric columns, on cells",
        statistic="E = sqrt(2 ∫ (F - G)² dx), in roots of the column's unit",
        guarantee=(
            "fixed sample: a false alarm per column and window with probability at most "
            "alpha, alpha at most .215; independent rows, many of them"
        ),
        cost="nothing per record, 9 µs per column and window for all statistics on cells together",
        memory="8 B per column",
        reference="Székely & Rizzo 2013, J. Statist. Plann. Inference 143; Székely & Bakirov 2003",
        avoid=(
            "where an exact level matters: the test is conservative; units of different "
            "columns cannot be compared"
        ),
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.alpha > LARGEST_ALPHA:
            raise ParameterError(f"alpha must be in (0, {LARGEST_ALPHA}], got {self.alpha}")

    def _measure(self, window: Comparison) -> ColumnStatistics:
        reference = window.reference
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            square = 2 * window.square_area
            square[np.isinf(square)] = np.nan
            expected = window.precision[: len(square)] * reference.laws.spread
            tail = np.asarray(chdtrc(1.0, square / expected), dtype=np.float64)
            effect = np.sqrt(square / reference.spread)
            threshold = np.sqrt(expected * chdtri(1.0, self.alpha))
        tail = np.where(tail > LARGEST_ALPHA, 1.0, tail)
        nothing = square == 0
        effect[nothing], tail[nothing] = 0.0, 1.0
        return ColumnStatistics(
            detector="energy",
            columns=reference.numeric,
            statistic=np.sqrt(square),
            threshold=threshold,
            p_value=tail,
            effect=effect,
            effect_unit="root of baseline sd",
            guarantee=fixed_sample(self.alpha),
        )

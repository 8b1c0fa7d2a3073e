"""The shapes that detectors have; a plug-in needs these and nothing else.

A detector is a frozen parameters object. Fitted to a baseline it judges windows, all columns at
once, as often as wanted, and keeps nothing from one window to the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from detectors.result import ColumnStatistics
    from detectors.univariate.comparison import Comparison, Reference


class FittedUnivariate(Protocol):
    """A univariate detector that knows its baseline."""

    def judge(self, window: Comparison) -> ColumnStatistics:
        """Measure all columns of one window; never raises or warns because of a column's data."""
        ...


class Univariate(Protocol):
    """Validated parameters of a univariate detector."""

    def fit(self, reference: Reference) -> FittedUnivariate:
        """Prepare what depends on the baseline alone."""
        ...

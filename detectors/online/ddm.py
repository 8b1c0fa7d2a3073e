"""Drift detection method: river's `DDM` (Gama et al., Learning with drift detection, 2004).

For a stream of errors (1) and successes (0): alarms when the error rate plus its standard deviation
rises `drift_threshold` standard deviations above the lowest that it has been.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from detectors.card import Card
from detectors.errors import ParameterError
from detectors.online.bank import Bank
from detectors.online.reads import Reads
from detectors.online.wrapped import River, Wrapped

if TYPE_CHECKING:
    from detectors.online.reference import Reference


@dataclass(frozen=True)
class DriftDetectionMethod(River):
    """Parameters.

    Parameters
    ----------
    warm_start
        Values before the first look, at least 1.
    warning_threshold, drift_threshold
        Standard deviations, positive and in this order; driftd hears of alarms only.

    Raises
    ------
    ParameterError
        If a value is out of its domain.
    """

    river: ClassVar[str] = "river.drift.binary:DDM"
    kept: ClassVar[tuple[str, ...]] = (
        "_drift_detected",
        "_warning_detected",
        "_p.n",
        "_p._mean",
        "_p_min",
        "_s_min",
        "_ps_min",
    )
    reads: ClassVar[Reads] = Reads.ERRORS
    card: ClassVar[Card] = Card(
        input="one stream of 0/1: errors, or a column of zeros and ones",
        statistic="error rate over its minimum so far, in standard deviations",
        guarantee="run length, simulated from the baseline's rate; independent records",
        cost="0.4 µs per column and record",
        memory="7 numbers per column",
        reference="Gama, Medas, Castillo & Rodrigues 2004, SBIA",
        avoid="gradual change, and long stable streams: the minimum is a lucky early one, which "
        "costs false alarms",
    )

    warm_start: int = 30
    warning_threshold: float = 2.0
    drift_threshold: float = 3.0

    def __post_init__(self) -> None:
        if self.warm_start < 1:
            raise ParameterError(f"warm_start must be at least 1, got {self.warm_start}")
        if not 0 < self.warning_threshold <= self.drift_threshold:
            raise ParameterError(
                "warning_threshold must be in (0, drift_threshold], got "
                f"{self.warning_threshold:g} and {self.drift_threshold:g}"
            )

    def fit(self, reference: Reference) -> Bank[Wrapped]:
        """One detector per column.

        Raises
        ------
        ParameterError
            If a column has other values than 0 and 1.
        """
        return Bank("ddm", self, reference.zeros_and_ones("ddm"))

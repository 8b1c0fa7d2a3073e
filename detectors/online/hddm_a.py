"""Hoeffding drift detection, averages: river's `HDDM_A` (Frias-Blanco et al. 2015).

Compares the mean up to the best cut with the mean of everything by Hoeffding's inequality, for
values in [0, 1]: errors, or baseline ranks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from detectors.card import Card
from detectors.online.bank import Bank
from detectors.online.hoeffding import check_confidences
from detectors.online.reads import Reads
from detectors.online.wrapped import River, Wrapped

if TYPE_CHECKING:
    from detectors.online.reference import Reference


@dataclass(frozen=True)
class HoeffdingAverages(River):
    """Parameters.

    Parameters
    ----------
    drift_confidence, warning_confidence
        Levels of the inequality, `0 < drift_confidence <= warning_confidence < 1`; driftd hears of
        alarms only.
    two_sided_test
        Whether decreases of the mean count too.

    Raises
    ------
    ParameterError
        If a value is out of its domain.
    """

    river: ClassVar[str] = "river.drift.binary:HDDMA"
    kept: ClassVar[tuple[str, ...]] = (
        "_drift_detected",
        "_warning_detected",
        *(f"{mean}.{part}" for mean in ("_x_min", "_x_max", "_z") for part in ("n", "_mean")),
    )
    reads: ClassVar[Reads] = Reads.SCORES
    card: ClassVar[Card] = Card(
        input="one stream of 0/1 or in [0, 1]; numeric columns as baseline ranks",
        statistic="mean of everything against the mean up to the best cut",
        guarantee="run length, simulated from the baseline's values; independent records",
        cost="2 µs per column and record",
        memory="8 numbers per column",
        reference="Frias-Blanco et al. 2015, IEEE Trans. Knowl. Data Eng. 27",
        avoid="changes late in a stream: the mean of everything moves slowly",
    )

    drift_confidence: float = 0.001
    warning_confidence: float = 0.005
    two_sided_test: bool = False

    def __post_init__(self) -> None:
        check_confidences(self.drift_confidence, self.warning_confidence)

    def fit(self, reference: Reference) -> Bank[Wrapped]:
        """One detector per column."""
        return Bank("hddm_a", self, reference.ranks())

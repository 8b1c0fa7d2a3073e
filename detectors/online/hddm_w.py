"""Hoeffding drift detection, weighted: river's `HDDM_W` (Frias-Blanco et al. 2015).

Compares exponentially weighted means before and after the best cut by McDiarmid's inequality, for
values in [0, 1]: errors, or baseline ranks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from detectors.card import Card
from detectors.errors import ParameterError
from detectors.online.bank import Bank
from detectors.online.hoeffding import check_confidences
from detectors.online.reads import Reads
from detectors.online.wrapped import River, Wrapped, read, write

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detectors.online.reference import Reference

MEANS = ("_total", "_s1_decr", "_s1_incr", "_s2_decr", "_s2_incr")


@dataclass(frozen=True)
class HoeffdingWeighted(River):
    """Parameters.

    Parameters
    ----------
    drift_confidence, warning_confidence
        Levels of the inequality, `0 < drift_confidence <= warning_confidence < 1`; driftd hears of
        alarms only.
    lambda_val
        Weight of the newest value, in (0, 1).
    two_sided_test
        Whether decreases of the mean count too.

    Raises
    ------
    ParameterError
        If a value is out of its domain.
    """

    river: ClassVar[str] = "river.drift.binary:HDDMW"
    kept: ClassVar[tuple[str, ...]] = (
        "_drift_detected",
        "_warning_detected",
        "_incr_cutpoint",
        "_decr_cutpoint",
        *(f"{mean}.{part}" for mean in MEANS for part in ("_is_init", "_ibc")),
    )
    reads: ClassVar[Reads] = Reads.SCORES
    card: ClassVar[Card] = Card(
        input="one stream of 0/1 or in [0, 1]; numeric columns as baseline ranks",
        statistic="weighted mean after the best cut against the one before it",
        guarantee="run length, simulated from the baseline's values; independent records",
        cost="3 µs per column and record",
        memory="19 numbers per column",
        reference="Frias-Blanco et al. 2015, IEEE Trans. Knowl. Data Eng. 27",
        avoid="slow change, and where false alarms are dear: the cut is chosen among many, which "
        "its inequality does not count",
    )

    drift_confidence: float = 0.001
    warning_confidence: float = 0.005
    lambda_val: float = 0.05
    two_sided_test: bool = False

    def __post_init__(self) -> None:
        check_confidences(self.drift_confidence, self.warning_confidence)
        if not 0 < self.lambda_val < 1:
            raise ParameterError(f"lambda_val must be in (0, 1), got {self.lambda_val:g}")

    def fit(self, reference: Reference) -> Bank[Wrapped]:
        """One detector per column."""
        return Bank("hddm_w", self, reference.ranks())

    def dump(self, single: Wrapped) -> dict[str, Any]:
        """See `River`; the means themselves are not attributes."""
        means = {mean: getattr(single.inner, mean).ewma for mean in MEANS}
        return {**read(single.inner, self.kept), "means": means}

    def load(self, state: Mapping[str, Any]) -> Wrapped:
        """Inverse of `dump`."""
        single = self.start()
        for name, mean in state["means"].items():
            if state[f"{name}._is_init"]:
                # The first value of a weighted mean is the mean.
                getattr(single.inner, name).update(mean)
        write(single.inner, {path: state[path] for path in self.kept})
        return single

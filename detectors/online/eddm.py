"""Early drift detection method: river's `EDDM` (Baena-Garcia et al. 2006).

For a stream of errors (1) and successes (0): alarms when the distance between errors, mean plus two
standard deviations, falls below the share `beta` of the largest that it has been.
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
class EarlyDriftDetectionMethod(River):
    """Parameters.

    Parameters
    ----------
    warm_start
        Values and errors before the first look, at least 1.
    alpha, beta
        Shares at which it warns and alarms, `0 < beta <= alpha < 1`; driftd hears of alarms only.

    Raises
    ------
    ParameterError
        If a value is out of its domain.
    """

    river: ClassVar[str] = "river.drift.binary:EDDM"
    kept: ClassVar[tuple[str, ...]] = (
        "_drift_detected",
        "_warning_detected",
        "_error_distances.mean.n",
        "_error_distances.mean._mean",
        "_error_distances._S",
        "_n",
        "_last_error",
        "_n_errors",
        "_p2s_prime_max",
    )
    reads: ClassVar[Reads] = Reads.ERRORS
    card: ClassVar[Card] = Card(
        input="one stream of 0/1: errors, or a column of zeros and ones",
        statistic="distance between errors, as a share of the largest it has been",
        guarantee="run length, simulated from the baseline's rate; independent records",
        cost="0.2 µs per column and record",
        memory="9 numbers per column",
        reference="Baena-Garcia, del Campo-Avila, Fidalgo, Bifet, Gavalda & Morales-Bueno 2006, "
        "IWKDDS",
        avoid="rates above a few percent: it alarms often while nothing changes",
    )

    warm_start: int = 30
    alpha: float = 0.95
    beta: float = 0.9

    def __post_init__(self) -> None:
        if self.warm_start < 1:
            raise ParameterError(f"warm_start must be at least 1, got {self.warm_start}")
        if not 0 < self.beta <= self.alpha < 1:
            raise ParameterError(
                f"beta must be in (0, alpha] and alpha below 1, got {self.beta:g}, {self.alpha:g}"
            )

    def fit(self, reference: Reference) -> Bank[Wrapped]:
        """One detector per column.

        Raises
        ------
        ParameterError
            If a column has other values than 0 and 1.
        """
        return Bank("eddm", self, reference.zeros_and_ones("eddm"))

"""Whether a column that drifted is back: a likelihood ratio of the baseline against the drift.

While a column is frozen its scores keep saying how far it is from the baseline. A CUSUM of the
ratio between 'scores are centred again' and 'scores are where they were at the alarm' starts again
at every window; at `LINE` the column has recovered (Page 1954; Wald's line for 1 in 20).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from detectors.sequential.calibration import Calibration
    from detectors.sequential.monitor import StepResult

LINE = 20.0


@dataclass(frozen=True)
class Recovery:
    """A drifted column under watch.

    Attributes
    ----------
    series
        The series that led at the alarm.
    shift
        Its size then, in innovation standard deviations, signed.
    step
        Whether it was a level step seen through whitening.
    log_evidence
        Natural logarithm of the evidence for a return, at least 0.
    """

    series: int
    shift: float
    step: bool
    log_evidence: float = 0.0

    @classmethod
    def watch(cls, result: StepResult, column: int) -> Recovery:
        """Begin to watch a column with the change that a window's result says it had.

        Raises
        ------
        InputError
            If the result knows no change of this column.
        """
        series, shift = int(result.leader.series[column]), float(result.change.shift[column])
        if series < 0 or np.isnan(shift):
            raise InputError(f"column {column} shows no change that could be undone")
        return cls(series, shift, bool(result.change.step[column]))

    @property
    def recovered(self) -> bool:
        """Whether the evidence for a return reached LINE."""
        return self.log_evidence >= math.log(LINE)

    def state(self) -> dict[str, Any]:
        """Everything as plain values."""
        return asdict(self)

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Recovery:
        """Watch of a `state()`."""
        return cls(**state)


def recovery_step(calibration: Calibration, recovery: Recovery, z: NDArray[np.float64]) -> Recovery:
    """Evidence after one more window with scores `z` `(S,)`; a NaN score changes nothing."""
    score = float(z[recovery.series])
    if np.isnan(score):
        return recovery
    nu = float(calibration.likelihood.nu[recovery.series, 0])
    remains = float(calibration.likelihood.remains[recovery.series])
    drifted = recovery.shift * (remains if recovery.step else 1.0)
    # A step back shows through whitening as its negative in the first window, then as nothing.
    onset = drifted - recovery.shift if recovery.step else 0.0
    going_on = recovery.log_evidence + _log_ratio(score, 0.0, drifted, nu)
    beginning = _log_ratio(score, onset, drifted, nu)
    return replace(recovery, log_evidence=max(going_on, beginning, 0.0))


def _log_ratio(score: float, mean: float, other: float, nu: float) -> float:
    """Log likelihood ratio of one mean against another under a Student-t law."""
    return float((nu + 1) / 2 * np.log((nu + (score - other) ** 2) / (nu + (score - mean) ** 2)))

"""Back-test on the baseline itself, which says how wary each column's evidence must be.

Parameters come from the first half of the baseline's windows, evidence from the second, at a line
at which a valid monitor raises at most `EXPECTED` alarms. Columns that alarm climb a ladder of
heavier tails and larger gates until at most `TOLERATED` alarms remain; when more columns than that
alarm, the others are of the same kind and only lucky, so all climb.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.sequential.calibration import Calibration

EXPECTED = 5.0
TOLERATED = 2
LADDER = (
    (60.0, 0.0),
    (60.0, 0.25),
    (20.0, 0.25),
    (10.0, 0.25),
    (6.0, 0.25),
    (4.0, 0.25),
    (60.0, 0.5),
    (20.0, 0.5),
    (6.0, 0.5),
    (6.0, 0.75),
    (6.0, 1.0),
    (4.0, 1.0),
    (6.0, 1.5),
    (4.0, 2.0),
    (4.0, 3.0),
)
"""(degrees of freedom, gate); no series uses more degrees of freedom than its own tails allow."""


@dataclass(frozen=True, eq=False)
class BackTest:
    """Outcome of a back-test.

    Attributes
    ----------
    nu, gate
        `(F,)`: settings chosen per column.
    alarms
        Alarms that remain with them on the tested windows.
    expected
        The most that a valid monitor raises there in expectation.
    windows
        Windows tested.
    exhausted
        bool `(F,)`: columns that climbed to the end of the ladder: their baseline is not
        stationary.
    """

    nu: NDArray[np.float64]
    gate: NDArray[np.float64]
    alarms: int
    expected: float
    windows: int
    exhausted: NDArray[np.bool_]


def backtest(calibration: Calibration, z: NDArray[np.float64]) -> BackTest:
    """Climb the ladder until the scores of held-out baseline windows raise few alarms.

    Parameters
    ----------
    calibration
        Fitted on earlier windows.
    z
        `(T, S)`: its one-step scores on the held-out windows.
    """
    rung = np.zeros(calibration.columns, dtype=np.int64)
    line = len(z) / EXPECTED
    while True:
        nu, gate = settings(rung)
        alarms = count_alarms(calibration.with_settings(nu, gate), z, line)
        climbing = _climbing(alarms, rung)
        if alarms.sum() <= (TOLERATED if rung.any() else 0) or not climbing.any():
            break
        rung = rung + climbing
    exhausted = (rung == len(LADDER) - 1) & (alarms > 0)
    return BackTest(nu, gate, int(alarms.sum()), EXPECTED, len(z), exhausted)


def settings(rung: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Degrees of freedom and gates `(F,)` on rungs of the ladder."""
    ladder = np.array(LADDER)
    return ladder[rung, 0], ladder[rung, 1]


def count_alarms(
    calibration: Calibration, z: NDArray[np.float64], line: float
) -> NDArray[np.int64]:
    """Alarms per column `(F,)` over scores `(T, S)`, starting again after each.

    `line` is the evidence at which the whole bank would alarm; each column bears its equal share.
    """
    model = calibration.likelihood
    series = len(calibration.column)
    constant = np.zeros((2, series, model.constant.shape[1]))
    stepped = np.zeros((2, len(model.stepping), model.constant.shape[1]))
    alarms = np.zeros(calibration.columns, dtype=np.int64)
    for scores in z:
        constant, stepped = model.update(constant, stepped, scores)
        weighted = calibration.weight * model.by_series(constant, stepped)
        evidence = np.bincount(calibration.column, weighted, minlength=calibration.columns)
        over = evidence >= line * calibration.columns
        alarms += over
        constant[:, over[calibration.column]] = 0.0
        stepped[:, over[calibration.column[model.stepping]]] = 0.0
    return alarms


def _climbing(alarms: NDArray[np.int64], rung: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Columns that go one rung up: those that alarmed, or all when alarms are widespread."""
    alarmed = alarms > 0
    widespread = alarmed.sum() > TOLERATED
    climbing: NDArray[np.bool_] = (alarmed | widespread) & (rung < len(LADDER) - 1)
    return climbing

"""driftd's evidence on a stream, without the daemon: calibrate on the baseline, then step."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detectors.sequential.calibrate import calibrate
from detectors.sequential.monitor import SequentialState, reset, step
from detectors.sequential.recovery import Recovery, recovery_step

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.sequential.calibration import Calibration
    from tests.bench.quality.worlds import Seen

MIN_EFFECT = 0.05


class Alarms(NamedTuple):
    """What fired, windows after the baseline by columns, `(T, F)` each.

    Attributes
    ----------
    crossed
        The evidence crossed its line; it begins anew after that.
    told
        A drift was told as the daemon's policy would: clearly larger than `MIN_EFFECT`, once until
        the column is back.
    """

    crossed: NDArray[np.bool_]
    told: NDArray[np.bool_]


def calibrated(seen: Seen) -> Calibration:
    """The baseline's calibration."""
    history = slice(0, seen.reference)
    return calibrate(
        seen.y[history],
        seen.x[history],
        seen.bank,
        rows=seen.rows[history],
        consecutive=seen.consecutive[history],
    )


def crossings(calibration: Calibration, seen: Seen, period: float) -> NDArray[np.bool_]:
    """Windows and columns `(T, F)` at which evidence crosses a line of one alarm per `period`."""
    lines = np.full(calibration.columns, float(period) * calibration.columns)
    return crossings_at(calibration, seen, lines)


def crossings_at(
    calibration: Calibration, seen: Seen, lines: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Windows and columns `(T, F)` at which evidence crosses its line; it begins anew then."""
    nobody = np.zeros(calibration.columns, dtype=bool)
    state, found = SequentialState.start(calibration), []
    consecutive = seen.consecutive
    for t in range(seen.reference, len(seen.y)):
        state, result = step(
            calibration,
            lines,
            state,
            seen.y[t],
            seen.x[t],
            rows=float(seen.rows[t]),
            consecutive=bool(consecutive[t]),
            frozen=nobody,
        )
        if result.alarm.any():
            state = reset(calibration, state, result.alarm)
        found.append(result.alarm)
    return np.array(found)


def drifts(
    calibration: Calibration, seen: Seen, lines: NDArray[np.float64], *, min_effect: float
) -> NDArray[np.bool_]:
    """Windows and columns `(T, F)` at which a drift is told, as `monitor.engine.policy` does."""
    columns = calibration.columns
    state = SequentialState.start(calibration)
    watched: dict[int, Recovery] = {}
    found = []
    consecutive = seen.consecutive
    for t in range(seen.reference, len(seen.y)):
        frozen = np.zeros(columns, dtype=bool)
        frozen[list(watched)] = True
        state, result = step(
            calibration,
            lines,
            state,
            seen.y[t],
            seen.x[t],
            rows=float(seen.rows[t]),
            consecutive=bool(consecutive[t]),
            frozen=frozen,
        )
        watched = {f: recovery_step(calibration, w, result.z) for f, w in watched.items()}
        back = np.zeros(columns, dtype=bool)
        back[[f for f, w in watched.items() if w.recovered]] = True
        watched = {f: w for f, w in watched.items() if not w.recovered}
        over = result.alarm & ~back
        if over.any():
            pooled = seen.bank.pooled[result.leader.series]
            over &= result.change.matters(pooled, min_effect)
        told = over & ~np.isin(np.arange(columns), list(watched))
        watched |= {int(f): Recovery.watch(result, int(f)) for f in np.flatnonzero(told)}
        if (over | back).any():
            state = reset(calibration, state, over | back)
        found.append(told)
    return np.array(found)


def alarms(seen: Seen, period: float) -> Alarms:
    """Both counts at a budget of one false alarm per `period` windows over all columns."""
    calibration = calibrated(seen)
    lines = np.full(calibration.columns, float(period) * calibration.columns)
    return alarms_at(calibration, seen, lines)


def alarms_at(calibration: Calibration, seen: Seen, lines: NDArray[np.float64]) -> Alarms:
    """Both counts at given lines; what never crosses is never told."""
    crossed = crossings_at(calibration, seen, lines)
    if not crossed.any():
        return Alarms(crossed, crossed)
    return Alarms(crossed, drifts(calibration, seen, lines, min_effect=MIN_EFFECT))


def delays(seen: Seen, line: float) -> NDArray[np.float64]:
    """Windows `(F,)` until each column's evidence reaches `line`, inf when it does not."""
    calibration = calibrated(seen)
    lines = np.full(calibration.columns, line)
    nobody = np.zeros(calibration.columns, dtype=bool)
    state = SequentialState.start(calibration)
    first = np.full(calibration.columns, np.inf)
    for t in range(seen.reference, len(seen.y)):
        state, result = step(
            calibration,
            lines,
            state,
            seen.y[t],
            seen.x[t],
            rows=float(seen.rows[t]),
            consecutive=True,
            frozen=nobody,
        )
        place = t - seen.reference + 1
        first = np.where(result.alarm, np.minimum(first, place), first)
    return first

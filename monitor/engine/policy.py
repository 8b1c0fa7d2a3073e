"""From evidence to what people are told: the line, the effect gate, and known drifts.

A column over the line is `drift` when the change, as measured since its estimated start, is clearly
larger than `min_effect` (`Change.matters`), compared with what the whole baseline shows; else it is
a `warning` that rings nowhere. The gate compares with the pooled baseline and not
with the season's prediction on purpose: traffic that looks like the baseline taken as a whole is no
drift, even where the day of the week says otherwise.

A drift that turns into its opposite while it lasts is told anew, with its own beginning.

A drift is told once and kept until the column is back: until the likelihood that its leading
component sits where the baseline was, against where the change had put it, has been 20 to one for
`recover_windows` windows in a row. While it lasts the column does not learn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detectors.sequential.monitor import reset
from detectors.sequential.recovery import Recovery, recovery_step
from monitor.engine.memory import Drift

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.sequential.calibration import Calibration
    from detectors.sequential.monitor import StepResult
    from monitor.engine.memory import Watch
    from monitor.model import PolicySpec


@dataclass(frozen=True, slots=True)
class Standing:
    """How a stream's columns stand after a window, by column index."""

    drifting: tuple[Drift, ...]
    warned: tuple[int, ...]
    recovered: tuple[int, ...]


def update(
    watch: Watch,
    calibration: Calibration,
    result: StepResult,
    spec: PolicySpec,
    pooled: NDArray[np.float64],
) -> Standing:
    """Open, keep and close drifts; the evidence of those columns begins anew.

    `pooled` is what every series shows of the baseline as a whole, float64 `(S,)`.
    """
    recovered = tuple(
        column
        for column, drift in watch.drifts.items()
        if _is_back(drift, calibration, result, spec)
    )
    for column in recovered:
        del watch.drifts[column]
    over = [c for c in np.flatnonzero(result.alarm).tolist() if c not in recovered]
    matters = result.change.matters(pooled[result.leader.series], spec.min_effect)
    told = [column for column in over if matters[column]]
    for column in told:
        if _is_news(watch.drifts.get(column), result, column):
            watch.drifts[column] = opened(watch, result, column)
    columns = np.zeros(len(result.alarm), dtype=np.bool_)
    columns[[*told, *recovered]] = True
    watch.sequential = reset(calibration, watch.sequential, columns)
    warned = tuple(c for c in over if c not in told and c not in watch.drifts)
    return Standing(tuple(watch.drifts.values()), warned, recovered)


def _is_news(known: Drift | None, result: StepResult, column: int) -> bool:
    """Whether an alarm of a column says something else than what is known of it.

    Another component of the same column is not news: a step shows in several, and which of them
    leads changes from window to window. The same component on its other side is.
    """
    if known is None:
        return True
    same = int(result.leader.series[column]) == known.series
    return same and float(result.change.shift[column]) * known.recovery.shift < 0


def opened(watch: Watch, result: StepResult, column: int) -> Drift:
    """The drift of a column as this window shows it."""
    change = result.change
    return Drift(
        column=column,
        since=watch.started(int(change.start[column])),
        low=watch.started(int(change.high[column])),
        high=watch.started(int(change.low[column])),
        effect=float(change.effect[column]),
        error=float(change.effect_error[column]),
        evidence_log10=float(result.log10[column]),
        recovery=Recovery.watch(result, column),
    )


def _is_back(drift: Drift, calibration: Calibration, result: StepResult, spec: PolicySpec) -> bool:
    """Add this window's word on whether the column is where the baseline was."""
    drift.recovery = recovery_step(calibration, drift.recovery, result.z)
    drift.calm = drift.calm + 1 if drift.recovery.recovered else 0
    return drift.calm >= spec.recover_windows

"""Statistics of single columns: what is measured, how unusual that is, what people's rules say.

Statistics describe; the sequential evidence decides. Two things can be said of them beyond their
size. `window_p` is where a window's statistic lies among those of the baseline's own windows at a
similar time of the calendar: `(1 + windows at least as far) / (1 + windows)`. It holds however rows
depend on each other, as long as windows are exchangeable; p-values of rows do not. And where the
configuration gives a detector a `threshold` or an `alpha` of its own, a statistic beyond it is a
finding of the asked severity. Such a rule is outside the false-alarm budget.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from monitor.engine.decision import Finding, rfc3339
from monitor.engine.phase import alike
from monitor.engine.seasonal import Compared
from monitor.engine.sentences import number
from monitor.engine.windows import middle

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from detectors.protocols import Univariate
    from detectors.result import ColumnStatistics
    from monitor.baseline import History, SegmentBaseline
    from monitor.engine.windows import ClosedWindow
    from monitor.model import DetectorSpec, ModelSpec

KIND: Final = "threshold"
"""Kind of the findings that people's own thresholds make."""
FEWEST: Final = 8
"""Windows of the baseline below which no window is called unusual among them."""


@dataclass(frozen=True, eq=False)
class Measured:
    """One detector's word on a window.

    `window_p` float64 `(c,)` as in the module's docstring, None without history; `shown` bool
    `(c,)` which columns were asked for; `severity` what a statistic over its threshold is, empty
    where nobody asked.
    """

    statistics: ColumnStatistics
    window_p: NDArray[np.float64] | None
    shown: NDArray[np.bool_]
    severity: str

    def crossed(self) -> list[int]:
        """Which columns are over a threshold that somebody asked for."""
        threshold = self.statistics.threshold
        if threshold is None or not self.severity:
            return []
        with np.errstate(invalid="ignore"):
            over = (self.statistics.statistic > threshold) & self.shown
        return np.flatnonzero(over).tolist()


@dataclass(frozen=True, slots=True)
class Statistics:
    """What is measured on a segment's windows. Build it with `Statistics.of`.

    `asked` says what the configuration wants of each detector, None where it is silent.
    """

    pooled: Compared
    asked: tuple[DetectorSpec, ...] | None
    history: History
    every: int | None

    @classmethod
    def of(cls, baseline: SegmentBaseline, spec: ModelSpec) -> Statistics:
        """Fit the configured detectors, or all of them, to a segment's baseline."""
        pooled = Compared.of(baseline.profile, detectors_of(spec))
        return cls(pooled, spec.detectors, baseline.history, spec.window.every)

    @property
    def alarms(self) -> bool:
        """Whether the configuration lets a statistic alarm."""
        return any(spec.severity for spec in self.asked or ())

    def measure(self, window: ClosedWindow, compared: Compared) -> list[Measured]:
        """Every detector's word beside `compared`, in the order of the configuration.

        How unusual a window is among the baseline's is asked of the whole baseline, whatever it is
        compared with.
        """
        found = usual = compared.battery.judge(window.profile)
        if compared is not self.pooled and self.history.statistics:
            usual = self.pooled.battery.judge(window.profile)
        kept = max(map(len, self.history.statistics.values()), default=0)
        mids = self.history.mid[len(self.history.mid) - kept :]
        near = alike(middle(window), mids, self.every)
        asked = self.asked or (None,) * len(found)
        return [
            self._one(one, pooled.statistic, spec, near)
            for one, pooled, spec in zip(found, usual, asked, strict=True)
        ]

    def _one(
        self,
        statistics: ColumnStatistics,
        pooled: NDArray[np.float64],
        spec: DetectorSpec | None,
        near: NDArray[np.bool_],
    ) -> Measured:
        columns = statistics.columns
        shown = np.ones(len(columns), dtype=np.bool_)
        if spec is not None and spec.columns is not None:
            shown = np.array([name in spec.columns for name in columns], dtype=np.bool_)
        history = self.history.statistics.get(statistics.detector)
        window_p = None
        if history is not None and history.shape[1] == len(columns):
            window_p = _window_p(pooled, history, near)
        return Measured(statistics, window_p, shown, "" if spec is None else spec.severity)


def detectors_of(spec: ModelSpec) -> list[Univariate] | None:
    """The detectors that the configuration names; None when it leaves the choice to driftd."""
    return None if spec.detectors is None else [one.detector for one in spec.detectors]


def _window_p(
    statistic: NDArray[np.float64], history: NDArray[np.float32], near: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Conformal p-values float64 `(c,)`; NaN where either side was not observed often enough."""
    beside = history[near]
    here = narrowed(statistic)
    with np.errstate(invalid="ignore"):
        farther = np.add.reduce(beside >= here, axis=0, dtype=np.uint32)
    observed = np.add.reduce(~np.isnan(beside), axis=0, dtype=np.uint32)
    usable = (observed >= FEWEST) & ~np.isnan(here)
    return np.where(usable, (1.0 + farther) / (1.0 + observed), np.nan)


class Measurement:
    """What `Statistics.measure` says of one window; nothing is measured before somebody asks."""

    def __init__(self, statistics: Statistics, window: ClosedWindow, compared: Compared) -> None:
        self._statistics = statistics
        self._window = window
        self._compared = compared

    @cached_property
    def measured(self) -> list[Measured]:
        """Every detector's word."""
        return self._statistics.measure(self._window, self._compared)

    def crossings(self) -> list[Finding]:
        """What people's own thresholds make of it."""
        return crossings(self.measured, self._window) if self._statistics.alarms else []


def crossings(measured: Sequence[Measured], window: ClosedWindow) -> list[Finding]:
    """Findings of the user's own thresholds, one per column and detector."""
    start = rfc3339(window.start)
    return [
        _crossing(one.statistics, column, one.severity, start)
        for one in measured
        for column in one.crossed()
    ]


def _crossing(statistics: ColumnStatistics, column: int, severity: str, start: str) -> Finding:
    name, value = statistics.columns[column], float(statistics.statistic[column])
    line = float(statistics.threshold[column]) if statistics.threshold is not None else np.nan
    return Finding(
        kind=KIND,
        column=name,
        severity=severity,
        measure=statistics.detector,
        text=(
            f"{name}: {statistics.detector} is {number(value)}, over your threshold "
            f"{number(line)} (outside the false-alarm budget)"
        ),
        since=start,
        since_low=start,
        since_high=start,
        effect=float(statistics.effect[column]),
        effect_unit=statistics.effect_unit,
        baseline_value=line,
        current_value=value,
    )


def narrowed(statistic: NDArray[np.float64]) -> NDArray[np.float32]:
    """As the history keeps statistics: seven digits, infinite beyond 3e38."""
    with np.errstate(over="ignore"):
        return statistic.astype(np.float32)


def history_of(
    statistics: Sequence[Mapping[str, NDArray[np.float32]]],
) -> dict[str, NDArray[np.float32]]:
    """Statistics of windows, oldest first, as one array `(R, c)` per detector."""
    if not statistics:
        return {}
    return {name: np.array([one[name] for one in statistics]) for name in statistics[0]}

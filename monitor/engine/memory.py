"""What is remembered of one stream from window to window; bounded, and part of the state."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.quality.newcomers import Newcomers
from detectors.quality.replay import RecentRows
from detectors.sequential.monitor import RECENT, SequentialState, step
from detectors.sequential.recovery import Recovery

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from detectors.sequential.calibration import Calibration
    from detectors.sequential.monitor import StepResult
    from monitor.baseline import SegmentBaseline
    from monitor.engine.windows import ClosedWindow


@dataclass(slots=True)
class Drift:
    """A column that is known to have moved, until it is back.

    `since`, `low`, `high` are window starts in microseconds; `effect` and `error` per row as in
    `detectors.sequential.changepoint.Change`; `recovery` knows which component moved and watches
    it; `calm` counts windows in a row in which it says that the column is back.
    """

    column: int
    since: int
    low: int
    high: int
    effect: float
    error: float
    evidence_log10: float
    recovery: Recovery
    calm: int = 0

    @property
    def series(self) -> int:
        """Index of the component that moved."""
        return self.recovery.series

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Drift:
        """Inverse of `dataclasses.asdict`."""
        return cls(**{**state, "recovery": Recovery.restore(state["recovery"])})


@dataclass(slots=True)
class Watch:
    """Sequential evidence on one set of series: its state, open drifts, starts of last windows."""

    sequential: SequentialState
    last_index: int | None = None
    drifts: dict[int, Drift] = field(default_factory=dict)
    starts: deque[int] = field(default_factory=lambda: deque(maxlen=RECENT))

    @classmethod
    def begin(cls, calibration: Calibration) -> Watch:
        """Begin after the baseline's last window."""
        return cls(SequentialState.start(calibration))

    def observe(
        self,
        calibration: Calibration,
        lines: NDArray[np.float64],
        y: NDArray[np.float64],
        x: NDArray[np.float64],
        window: Place,
    ) -> StepResult:
        """Take a window's components `y` and season `x` in."""
        frozen = np.zeros(calibration.columns, dtype=np.bool_)
        frozen[list(self.drifts)] = True  # what has drifted must not learn
        self.sequential, result = step(
            calibration,
            lines,
            self.sequential,
            y,
            x,
            rows=float(window.rows),
            consecutive=self.last_index is not None and window.index == self.last_index + 1,
            frozen=frozen,
        )
        self.last_index = window.index
        self.starts.append(window.start)
        return result

    def started(self, ago: int) -> int:
        """Start of the window `ago` windows before the last one, as far as that is remembered."""
        return self.starts[max(-1 - ago, -len(self.starts))]

    def state(self) -> dict[str, Any]:
        """Plain data that `restore` continues from."""
        return {
            "sequential": self.sequential.to_arrays(),
            "last": self.last_index,
            "drifts": [asdict(drift) for drift in self.drifts.values()],
            "starts": list(self.starts),
        }

    @classmethod
    def restore(cls, calibration: Calibration, state: Mapping[str, Any]) -> Watch:
        """Inverse of `state`."""
        watch = cls(SequentialState.from_arrays(calibration, state["sequential"]), state["last"])
        watch.drifts = {drift["column"]: Drift.restore(drift) for drift in state["drifts"]}
        watch.starts.extend(state["starts"])
        return watch


@dataclass(frozen=True, slots=True)
class Place:
    """Where a window stands: its index, its start in microseconds, and how many rows it has."""

    index: int
    start: int
    rows: int


@dataclass(frozen=True, slots=True)
class Seen:
    """One window that was judged: where it began and where its numeric columns lay."""

    start: int
    mean: NDArray[np.float64]
    std: NDArray[np.float64]


@dataclass(slots=True)
class StreamMemory:
    """One stream: what watches its columns and its panel, and the last windows to tell about."""

    columns: Watch
    panel: Watch | None = None
    seen: deque[Seen] = field(default_factory=lambda: deque(maxlen=RECENT))
    recent: RecentRows = field(default_factory=RecentRows)
    newcomers: Newcomers = field(default_factory=Newcomers)

    @classmethod
    def start(cls, baseline: SegmentBaseline) -> StreamMemory:
        """A stream that begins after the baseline's last window."""
        panel = Watch.begin(baseline.panel.calibration) if baseline.panel else None
        return cls(Watch.begin(baseline.calibration), panel)

    def saw(self, window: ClosedWindow) -> None:
        """Remember a judged window."""
        self.seen.append(Seen(window.start, window.profile.mean(), window.profile.std()))

    def since(self, start: int) -> list[Seen]:
        """Remembered windows that began at `start` or later; the last one always."""
        return [seen for seen in self.seen if seen.start >= start] or [self.seen[-1]]

    def state(self) -> dict[str, Any]:
        """Plain data that `restore` continues from."""
        return {
            "columns": self.columns.state(),
            "panel": self.panel and self.panel.state(),
            "starts": [seen.start for seen in self.seen],
            "means": np.array([seen.mean for seen in self.seen]),
            "stds": np.array([seen.std for seen in self.seen]),
            "recent": self.recent.state(),
            "newcomers": self.newcomers.state(),
        }

    @classmethod
    def restore(cls, baseline: SegmentBaseline, state: Mapping[str, Any]) -> StreamMemory:
        """Inverse of `state`."""
        memory = cls(Watch.restore(baseline.calibration, state["columns"]))
        if baseline.panel is not None:
            memory.panel = Watch.restore(baseline.panel.calibration, state["panel"])
        windows = zip(state["starts"], state["means"], state["stds"], strict=True)
        memory.seen.extend(Seen(*window) for window in windows)
        memory.recent = RecentRows.restore(state["recent"])
        memory.newcomers = Newcomers.restore(state["newcomers"])
        return memory

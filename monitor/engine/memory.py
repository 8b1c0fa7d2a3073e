"""What is remembered of one stream from window to window; bounded, and part of the state."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.sequential.monitor import RECENT, SequentialState
from detectors.sequential.recovery import Recovery

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from detectors.sequential.calibration import Calibration
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


@dataclass(frozen=True, slots=True)
class Seen:
    """One window that was judged: where it began and where its numeric columns lay."""

    start: int
    mean: NDArray[np.float64]
    std: NDArray[np.float64]


@dataclass(slots=True)
class StreamMemory:
    """One stream: sequential state, open drifts, and the last windows for telling about them."""

    sequential: SequentialState
    last_index: int | None = None
    drifts: dict[int, Drift] = field(default_factory=dict)
    seen: deque[Seen] = field(default_factory=lambda: deque(maxlen=RECENT))

    @classmethod
    def start(cls, calibration: Calibration) -> StreamMemory:
        """A stream that begins after the baseline's last window."""
        return cls(SequentialState.start(calibration))

    def follows(self, index: int) -> bool:
        """Whether window `index` comes right after the last one judged."""
        return self.last_index is not None and index == self.last_index + 1

    def saw(self, window: ClosedWindow) -> None:
        """Remember a judged window."""
        self.last_index = window.index
        self.seen.append(Seen(window.start, window.profile.mean(), window.profile.std()))

    def since(self, start: int) -> list[Seen]:
        """Remembered windows that began at `start` or later; the last one always."""
        return [seen for seen in self.seen if seen.start >= start] or [self.seen[-1]]

    def started(self, ago: int) -> int:
        """Start of the window `ago` windows before the last one, as far as that is remembered."""
        return self.seen[max(-1 - ago, -len(self.seen))].start

    def frozen(self, columns: int) -> NDArray[np.bool_]:
        """`(F,)`: columns that must not learn, because they have drifted."""
        frozen = np.zeros(columns, dtype=np.bool_)
        frozen[list(self.drifts)] = True
        return frozen

    def state(self) -> dict[str, Any]:
        """Plain data that `restore` continues from."""
        return {
            "sequential": self.sequential.to_arrays(),
            "last": self.last_index,
            "drifts": [asdict(drift) for drift in self.drifts.values()],
            "starts": [seen.start for seen in self.seen],
            "means": np.array([seen.mean for seen in self.seen]),
            "stds": np.array([seen.std for seen in self.seen]),
        }

    @classmethod
    def restore(cls, calibration: Calibration, state: Mapping[str, Any]) -> StreamMemory:
        """Inverse of `state`."""
        memory = cls(SequentialState.from_arrays(calibration, state["sequential"]), state["last"])
        memory.drifts = {drift["column"]: Drift.restore(drift) for drift in state["drifts"]}
        windows = zip(state["starts"], state["means"], state["stds"], strict=True)
        memory.seen.extend(Seen(*window) for window in windows)
        return memory

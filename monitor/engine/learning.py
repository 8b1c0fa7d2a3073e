"""A stream that has no baseline yet: its windows are cut and said to be insufficient.

When the watermark passes the end of the time to learn, the engine is *due*: whoever drives it
reads those records from the journal, makes a baseline of them and brings it into force with a
control entry. Nothing here depends on when that happens; until then windows stay insufficient.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from detectors.profile.fitting import fit_frame
from monitor.engine.columns import Framer
from monitor.engine.cutting import windows_for
from monitor.engine.decision import Verdict, Verdicts, decide
from monitor.engine.sentences import moment
from monitor.model import WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from monitor.engine.decision import Decision
    from monitor.engine.windows import ClosedWindow
    from monitor.model import ModelSpec
    from monitor.performance import PerformanceRow
    from monitor.record import LabelBatch, RecordBatch

STAGE: Final = "learning"
GUARANTEE: Final = "learning: there is no baseline yet, so nothing is judged"


@dataclass(frozen=True, slots=True)
class Due:
    """A baseline that is to be learned from records of the journal.

    `key` names what it is for (`monitor.model.key_of`); records of `[start, end)` (microseconds)
    count as far as journal entry `through`, the one that made it due. `rolling` says that it
    replaces a baseline which stays in force if this one cannot be learned.
    """

    key: str
    start: int
    end: int
    through: int
    rolling: bool = False


@dataclass(slots=True)
class LearningEngine:
    """Stands where a `ModelEngine` will be.

    Parameters
    ----------
    spec : name, windows and least records; columns are not known yet.
    config : digest of the configuration.
    length : microseconds of event time to learn from.
    """

    spec: ModelSpec
    config: str
    length: int
    last_seq: int = 0
    rows: int = 0
    start: int | None = None
    until: int | None = None
    through: int | None = None
    windows: Any = field(init=False)

    def __post_init__(self) -> None:
        framer = Framer(fit_frame({}, {}, [], {}), None, None)
        self.windows = windows_for(self.spec.window, framer, ())

    @property
    def segments(self) -> tuple[str, ...]:
        """The whole stream; segments are known when the baseline is."""
        return (WHOLE,)

    @property
    def baseline_id(self) -> str:
        """There is none."""
        return ""

    def feed(self, batches: Sequence[RecordBatch], seq: int) -> Iterator[Decision]:
        """Take in the model's part of journal entry `seq`."""
        self.last_seq = seq
        self.rows += sum(map(len, batches))
        if self.start is None:
            every = self.spec.window.every or 1
            self.start = min(int(batch.times.min()) for batch in batches) // every * every
            self.until = self.start + self.length
        yield from self._told(self.windows.feed(batches, seq))
        newest = self.windows.newest
        if self.through is None and newest is not None and self.until is not None:
            ripe = newest - self.spec.window.lateness >= self.until
            self.through = seq if ripe else None

    def due(self, key: str) -> Due | None:
        """The baseline that can be learned now."""
        if self.through is None or self.start is None or self.until is None:
            return None
        return Due(key, self.start, self.until, self.through)

    def extend(self, until: int) -> None:
        """Learn until `until` (microseconds) instead: there was too little to learn from."""
        self.until, self.through = until, None

    def label(self, batches: Sequence[LabelBatch]) -> None:
        """Labels are read from the journal when the baseline is learned."""

    def drain(self) -> list[PerformanceRow]:
        """There are no figures without a baseline."""
        return []

    def advance(self, to: int) -> Iterator[Decision]:
        """Close the time windows that end by `to`: the stream was idle."""
        yield from self._told(self.windows.advance(to))

    def flush(self) -> Iterator[Decision]:
        """Close everything that has rows."""
        yield from self._told(self.windows.flush())

    def continues_in(self, other: object) -> bool:
        """Whether this state means the same in `other`."""
        return (
            isinstance(other, LearningEngine)
            and self.spec.window == other.spec.window
            and self.length == other.length
        )

    def takes(self, version: str) -> bool:  # noqa: ARG002 - the shape of `ModelEngine.takes`
        """Every version teaches."""
        return True

    def state(self) -> dict[str, Any]:
        """Plain data that `restore` continues from."""
        place = {"start": self.start, "until": self.until, "through": self.through}
        return {**place, "rows": self.rows, "windows": self.windows.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Inverse of `state`."""
        self.start, self.until, self.through = state["start"], state["until"], state["through"]
        self.rows = state["rows"]
        self.windows.restore(state["windows"])

    def _told(self, closed: Iterable[ClosedWindow]) -> Iterator[Decision]:
        for window in closed:
            yield decide(self.spec.name, window, "", self.config, self._insufficient(window))

    def _insufficient(self, window: ClosedWindow) -> Verdicts:
        end = "its first records" if self.until is None else moment(self.until)
        learned = 0.0 if self.start is None else (window.end - self.start) / self.length
        return Verdicts(
            verdict=Verdict.INSUFFICIENT,
            guarantee=GUARANTEE,
            summary=f"learning until {end}: {self.rows:,} records so far",
            stage=STAGE,
            needs={
                "records": None,
                "until": self.until,
                "share": float(np.clip(learned, 0.0, 1.0)),
                "text": f"what is normal is being learned until {end}",
            },
        )

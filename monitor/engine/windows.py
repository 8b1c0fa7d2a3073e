"""Windows of one model: what is open, what is closed, and what cutting a stream promises.

`time_windows` cuts by event time, `count_windows` by rows, `cutting` chooses between them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from detectors.profile.profile import Profile
from detectors.profile.sample import Reservoir, Sample
from monitor.model import WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from detectors.profile.frame import Frame
    from monitor.engine.columns import Framer
    from monitor.model import WindowSpec
    from monitor.record import RecordBatch

MAX_APPEARED = 20
"""Unknown columns that a window remembers by name."""

FIRST_TIME = -62_135_596_800_000_000
LAST_TIME = 253_402_300_799_999_999
"""Microseconds of the years 1 to 9999: no window reaches beyond what RFC 3339 can say."""


class Stream(NamedTuple):
    """What a window belongs to inside its model."""

    version: str
    segment: str


@dataclass(slots=True)
class OpenWindow:
    """A window that still takes rows.

    `first` and `last` are the journal entries it stands on, `start` and `end` the event times of
    its oldest and newest row, `appeared` the columns that the baseline does not know.
    """

    profile: Profile
    first: int
    last: int
    start: int = 0
    end: int = 0
    appeared: set[str] = field(default_factory=set)
    reservoir: Reservoir | None = None

    def closed(self, stream: Stream, index: int, start: int, end: int) -> ClosedWindow:
        """The window as it is judged."""
        return ClosedWindow(
            stream=stream,
            index=index,
            start=start,
            end=end,
            profile=self.profile,
            sample=self._sample(),
            first=self.first,
            last=self.last,
            appeared=frozenset(self.appeared),
        )

    def state(self) -> dict[str, Any]:
        """Plain data that `restore` continues from."""
        place = {"first": self.first, "last": self.last, "start": self.start, "end": self.end}
        seen = {"appeared": sorted(self.appeared), "profile": self.profile.state()}
        return {**place, **seen, "sample": self.reservoir and self.reservoir.state()}

    @classmethod
    def restore(cls, frame: Frame, state: Mapping[str, Any]) -> OpenWindow:
        """Inverse of `state`."""
        profile = Profile.restore(frame, state["profile"])
        place = (state["first"], state["last"], state["start"], state["end"])
        kept = state["sample"] and Reservoir.restore(state["sample"])
        return cls(profile, *place, set(state["appeared"]), kept)

    def _sample(self) -> Sample:
        kept = self.reservoir
        return Sample.empty(self.profile.frame) if kept is None else kept.sample()


@dataclass(frozen=True, slots=True)
class ClosedWindow:
    """A window ready to be judged; `start` and `end` are microseconds, `[start, end)`.

    Only the whole stream has a `sample`. `partial` says that the window may lack rows (the first
    one, or closed before its time), so that its volume means nothing. An empty window knows the
    `last_event` before it; `appeared` names columns the baseline never had.
    """

    stream: Stream
    index: int
    start: int
    end: int
    profile: Profile
    sample: Sample
    first: int
    last: int
    partial: bool = False
    last_event: int | None = None
    appeared: frozenset[str] = frozenset()


def middle(window: ClosedWindow) -> int:
    """The middle of a window, microseconds: where it stands in the season."""
    return (window.start + window.end) // 2


def span_of(window: ClosedWindow, spec: WindowSpec) -> tuple[int, int] | None:
    """Start and end of a whole window of time; None where that says nothing of its records."""
    return None if spec.every is None or window.partial else (window.start, window.end)


class Windows(Protocol):
    """The windows of one model."""

    late: int
    newest: int | None

    def feed(self, batches: Sequence[RecordBatch], seq: int) -> Iterator[ClosedWindow]:
        """Fold the rows of journal entry `seq`; yield what closes, oldest window first."""
        ...

    def advance(self, to: int) -> Iterator[ClosedWindow]:
        """Close every time window that ends by `to` (microseconds)."""
        ...

    def flush(self) -> Iterator[ClosedWindow]:
        """Close everything that is open and has rows, ripe or not."""
        ...

    def open_end(self) -> int | None:
        """End of the newest open time window, or None when nothing is open."""
        ...

    def open_rows(self) -> int:
        """Rows of the whole stream, all versions, in the newest open window."""
        ...

    def closable(self, to: int) -> bool:
        """Whether `advance(to)` would close a window, an empty one included."""
        ...

    def settled(self) -> int | None:
        """No window that is open or to come begins before this (microseconds); None: not known."""
        ...

    def place(self) -> Any:
        """Which windows were closed: plain data for `follow`."""
        ...

    def follow(self, place: Any) -> None:
        """Close none of the windows again that had been closed at `place`."""
        ...

    def state(self) -> dict[str, Any]:
        """Plain data that `restore` continues from."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue where `state` was taken."""
        ...


def rows_of(streams: dict[Stream, OpenWindow]) -> int:
    """Rows of the whole stream, all versions; may be asked from another thread."""
    return sum(
        window.profile.rows for stream, window in list(streams.items()) if stream.segment == WHOLE
    )


def fold_into(
    streams: dict[Stream, OpenWindow], stream: Stream, framer: Framer, part: RecordBatch, seq: int
) -> OpenWindow:
    """Add rows of journal entry `seq` to the stream's window, a new one if it has none."""
    window = streams.get(stream)
    if window is None:
        low = int(part.times.min())
        window = streams[stream] = OpenWindow(Profile(framer.frame), seq, seq, low, low)
        if stream.segment == WHOLE:
            window.reservoir = framer.reservoir()
    framer.fold(part, window.profile, window.reservoir)
    if not stream.segment and len(window.appeared) < MAX_APPEARED:
        window.appeared.update(framer.appeared(part)[:MAX_APPEARED])
    window.start = min(window.start, int(part.times.min()))
    window.end = max(window.end, int(part.times.max()))
    window.last = seq
    return window

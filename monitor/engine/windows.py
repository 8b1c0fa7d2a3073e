"""Cutting one model's stream into windows, and when a window is ripe.

Time windows close on event time alone: the watermark is the newest event seen minus the allowed
lateness, and it moves once per journal entry, so that the order of rows inside an entry does not
matter. A row whose window has closed is late: counted, never folded, and reopens nothing. Wall
time has no say here; an idle stream is closed by an `advance` entry in the journal, which makes
replay see it at the same place.

Count windows take the rows of each stream (version and segment) in journal order.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from detectors.profile.profile import Profile
from monitor.columnar import take
from monitor.engine.segments import Segments, split
from monitor.model import WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from detectors.profile.frame import Frame
    from monitor.engine.columns import Framer
    from monitor.model import WindowSpec
    from monitor.record import RecordBatch

GAP_LIMIT = 3
"""Empty windows judged in a row; a longer silence is one story, not a decision per window."""

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

    def closed(self, stream: Stream, index: int, start: int, end: int) -> ClosedWindow:
        """The window as it is judged."""
        return ClosedWindow(
            stream=stream,
            index=index,
            start=start,
            end=end,
            profile=self.profile,
            first=self.first,
            last=self.last,
            appeared=frozenset(self.appeared),
        )

    def state(self) -> dict[str, Any]:
        """Plain data that `restore` continues from."""
        place = {"first": self.first, "last": self.last, "start": self.start, "end": self.end}
        seen = {"appeared": sorted(self.appeared), "profile": self.profile.state()}
        return {**place, **seen}

    @classmethod
    def restore(cls, frame: Frame, state: Mapping[str, Any]) -> OpenWindow:
        """Inverse of `state`."""
        profile = Profile.restore(frame, state["profile"])
        place = (state["first"], state["last"], state["start"], state["end"])
        return cls(profile, *place, set(state["appeared"]))


@dataclass(frozen=True, slots=True)
class ClosedWindow:
    """A window ready to be judged; `start` and `end` are microseconds, `[start, end)`.

    `partial` says that it was closed before its time, so that its volume means nothing. An empty
    window knows the `last_event` before it; `appeared` names columns the baseline never had.
    """

    stream: Stream
    index: int
    start: int
    end: int
    profile: Profile
    first: int
    last: int
    partial: bool = False
    last_event: int | None = None
    appeared: frozenset[str] = frozenset()


def middle(window: ClosedWindow) -> int:
    """The middle of a window, microseconds: where it stands in the season."""
    return (window.start + window.end) // 2


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


def windows_for(spec: WindowSpec, framer: Framer, known: Segments) -> Windows:
    """The kind of windows that `spec` asks for."""
    if spec.every is not None:
        return TimeWindows(spec.every, spec.lateness, framer, known)
    if spec.records is None:
        msg = "a window needs `every` or `records`"
        raise ValueError(msg)
    return CountWindows(spec.records, framer, known)


@dataclass(slots=True)
class TimeWindows:
    """Windows `[k * every, (k + 1) * every)` of event time; indexes count from the epoch."""

    every: int
    lateness: int
    framer: Framer
    known: Segments
    late: int = 0
    newest: int | None = None
    _next: int | None = None
    _open: dict[int, dict[Stream, OpenWindow]] = field(default_factory=dict)
    _latest_version: str = ""
    _empty: int = 0
    _last_event: int | None = None
    _floor: int | None = None

    def feed(self, batches: Sequence[RecordBatch], seq: int) -> Iterator[ClosedWindow]:
        """See `Windows`."""
        parts = self._parts(batches)
        for batch in batches:
            if len(batch):
                newest = int(batch.times.max())
                self.newest = newest if self.newest is None else max(self.newest, newest)
                self._latest_version = batch.version
        if self.newest is None:
            return
        ripe = (self.newest - self.lateness) // self.every
        for index in sorted({*parts, *self._open}):
            for batch in parts.get(index, ()):
                self._fold(index, batch, seq)
            if index < ripe:
                yield from self._close(index)
        yield from self._pass(ripe)

    def advance(self, to: int) -> Iterator[ClosedWindow]:
        """See `Windows`."""
        ripe = to // self.every
        for index in sorted(index for index in self._open if index < ripe):
            yield from self._close(index)
        yield from self._pass(ripe)

    def flush(self) -> Iterator[ClosedWindow]:
        """See `Windows`."""
        for index in sorted(self._open):
            yield from (replace(window, partial=True) for window in self._close(index))

    def open_end(self) -> int | None:
        """See `Windows`."""
        return (max(self._open) + 1) * self.every if self._open else None

    def open_rows(self) -> int:
        """See `Windows`."""
        # Copied at once, because readers ask from their own threads.
        opened = list(self._open.items())
        return _rows(max(opened, key=itemgetter(0))[1]) if opened else 0

    def closable(self, to: int) -> bool:
        """See `Windows`."""
        ripe = to // self.every
        if any(index < ripe for index in self._open):
            return True
        return self._next is not None and self._next < ripe and self._empty < GAP_LIMIT

    def place(self) -> Any:
        """See `Windows`."""
        return self._floor if self._next is None else self._next

    def follow(self, place: Any) -> None:
        """See `Windows`."""
        # Not `_next`: the windows since then were somebody else's, they were not empty.
        self._floor = place

    def state(self) -> dict[str, Any]:
        """See `Windows`."""
        opened = [
            [index, *stream, window.state()]
            for index, streams in sorted(self._open.items())
            for stream, window in sorted(streams.items())
        ]
        place = {"late": self.late, "newest": self.newest, "next": self._next}
        place |= {"empty": self._empty, "last_event": self._last_event, "floor": self._floor}
        return {**place, "version": self._latest_version, "open": opened}

    def restore(self, state: Mapping[str, Any]) -> None:
        """See `Windows`."""
        self.late, self.newest = state["late"], state["newest"]
        self._next, self._empty = state["next"], state["empty"]
        self._last_event, self._floor = state["last_event"], state["floor"]
        self._latest_version = state["version"]
        self._open = {}
        for index, version, segment, window in state["open"]:
            streams = self._open.setdefault(index, {})
            streams[Stream(version, segment)] = OpenWindow.restore(self.framer.frame, window)

    def _parts(self, batches: Iterable[RecordBatch]) -> dict[int, list[RecordBatch]]:
        """Rows by window index; late rows are counted and left out."""
        parts: dict[int, list[RecordBatch]] = defaultdict(list)
        first = self._floor if self._next is None else self._next
        for batch in batches:
            indexes = batch.times // self.every
            for index in np.unique(indexes).tolist():
                rows = indexes == index
                if first is not None and index < first:
                    self.late += int(rows.sum())
                else:
                    parts[index].append(batch if rows.all() else take(batch, rows))
        return parts

    def _fold(self, index: int, batch: RecordBatch, seq: int) -> None:
        streams = self._open.setdefault(index, {})
        for segment, part in split(batch, self.known):
            _fold_into(streams, Stream(batch.version, segment), self.framer, part, seq)

    def _close(self, index: int) -> Iterator[ClosedWindow]:
        yield from self._pass(index)
        start, end = self._bounds(index)
        for stream, window in sorted(self._open.pop(index).items()):
            self._last_event = max(window.end, self._last_event or window.end)
            yield window.closed(stream, index, start, end)
        self._empty = 0
        self._next = index + 1 if self._next is None else max(index + 1, self._next)

    def _pass(self, ripe: int) -> Iterator[ClosedWindow]:
        """Windows before `ripe` can take no more rows; the first few empty ones are judged."""
        if self._next is None:
            return
        stream = Stream(self._latest_version, WHOLE)
        for index in range(self._next, min(ripe, self._next + GAP_LIMIT - self._empty)):
            self._empty += 1
            start, end = self._bounds(index)
            empty = Profile(self.framer.frame)
            yield ClosedWindow(stream, index, start, end, empty, 0, 0, last_event=self._last_event)
        self._next = max(ripe, self._next)

    def _bounds(self, index: int) -> tuple[int, int]:
        """Start and end of a window, microseconds."""
        start = index * self.every
        return max(start, FIRST_TIME), min(start + self.every, LAST_TIME)


@dataclass(slots=True)
class CountWindows:
    """Windows of `records` rows of one stream, in journal order; indexes count from 0."""

    records: int
    framer: Framer
    known: Segments
    late: int = 0
    newest: int | None = None
    _open: dict[Stream, OpenWindow] = field(default_factory=dict)
    _index: dict[Stream, int] = field(default_factory=dict)

    def feed(self, batches: Sequence[RecordBatch], seq: int) -> Iterator[ClosedWindow]:
        """See `Windows`."""
        for batch in batches:
            for segment, part in split(batch, self.known):
                yield from self._feed(Stream(batch.version, segment), part, seq)

    def advance(self, to: int) -> Iterator[ClosedWindow]:
        """See `Windows`."""
        del to  # a count window waits for its rows however long they take
        yield from ()

    def flush(self) -> Iterator[ClosedWindow]:
        """See `Windows`."""
        for stream in sorted(self._open):
            yield replace(self._close(stream), partial=True)

    def open_end(self) -> int | None:
        """See `Windows`."""
        return None

    def open_rows(self) -> int:
        """See `Windows`."""
        return _rows(self._open)

    def closable(self, to: int) -> bool:
        """See `Windows`."""
        del to
        return False

    def place(self) -> Any:
        """See `Windows`."""
        return [[*stream, index] for stream, index in sorted(self._index.items())]

    def follow(self, place: Any) -> None:
        """See `Windows`."""
        self._index = {Stream(version, segment): index for version, segment, index in place}

    def state(self) -> dict[str, Any]:
        """See `Windows`."""
        opened = [[*stream, window.state()] for stream, window in sorted(self._open.items())]
        return {"late": self.late, "newest": self.newest, "open": opened, "index": self.place()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """See `Windows`."""
        self.late, self.newest = state["late"], state["newest"]
        self._open = {
            Stream(version, segment): OpenWindow.restore(self.framer.frame, window)
            for version, segment, window in state["open"]
        }
        self.follow(state["index"])

    def _feed(self, stream: Stream, batch: RecordBatch, seq: int) -> Iterator[ClosedWindow]:
        done = 0
        while done < len(batch):
            window = self._open.get(stream)
            room = self.records - (window.profile.rows if window else 0)
            part = take(batch, np.arange(done, min(done + room, len(batch))))
            done += len(part)
            self._fold(stream, part, seq)
            if self._open[stream].profile.rows >= self.records:
                yield self._close(stream)

    def _fold(self, stream: Stream, part: RecordBatch, seq: int) -> None:
        high = int(part.times.max())
        _fold_into(self._open, stream, self.framer, part, seq)
        self.newest = high if self.newest is None else max(self.newest, high)

    def _close(self, stream: Stream) -> ClosedWindow:
        index = self._index.get(stream, 0)
        self._index[stream] = index + 1
        window = self._open.pop(stream)
        return window.closed(stream, index, window.start, min(window.end + 1, LAST_TIME))


def _rows(streams: dict[Stream, OpenWindow]) -> int:
    return sum(
        window.profile.rows for stream, window in list(streams.items()) if stream.segment == WHOLE
    )


def _fold_into(
    streams: dict[Stream, OpenWindow], stream: Stream, framer: Framer, part: RecordBatch, seq: int
) -> OpenWindow:
    window = streams.get(stream)
    if window is None:
        low = int(part.times.min())
        window = streams[stream] = OpenWindow(Profile(framer.frame), seq, seq, low, low)
    window.profile.add(framer.block(part))
    if not stream.segment and len(window.appeared) < MAX_APPEARED:
        window.appeared.update(framer.appeared(part)[:MAX_APPEARED])
    window.start = min(window.start, int(part.times.min()))
    window.end = max(window.end, int(part.times.max()))
    window.last = seq
    return window

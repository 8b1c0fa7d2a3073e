"""Windows of event time, and when one is ripe.

They close on event time alone: the watermark is the newest event seen minus the allowed lateness,
and it moves once per journal entry, so that the order of rows inside an entry does not matter. A
row whose window has closed is late: counted, never folded, and reopens nothing. Wall time has no
say here; an idle stream is closed by an `advance` entry in the journal, which makes replay see it
at the same place.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.profile.profile import Profile
from detectors.profile.sample import Sample
from monitor.columnar import take
from monitor.engine.segments import Segments, split
from monitor.engine.windows import (
    FIRST_TIME,
    LAST_TIME,
    ClosedWindow,
    OpenWindow,
    Stream,
    fold_into,
    rows_of,
)
from monitor.model import WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from monitor.engine.columns import Framer
    from monitor.record import RecordBatch

GAP_LIMIT = 3
"""Empty windows judged in a row; a longer silence is one story, not a decision per window."""


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
        newest = max(
            ((int(batch.times.max()), batch.version) for batch in batches if len(batch)),
            default=None,
        )
        if newest is not None:
            self.newest = newest[0] if self.newest is None else max(self.newest, newest[0])
            self._latest_version = newest[1]
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
        # To the very end of what is open: a stream that was filled from the past broke off there.
        cut = max(self._open, default=None) if to == self.open_end() else None
        for index in sorted(index for index in self._open if index < ripe):
            yield from self._close(index, partial=index == cut)
        yield from self._pass(ripe)

    def flush(self) -> Iterator[ClosedWindow]:
        """See `Windows`."""
        for index in sorted(self._open):
            yield from self._close(index, partial=True)

    def open_end(self) -> int | None:
        """See `Windows`."""
        return (max(self._open) + 1) * self.every if self._open else None

    def open_rows(self) -> int:
        """See `Windows`."""
        # Copied at once, because readers ask from their own threads.
        opened = list(self._open.items())
        return rows_of(max(opened, key=itemgetter(0))[1]) if opened else 0

    def closable(self, to: int) -> bool:
        """See `Windows`."""
        ripe = to // self.every
        if any(index < ripe for index in self._open):
            return True
        return self._next is not None and self._next < ripe and self._empty < GAP_LIMIT

    def settled(self) -> int | None:
        """See `Windows`."""
        first = self._floor if self._next is None else self._next
        return None if first is None else first * self.every

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
            fold_into(streams, Stream(batch.version, segment), self.framer, part, seq)

    def _close(self, index: int, *, partial: bool = False) -> Iterator[ClosedWindow]:
        yield from self._pass(index)
        # Nobody starts to send on a window's boundary, so the first one is not whole either.
        partial = partial or self._next is None
        start, end = self._bounds(index)
        for stream, window in sorted(self._open.pop(index).items()):
            self._last_event = max(window.end, self._last_event or window.end)
            yield replace(window.closed(stream, index, start, end), partial=partial)
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
            frame, last = self.framer.frame, self._last_event
            empty, none = Profile(frame), Sample.empty(frame)
            yield ClosedWindow(stream, index, start, end, empty, none, 0, 0, last_event=last)
        self._next = max(ripe, self._next)

    def _bounds(self, index: int) -> tuple[int, int]:
        """Start and end of a window, microseconds."""
        start = index * self.every
        low, high = np.clip([start, start + self.every], FIRST_TIME, LAST_TIME).tolist()
        return low, high

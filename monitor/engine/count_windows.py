"""Windows of so many rows of one stream (version and segment), in journal order."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from monitor.columnar import take
from monitor.engine.segments import Segments, split
from monitor.engine.windows import LAST_TIME, ClosedWindow, OpenWindow, Stream, fold_into, rows_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from monitor.engine.columns import Framer
    from monitor.record import RecordBatch


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
        return rows_of(self._open)

    def closable(self, to: int) -> bool:
        """See `Windows`."""
        del to
        return False

    def settled(self) -> int | None:
        """See `Windows`; rows that come later may be older than this, in a window of counts."""
        return min((window.start for window in self._open.values()), default=self.newest)

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
        fold_into(self._open, stream, self.framer, part, seq)
        self.newest = high if self.newest is None else max(self.newest, high)

    def _close(self, stream: Stream) -> ClosedWindow:
        index = self._index.get(stream, 0)
        self._index[stream] = index + 1
        window = self._open.pop(stream)
        return window.closed(stream, index, window.start, min(window.end + 1, LAST_TIME))

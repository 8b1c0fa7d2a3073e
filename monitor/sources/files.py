"""NDJSON and CSV files that grow: tailing with rotation, exactly as far as lines are complete.

Rotation by renaming and by copying and truncating is followed (see `tracking`); a last line
without its line feed waits. What copytruncate itself loses cannot be recovered: lines written
between the copy and the truncation, and files that were truncated before anything was read.
"""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Literal

import structlog

from monitor.errors import InputError
from monitor.record import Position
from monitor.sources.base import Delivery
from monitor.sources.tail import Tail, read_header, read_lines
from monitor.sources.tracking import Tracked, Tracker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.sources.confinement import Confinement, Found

MAX_LINE_BYTES: Final = 1 << 20
MAX_FILES: Final = 1_000

logger = structlog.get_logger("driftd.source")


class FilesSource:
    """Reads the lines of all files that match a pattern, oldest file first.

    Parameters
    ----------
    name : str
        Name of the source in positions and messages.
    confinement : Confinement
        The directory that the pattern is relative to and the roots that files must lie in.
    pattern : str
        As `pathlib.Path.glob` understands it, such as `logs/*.ndjson`.
    content : {"ndjson", "csv"}
        In CSV the first line of each file is its header and goes with every delivery.
    max_line_bytes : int
        Longer lines are cut here, for their decoder to refuse, and their rest is skipped.
    max_files : int
        How many files are followed at once; more are reported in `faults` and wait.
    """

    def __init__(
        self,
        name: str,
        confinement: Confinement,
        pattern: str,
        content: Literal["ndjson", "csv"] = "ndjson",
        *,
        max_line_bytes: int = MAX_LINE_BYTES,
        max_files: int = MAX_FILES,
    ) -> None:
        self.name = name
        self._confinement = confinement
        self._content = content
        self._max_line = max_line_bytes
        self._pattern = pattern
        self._max_files = max_files
        self._tracker = Tracker(confinement, pattern, max_files)
        self._unread: deque[tuple[Tracked, Found]] = deque()
        self._logged: set[tuple[str, str]] = set()

    @property
    def faults(self) -> Mapping[str, str]:
        """Files that cannot be read now, and why."""
        return dict(self._tracker.faults)

    def check(self) -> None:
        """Refuse a pattern that leaves its roots or whose directory is missing (`InputError`)."""
        root, _ = self._confinement.split(self._pattern)
        if not root.is_dir():
            raise InputError(f"{root} is not a directory; file source {self.name} reads below it")

    def open(self, position: Position | None) -> None:
        """Start behind `position`.

        Raises
        ------
        InputError
            The pattern is not allowed, or the position is none of a source of this kind.
        """
        self.check()
        self.close()
        self._tracker = Tracker(self._confinement, self._pattern, self._max_files)
        if position is None:
            return
        try:
            tails = [Tail.restore(state) for state in position.state["tails"]]
        except (KeyError, TypeError) as error:
            raise InputError(
                f"source {self.name} was something else before; name it anew"
            ) from error
        self._tracker.tracked = [Tracked(tail) for tail in tails]

    def read(self, max_bytes: int) -> Delivery | None:
        """Hand over the next lines of one file; None if no file has a complete new line."""
        delivery = self._read_queue(max_bytes)
        if delivery is None:
            found = self._tracker.scan()
            self._unread.extend((each, each.file) for each in found if each.file)
            delivery = self._read_queue(max_bytes)
            self._report()
        return delivery

    def close(self) -> None:
        """Forget what was going to be read; no file is held open between reads."""
        self._unread.clear()

    def _read_queue(self, max_bytes: int) -> Delivery | None:
        while self._unread:
            each, file = self._unread[0]
            try:
                payload = self._read_file(each, file, max_bytes)
            except OSError as error:
                self._tracker.faults[str(file.path)] = str(error)
                payload = b""
            # No further than the file reached when it was found: none may starve the others.
            if not payload or each.tail.offset >= file.size:
                self._unread.popleft()
            if payload:
                return Delivery(payload, self._content, self._position())
        return None

    def _read_file(self, each: Tracked, file: Found, max_bytes: int) -> bytes:
        """Read on in one file and advance its position; `b""` if there is no complete line."""
        descriptor = self._confinement.open(file)
        try:
            if not each.tail.fits(descriptor):
                return b""
            tail: Tail | None = each.tail
            if self._content == "csv" and each.tail.offset == 0:
                tail = read_header(descriptor, each.tail, self._max_line)
                if tail is None:
                    return b""
            tail, lines = read_lines(descriptor, tail or each.tail, max_bytes, self._max_line)
            if os.fstat(descriptor).st_size < tail.offset:
                return b""  # truncated while it was read; the next scan sorts it out
        finally:
            os.close(descriptor)
        each.tail = tail
        header = (tail.header or "").encode(errors="surrogateescape") + b"\n"
        return header + lines if self._content == "csv" and lines else lines

    def _position(self) -> Position:
        states: list[Mapping[str, Any]] = [each.tail.state() for each in self._tracker.tracked]
        return Position(self.name, {"tails": states})

    def _report(self) -> None:
        """Log each fault once, not each time it is met again."""
        for fault in self._tracker.faults.items():
            if fault not in self._logged:
                logger.warning("file_unreadable", source=self.name, path=fault[0], reason=fault[1])
        self._logged = set(list(self._logged)[-MAX_FILES:]) | set(self._tracker.faults.items())

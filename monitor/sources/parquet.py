"""Parquet files as a source: each complete file once, in batches of rows, as Arrow streams.

A file counts as complete when its footer can be read. It is known by a digest of its size, its
beginning and its footer, so a renamed or copied file is not read again and a rewritten one is.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import structlog

from monitor.errors import InputError
from monitor.record import Position
from monitor.sources.base import Delivery

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping

    from monitor.sources.confinement import Confinement, Found

MAX_FILES: Final = 1_000
BATCH_ROWS: Final = 10_000
MAX_GONE: Final = 64
_MAGIC: Final = b"PAR1"
_PROOF_BYTES: Final = 65_536
_DIGEST_BYTES: Final = 16

logger = structlog.get_logger("driftd.source")


@dataclass(frozen=True, slots=True)
class Progress:
    """How many row groups of a file, and rows of the next group, have been delivered."""

    group: int = 0
    row: int = 0
    done: bool = False


@dataclass(slots=True)
class _Reading:
    """A file that is being read: its batches with the progress behind each."""

    mark: str
    path: str
    stream: BinaryIO
    batches: Iterator[tuple[Any, Progress]]


class ParquetSource:
    """Reads all Parquet files that match a pattern, oldest file first; needs pyarrow.

    Parameters
    ----------
    name, confinement, pattern
        As for `FilesSource`.
    batch_rows : int
        Rows in one delivery, fewer at the end of a row group. Only that many are in memory.
    max_files : int
        How many files are remembered; more are reported in `faults` and wait.
    """

    def __init__(
        self,
        name: str,
        confinement: Confinement,
        pattern: str,
        *,
        batch_rows: int = BATCH_ROWS,
        max_files: int = MAX_FILES,
    ) -> None:
        self.name = name
        self._confinement = confinement
        self._pattern = pattern
        self._batch_rows = batch_rows
        self._max_files = max_files
        self._progress: dict[str, Progress] = {}
        self._marks: dict[Found, str] = {}
        self._reading: _Reading | None = None
        self._faults: dict[str, str] = {}
        self._given_up: dict[str, str] = {}
        self._logged: set[tuple[str, str]] = set()

    @property
    def faults(self) -> Mapping[str, str]:
        """Files that cannot be read, or not to their end, and why."""
        return {**self._given_up, **self._faults}

    def check(self) -> None:
        """Refuse a forbidden pattern, a missing directory, a missing pyarrow (`InputError`)."""
        _pyarrow()
        root, _ = self._confinement.split(self._pattern)
        if not root.is_dir():
            raise InputError(f"{root} is not a directory; source {self.name} reads below it")

    def open(self, position: Position | None) -> None:
        """Start behind `position`.

        Raises
        ------
        InputError
            As `check`, or the position is none of a source of this kind.
        """
        self.check()
        self.close()
        self._progress = {}
        if position is None:
            return
        files = position.state.get("parquet")
        if files is None:
            raise InputError(f"source {self.name} was something else before; name it anew")
        self._progress = {mark: Progress(*state) for mark, state in files.items()}

    def read(self, max_bytes: int) -> Delivery | None:  # noqa: ARG002 - counted in rows here
        """Hand over the next rows as an Arrow stream; None if every file has been read."""
        while True:
            if self._reading is None:
                self._reading = self._next_file()
            if self._reading is None:
                return None
            delivery = self._continue(self._reading)
            if delivery:
                return delivery

    def close(self) -> None:
        """Close the file that is being read."""
        if self._reading:
            self._reading.stream.close()
        self._reading = None
        self._marks.clear()

    def _continue(self, reading: _Reading) -> Delivery | None:
        pa = _pyarrow()
        progress = Progress(done=True)
        batch = None
        try:
            batch, progress = next(reading.batches, (batch, progress))
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            # What cannot be decoded now will not be later: the rest of this file is given up.
            self._fault(reading.path, str(error))
            self._given_up[reading.path] = str(error)
        self._progress[reading.mark] = progress
        if batch is None:
            reading.stream.close()
            self._reading = None
            return None
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        files = {mark: [each.group, each.row, each.done] for mark, each in self._progress.items()}
        position = Position(self.name, {"parquet": files})
        return Delivery(sink.getvalue().to_pybytes(), "arrow", position)

    def _next_file(self) -> _Reading | None:
        """Find the oldest file that has not been read to its end."""
        self._faults = {}
        present = {mark: found for found in self._scan() if (mark := self._mark(found))}
        paths = {str(found.path) for found in present.values()}
        self._given_up = {path: why for path, why in self._given_up.items() if path in paths}
        self._forget(present)
        for mark, found in present.items():
            progress = self._progress.get(mark, Progress())
            if progress.done:
                continue
            if mark not in self._progress and len(self._progress) >= self._max_files:
                self._fault(str(found.path), f"more than {self._max_files} files are remembered")
                continue
            reading = self._start(found, mark, progress)
            if reading:
                return reading
        return None

    def _scan(self) -> list[Found]:
        found = []
        try:
            paths = list(self._confinement.matches(self._pattern))
        except OSError as error:
            self._fault(self._pattern, str(error))
            paths = []
        for path in paths:
            try:
                file = self._confinement.look(path)
            except (InputError, OSError) as error:
                self._fault(str(path), str(error))
                continue
            if file:
                found.append(file)
        return sorted(found, key=lambda file: (file.modified, str(file.path)))

    def _mark(self, found: Found) -> str:
        """Digest what tells this file from others; `""` as long as it is not complete."""
        if found in self._marks:
            return self._marks[found]
        try:
            descriptor = self._confinement.open(found)
        except OSError as error:
            self._fault(str(found.path), str(error))
            return ""
        try:
            head = os.pread(descriptor, _PROOF_BYTES, 0)
            last = os.pread(descriptor, _PROOF_BYTES, max(0, found.size - _PROOF_BYTES))
        finally:
            os.close(descriptor)
        if not (head.startswith(_MAGIC) and last.endswith(_MAGIC) and found.size > 2 * len(_MAGIC)):
            self._fault(str(found.path), "is not a complete Parquet file (yet)")
            return ""
        proof = b"%d:%b%b" % (found.size, head, last)
        self._marks[found] = blake2b(proof, digest_size=_DIGEST_BYTES).hexdigest()
        return self._marks[found]

    def _start(self, found: Found, mark: str, progress: Progress) -> _Reading | None:
        pa = _pyarrow()
        stream: BinaryIO | None = None
        try:
            stream = os.fdopen(self._confinement.open(found), "rb")
            batches = _batches(pa.parquet.ParquetFile(stream), progress, self._batch_rows)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            if stream:
                stream.close()
            self._fault(str(found.path), str(error))
            return None
        return _Reading(mark, str(found.path), stream, batches)

    def _forget(self, present: Container[str]) -> None:
        """Keep marks of vanished files for a while; all while something cannot be looked at."""
        for found in [each for each in self._marks if self._marks[each] not in present]:
            del self._marks[found]
        gone = [mark for mark in self._progress if mark not in present]
        if not self._faults:
            for mark in gone[:-MAX_GONE]:
                del self._progress[mark]

    def _fault(self, path: str, why: str) -> None:
        """Note a fault; log it once, not each time it is met again."""
        self._faults[path] = why
        if (path, why) not in self._logged:
            logger.warning("file_unreadable", source=self.name, path=path, reason=why)
            self._logged = {*list(self._logged)[-self._max_files :], (path, why)}


def _batches(file: Any, start: Progress, rows: int) -> Iterator[tuple[Any, Progress]]:
    """Read a file batch by batch; each comes with the progress behind it."""
    for group in range(start.group, file.num_row_groups):
        skip = start.row if group == start.group else 0
        row = 0
        for batch in file.iter_batches(rows, row_groups=[group]):
            after = row + batch.num_rows
            if after > skip:
                yield batch.slice(max(0, skip - row)), Progress(group, after)
            row = after


def _pyarrow() -> Any:
    try:
        import pyarrow as pa  # noqa: PLC0415 - optional, and 50 MB when loaded
        import pyarrow.parquet  # noqa: PLC0415 - as above
    except ImportError as error:
        raise InputError("Parquet needs pyarrow: pip install 'driftd[parquet]'") from error
    return pa

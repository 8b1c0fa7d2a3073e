"""The archive as a whole: locked, schema checked, a writer, some readers; closed in reverse."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from monitor.archive.connection import ArchiveLock, database_path, write_engine
from monitor.archive.reader import Reader
from monitor.archive.schema import ensure_schema
from monitor.archive.writer import Writer, WriterBounds

if TYPE_CHECKING:
    from types import TracebackType

    from monitor.archive.connection import Synchronous
    from monitor.clock import Clock


class Archive:
    """The archive of one daemon, ready for work.

    Attributes
    ----------
    writer : Writer
        The only way to change anything.
    reader : Reader
        Read-only transactions.

    Parameters
    ----------
    url : str
        `sqlite:///driftd.db`; created when it does not exist.
    clock : Clock
        Measures the writer.
    bounds : WriterBounds
        Limits of the writer's queue and groups.
    readers : int
        Most read transactions at a time.
    synchronous : {"FULL", "NORMAL"}
        `NORMAL` breaks promise P1; it exists for the test that proves it.

    Raises
    ------
    StorageError
        Another daemon has the archive, its schema is not ours, or the file cannot be opened.
    """

    def __init__(
        self,
        url: str,
        clock: Clock,
        *,
        bounds: WriterBounds | None = None,
        readers: int = 4,
        synchronous: Synchronous = "FULL",
    ) -> None:
        path = database_path(url)
        with ExitStack() as stack:
            if path is not None:
                stack.enter_context(ArchiveLock(path))
            ensure_schema(url)
            engine = write_engine(url, synchronous=synchronous)
            stack.callback(engine.dispose)
            # The writer closes last: only it can fold the write-ahead log into the file.
            self.writer = stack.enter_context(Writer(engine, clock, bounds))
            self.reader = stack.enter_context(Reader(url, connections=readers))
            self._open = stack.pop_all()

    def close(self) -> None:
        """Finish queued writes, then close everything; harmless when called twice."""
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

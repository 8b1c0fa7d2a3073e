"""Connections to the archive: one that writes, some that only read, and a lock around the file.

SQLite runs in WAL mode with `synchronous=FULL`: a commit returns after its fsync, readers never
wait for the writer. Transactions are begun by us and not by the driver, because Python's driver
would begin them late and without the write lock. Nothing here opens the database file itself:
POSIX drops all of a process's locks on a file when *any* descriptor of it is closed.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Self, TypeAlias
from urllib.parse import quote

from sqlalchemy import create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from monitor.errors import StorageError

if TYPE_CHECKING:
    from types import TracebackType

    from sqlalchemy import Connection, Engine

Synchronous: TypeAlias = Literal["FULL", "NORMAL"]

PAGE_BYTES: Final = 16_384
"""Journal payloads are large: large pages write them faster, and small commits slower."""

CHECKPOINT_PAGES: Final = 2048
"""32 MiB of WAL between checkpoints, so that a burst of blocks is not checkpointed each commit."""

BUSY_MILLISECONDS: Final = 5000

_WRITER_PRAGMAS: Final = (
    f"PRAGMA page_size={PAGE_BYTES}",
    "PRAGMA journal_mode=WAL",
    f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}",
    f"PRAGMA journal_size_limit={CHECKPOINT_PAGES * PAGE_BYTES}",
    "PRAGMA cache_size=-8192",
)

_FIXED: Final = (3, 51, 3)
_BACKPORTS: Final = ((3, 50, 7), (3, 44, 6))


def wal_reset_bug(version: str = sqlite3.sqlite_version) -> bool:
    """Whether this SQLite can corrupt a WAL that two connections checkpoint at the same time.

    Fixed in 3.51.3 and in the backports 3.50.7 and 3.44.6. The archive is safe either way, since
    its one writing connection is the only one that checkpoints; the daemon reports the answer.
    """
    parts = tuple(int(part) for part in version.split("."))
    backported = any(parts[:2] == fix[:2] and parts >= fix for fix in _BACKPORTS)
    return parts < _FIXED and not backported


def database_path(url: str) -> Path | None:
    """Return the SQLite file that `url` names, or None when `url` is another kind of database.

    Raises
    ------
    StorageError
        The URL cannot be understood, or names an SQLite database that is no file.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StorageError(f"archive.url {url!r} is not a database URL: {error}") from error
    if parsed.get_backend_name() != "sqlite":
        return None
    if parsed.database in (None, "", ":memory:") or parsed.query:
        raise StorageError(f"archive.url {url!r} must name a file, like sqlite:///driftd.db")
    return Path(str(parsed.database))


def write_engine(url: str, *, synchronous: Synchronous = "FULL") -> Engine:
    """Open the engine whose single connection may write; every transaction holds the write lock.

    Parameters
    ----------
    url : str
        `sqlite:///file.db`, or any other database that SQLAlchemy speaks.
    synchronous : {"FULL", "NORMAL"}
        `NORMAL` loses acknowledged work at a power loss. It exists for the test that proves it.
    """
    path = database_path(url)
    if path is None:
        return create_engine(url, pool_size=1, max_overflow=0)
    _create_private(path)

    def connect() -> sqlite3.Connection:
        connection = _open(path, "rw")
        for pragma in (*_WRITER_PRAGMAS, f"PRAGMA synchronous={synchronous}"):
            connection.execute(pragma).fetchall()
        return connection

    return _sqlite_engine(connect, begin="BEGIN IMMEDIATE", connections=1)


def read_engine(url: str, *, connections: int, wait_seconds: float) -> Engine:
    """Open an engine whose connections cannot write, not even by mistake.

    A transaction sees one state of the archive from its first query to its end.

    Parameters
    ----------
    connections : int
        How many there are at most; open files are bounded by it.
    wait_seconds : float
        How long a caller waits for a free one before `sqlalchemy.exc.TimeoutError`.
    """
    path = database_path(url)
    if path is None:
        engine = create_engine(
            url, pool_size=connections, max_overflow=0, pool_timeout=wait_seconds
        )
        return engine.execution_options(postgresql_readonly=True)

    def connect() -> sqlite3.Connection:
        connection = _open(path, "ro")
        connection.execute("PRAGMA query_only=ON").fetchall()
        return connection

    return _sqlite_engine(
        connect, begin="BEGIN", connections=connections, wait_seconds=wait_seconds
    )


class ArchiveLock:
    """The right to write an SQLite archive; the kernel gives it back when the process dies.

    Parameters
    ----------
    path : Path
        The database file; the lock lies beside it, in `<path>.lock`.

    Raises
    ------
    StorageError
        Another daemon holds it (its process id is in the message), or the directory is missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = self._acquire()

    def _acquire(self) -> int:
        lock = self._path.with_name(self._path.name + ".lock")
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError(f"cannot open {lock}: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise StorageError(
                f"archive {self._path} is in use by another driftd (process {holder}): "
                "stop it, or give this one its own archive.url"
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        return descriptor

    def release(self) -> None:
        """Let others have the archive; harmless when called twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def _create_private(path: Path) -> None:
    """Create the file so that only its owner reads it; the WAL inherits the permission."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return
    except OSError as error:
        raise StorageError(f"cannot create archive {path}: {error.strerror}") from error


def _open(path: Path, mode: Literal["ro", "rw"]) -> sqlite3.Connection:
    return sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode={mode}",
        uri=True,
        timeout=BUSY_MILLISECONDS / 1000,
        isolation_level=None,
        check_same_thread=False,
    )


def _sqlite_engine(
    connect: Any, *, begin: str, connections: int, wait_seconds: float = 5
) -> Engine:
    engine = create_engine(
        "sqlite://",
        creator=connect,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=wait_seconds,
    )

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine

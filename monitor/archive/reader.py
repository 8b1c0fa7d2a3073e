"""The read side: a small pool of connections that cannot write, for web pages, metrics and CLI."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Self, TypeVar

from sqlalchemy.exc import InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from monitor.archive.connection import database_path, read_engine
from monitor.errors import OverloadedError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from sqlalchemy import Connection

T = TypeVar("T")


class Reader:
    """Read-only transactions, from any thread, each on one consistent state of the archive.

    Keep them short: while one is open, SQLite cannot shrink its write-ahead log.

    Parameters
    ----------
    url : str
        The archive; it must exist.
    connections : int
        Most readers at a time.
    wait_seconds : float
        How long one more waits before it is refused.
    """

    def __init__(self, url: str, *, connections: int = 4, wait_seconds: float = 5.0) -> None:
        path = database_path(url)
        if path is not None and not path.exists():
            raise StorageError(f"there is no archive {path}")
        self._engine = read_engine(url, connections=connections, wait_seconds=wait_seconds)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Lend a connection whose queries all see one state.

        Raises
        ------
        OverloadedError
            All connections stayed busy.
        StorageError
            The archive cannot be read, or the block tried to write.
        """
        try:
            with self._engine.begin() as connection:
                yield connection
        except PoolTimeoutError as error:
            raise OverloadedError("too many readers of the archive", 1.0) from error
        except (OperationalError, InternalError) as error:
            raise StorageError(f"the archive cannot be read: {error.orig}") from error

    def run(self, query: Callable[[Connection], T]) -> T:
        """Return `query(connection)`, as one transaction; errors as in `transaction`."""
        with self.transaction() as connection:
            return query(connection)

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

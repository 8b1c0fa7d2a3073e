"""The only thread that writes the archive, and how many writes share one fsync.

A *unit* is what must happen together: the records of a request, its position and its counters.
While one group of units is being committed the next ones queue up; they become the next group.
So an idle archive answers after one fsync, and a busy one does hundreds of units per fsync,
without any timer. A future resolves only after the commit that made its unit durable.

A unit that raises is rolled back to its own savepoint and fails alone. If the transaction itself
is lost (disk full, I/O error, commit refused) every unit of the group fails and none is stored.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeAlias, TypeVar

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from monitor.errors import OverloadedError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from sqlalchemy import Connection, Engine

    from monitor.clock import Clock

T = TypeVar("T")

RETRY_SECONDS: Final = 1.0
"""What a refused caller is told; a full queue drains well within it."""


@dataclass(frozen=True, slots=True)
class WriterBounds:
    """How much may wait, and how much one commit may hold. Bytes are what callers announce."""

    queued_units: int = 1024
    queued_bytes: int = 64 << 20
    group_units: int = 256
    group_bytes: int = 16 << 20


@dataclass(slots=True)
class _Job(Generic[T]):
    unit: Callable[[Connection], T]
    size: int
    future: Future[T]


@dataclass(frozen=True, slots=True)
class _Done:
    value: Any


@dataclass(frozen=True, slots=True)
class _Failed:
    error: BaseException


_Outcome: TypeAlias = "_Done | _Failed"


class Writer:
    """Run units on the archive's one writing connection, many per commit.

    Attributes
    ----------
    groups, units, failed_units : int
        Commits done, units they made durable, units that failed (alone or with their group).
    largest_group : int
        Most units that one commit held.
    seconds : float
        Time spent in transactions, including their fsync.
    last_failure : str
        Why the last group was lost, "" when the last group was committed.

    Parameters
    ----------
    engine : Engine
        From `connection.write_engine`; its only connection is used.
    clock : Clock
        Measures `seconds`.
    bounds : WriterBounds
        Limits of queue and group.
    """

    def __init__(self, engine: Engine, clock: Clock, bounds: WriterBounds | None = None) -> None:
        self.groups = 0
        self.units = 0
        self.failed_units = 0
        self.largest_group = 0
        self.seconds = 0.0
        self.last_failure = ""
        self._engine = engine
        self._clock = clock
        self._bounds = bounds or WriterBounds()
        self._queue: deque[_Job[Any]] = deque()
        self._queued_bytes = 0
        self._stopping = False
        self._changed = threading.Condition()
        self._connection: Connection | None = None
        self._thread = threading.Thread(target=self._run, name="archive-writer", daemon=True)

    @property
    def queued(self) -> int:
        """Units that wait for a group."""
        return len(self._queue)

    def start(self) -> None:
        """Begin to work; units submitted before wait in the queue."""
        self._thread.start()

    def submit(
        self,
        unit: Callable[[Connection], T],
        *,
        size: int = 0,
        settled: Callable[[Future[T]], None] | None = None,
    ) -> Future[T]:
        """Queue `unit`; its future resolves to what it returned once that is on disk.

        Parameters
        ----------
        unit : callable
            Called once, on the writer's thread, with a connection inside a transaction. It may
            read and write, and must neither commit nor keep the connection.
        size : int
            About how many bytes the unit writes; bounds memory and the length of a commit.
        settled : callable, optional
            Hears of the future when it is done, before any later unit is called: on the writer's
            thread, unless somebody cancelled the future before its unit was called.

        Raises
        ------
        OverloadedError
            The queue is full; nothing was taken.
        StorageError
            The writer is stopped.
        """
        job: _Job[T] = _Job(unit, size, Future())
        if settled is not None:
            # Before it is queued: a callback that comes late runs on the caller's thread.
            job.future.add_done_callback(settled)
        with self._changed:
            self._admit(size)
            self._queue.append(job)
            self._queued_bytes += size
            self._changed.notify()
        return job.future

    def stop(self) -> None:
        """Refuse new units, finish the queued ones, end the thread; harmless when called twice."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join()
        for job in self._queue:  # only a writer that was never started has any left
            job.future.cancel()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _admit(self, size: int) -> None:
        if self._stopping:
            raise StorageError("the archive is closing, nothing more can be written")
        # A unit larger than the bound is let in when it is alone, or it could never be written.
        full = self._queued_bytes + size > self._bounds.queued_bytes
        if (self._queue and full) or len(self._queue) >= self._bounds.queued_units:
            raise OverloadedError(
                f"the archive is busy: {len(self._queue)} writes are waiting", RETRY_SECONDS
            )

    def _run(self) -> None:
        while group := self._take():
            started = self._clock.monotonic()
            self._write(group)
            self.seconds += self._clock.monotonic() - started
        self._disconnect()

    def _take(self) -> list[_Job[Any]]:
        """Wait for units; an empty group means that the writer is stopped and drained."""
        with self._changed:
            while not self._queue and not self._stopping:
                self._changed.wait()
            group: list[_Job[Any]] = []
            size = 0
            while self._queue and len(group) < self._bounds.group_units:
                size += self._queue[0].size
                if group and size > self._bounds.group_bytes:
                    break
                group.append(self._queue.popleft())
            self._queued_bytes -= sum(job.size for job in group)
            return group

    def _write(self, group: Sequence[_Job[Any]]) -> None:
        jobs = [job for job in group if job.future.set_running_or_notify_cancel()]
        if not jobs:
            return
        try:
            outcomes = self._commit(jobs)
        except Exception as error:  # noqa: BLE001  (whatever it is, the callers must hear of it)
            self._lose(jobs, error)
            return
        self.last_failure = ""
        self.groups += 1
        self.largest_group = max(self.largest_group, len(jobs))
        for job, outcome in zip(jobs, outcomes, strict=True):
            self._resolve(job, outcome)

    def _commit(self, jobs: Sequence[_Job[Any]]) -> list[_Outcome]:
        connection = self._connect()
        with connection.begin() as transaction:
            if len(jobs) > 1:
                outcomes = [_attempt(connection, job) for job in jobs]
            else:
                # A lone unit needs no savepoint: its failure is the transaction's.
                outcomes = [_call(connection, jobs[0])]
            if all(isinstance(outcome, _Failed) for outcome in outcomes):
                transaction.rollback()
        return outcomes

    def _resolve(self, job: _Job[Any], outcome: _Outcome) -> None:
        if isinstance(outcome, _Done):
            self.units += 1
            job.future.set_result(outcome.value)
        else:
            self.failed_units += 1
            job.future.set_exception(outcome.error)

    def _lose(self, jobs: Sequence[_Job[Any]], error: Exception) -> None:
        self._disconnect()
        self.last_failure = _reason(error)
        for job in jobs:
            failure = StorageError(f"the archive could not be written: {self.last_failure}")
            failure.__cause__ = error
            self._resolve(job, _Failed(failure))

    def _connect(self) -> Connection:
        if self._connection is None:
            self._connection = self._engine.connect()
        return self._connection

    def _disconnect(self) -> None:
        """Close the connection for good; what its transaction held is rolled back."""
        if self._connection is None:
            return
        connection, self._connection = self._connection, None
        try:
            connection.invalidate()
            connection.close()
        except SQLAlchemyError:
            # A broken connection may refuse even this; the next group opens a new one.
            return


def _attempt(connection: Connection, job: _Job[Any]) -> _Outcome:
    """Run one of several units inside a savepoint of its own."""
    savepoint = connection.begin_nested()
    outcome = _call(connection, job)
    if isinstance(outcome, _Done):
        savepoint.commit()
    else:
        savepoint.rollback()
    return outcome


def _call(connection: Connection, job: _Job[Any]) -> _Outcome:
    """Run the unit; raise only if it took the transaction of the whole group down with it."""
    cause: BaseException | None = None
    try:
        outcome: _Outcome = _Done(job.unit(connection))
    except BaseException as error:  # noqa: BLE001  (even SystemExit in a unit is its caller's)
        cause = error
        outcome = _Failed(error)
    # SQLite undoes the whole transaction by itself on some errors (disk full, I/O). The next
    # savepoint would then begin a new one, and units before it would be taken for stored.
    driver: Any = connection.connection.driver_connection
    if not getattr(driver, "in_transaction", True):
        raise StorageError(_reason(cause) if cause else "a write ended its transaction") from cause
    return outcome


def _reason(error: BaseException) -> str:
    """Say what the database said, without the statement and its parameters."""
    return str(error.orig if isinstance(error, DBAPIError) else error)

"""Group commit: all units of a group become durable together, a failing unit fails alone."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text

from monitor.archive import counters, positions
from monitor.archive.archive import Archive
from monitor.archive.connection import write_engine
from monitor.archive.counters import Count
from monitor.archive.writer import Writer, WriterBounds
from monitor.clock import ManualClock
from monitor.errors import OverloadedError, StorageError
from monitor.record import Position

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection


def _count(number: int) -> Callable[[Connection], int]:
    """Make a unit that counts one line under the key `number`."""

    def unit(connection: Connection) -> int:
        counters.add(connection, [Count("m", "http", "accepted", 1, str(number))])
        return number

    return unit


def _failing(number: int) -> Callable[[Connection], int]:
    def unit(connection: Connection) -> int:
        _count(number)(connection)
        raise ZeroDivisionError(number)

    return unit


def _counted(archive: Archive) -> set[int]:
    return {int(count.reason) for count in archive.reader.run(counters.totals)}


class _Hold:
    """Keeps the writer busy in a unit until released, so that a group gathers behind it."""

    def __init__(self, archive: Archive) -> None:
        self._running = threading.Event()
        self._release = threading.Event()
        self._future = archive.writer.submit(self._wait)

    def _wait(self, _: Connection) -> None:
        self._running.set()
        self._release.wait(30)

    def __enter__(self) -> None:
        assert self._running.wait(30)

    def __exit__(self, *_: object) -> None:
        self._release.set()
        self._future.result(30)


@pytest.fixture
def hold(archive: Archive) -> Callable[[], AbstractContextManager[None]]:
    return lambda: _Hold(archive)


def test_result_arrives_after_the_commit(archive: Archive) -> None:
    seen: list[set[int]] = []
    future = archive.writer.submit(_count(1))
    future.add_done_callback(lambda _: seen.append(_counted(archive)))
    assert future.result(30) == 1
    archive.close()
    assert seen == [{1}]


def test_waiting_units_share_one_commit(archive: Archive, hold: Any) -> None:
    with hold():
        futures = [archive.writer.submit(_count(number)) for number in range(50)]
    assert [future.result(30) for future in futures] == list(range(50))
    assert archive.writer.groups == 2
    assert archive.writer.largest_group == 50
    assert archive.writer.units == 51
    assert _counted(archive) == set(range(50))


def test_group_is_bounded_by_count_and_bytes(url: str) -> None:
    bounds = WriterBounds(group_units=4, group_bytes=100)
    with Archive(url, ManualClock(), bounds=bounds) as archive:
        with _Hold(archive):
            small = [archive.writer.submit(_count(number)) for number in range(8)]
            large = [archive.writer.submit(_count(8 + n), size=60) for n in range(2)]
        for future in (*small, *large):
            future.result(30)
        # 1 for the hold, 4 + 4 small ones, and the large ones do not fit one group
        assert archive.writer.groups == 5


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(plan=st.lists(st.booleans(), min_size=1, max_size=20))
def test_failing_units_fail_alone(archive: Archive, plan: list[bool]) -> None:
    archive.writer.submit(lambda c: c.execute(text("DELETE FROM intake_counts"))).result(30)
    with _Hold(archive):
        futures = [
            archive.writer.submit(_count(number) if good else _failing(number))
            for number, good in enumerate(plan)
        ]
    for number, (good, future) in enumerate(zip(plan, futures, strict=True)):
        if good:
            assert future.result(30) == number
        else:
            with pytest.raises(ZeroDivisionError):
                future.result(30)
    assert _counted(archive) == {number for number, good in enumerate(plan) if good}


def test_unit_is_all_or_nothing_over_several_stores(archive: Archive, hold: Any) -> None:
    def unit(connection: Connection) -> None:
        positions.save(connection, Position("files", {"offset": 7}), 0)
        _failing(1)(connection)

    for alone in (True, False):
        if alone:
            failed = archive.writer.submit(unit)
        else:
            with hold():
                failed = archive.writer.submit(unit)
                archive.writer.submit(_count(2))
        assert isinstance(failed.exception(30), ZeroDivisionError)
        assert archive.reader.run(positions.load_all) == ()
    assert _counted(archive) == {2}


def _lost_by_statement(connection: Connection) -> None:
    connection.exec_driver_sql("ROLLBACK")


def _lost_on_full_disk(connection: Connection) -> None:
    pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")
    state = {"blob": "x" * 1_000_000}
    positions.save(connection, Position("files", state), 0)


def _swallowed(connection: Connection) -> None:
    try:
        _lost_on_full_disk(connection)
    except Exception:  # noqa: BLE001  (the careless unit that this test is about)
        return


@pytest.mark.parametrize(
    ("lose", "reason"),
    [
        (_lost_by_statement, "a write ended its transaction"),
        (_lost_on_full_disk, "database or disk is full"),
        (_swallowed, "a write ended its transaction"),
    ],
)
@pytest.mark.parametrize("neighbours", [0, 1])
def test_group_whose_transaction_is_lost_fails_as_a_whole(
    archive: Archive,
    hold: Any,
    lose: Callable[[Connection], None],
    reason: str,
    neighbours: int,
) -> None:
    with hold():
        futures: list[Future[Any]] = [archive.writer.submit(_count(n)) for n in range(neighbours)]
        futures.append(archive.writer.submit(lose))
        futures += [archive.writer.submit(_count(10 + n)) for n in range(neighbours)]
    for future in futures:
        with pytest.raises(StorageError, match=f"could not be written: {reason}"):
            future.result(30)
    assert _counted(archive) == set()
    assert archive.writer.last_failure == reason
    assert archive.writer.submit(_count(3)).result(30) == 3
    assert _counted(archive) == {3}
    assert archive.writer.last_failure == ""


@pytest.fixture
def refusing(url: str) -> Iterator[tuple[Archive, list[str]]]:
    """Make an archive whose commits fail while the list is not empty."""
    reasons: list[str] = []
    with Archive(url, ManualClock()) as archive:

        @event.listens_for(archive.writer._engine, "commit")
        def refuse(_: Connection) -> None:
            if reasons:
                raise OSError(reasons[0])

        yield archive, reasons


@pytest.mark.parametrize("together", [1, 3])
def test_failed_commit_fails_every_future(
    refusing: tuple[Archive, list[str]], together: int
) -> None:
    archive, reasons = refusing
    archive.writer.submit(_count(1)).result(30)

    def last_straw(connection: Connection) -> int:
        reasons.append("no space left")
        return _count(100)(connection)

    with _Hold(archive):
        futures = [archive.writer.submit(_count(101 + number)) for number in range(together - 1)]
        futures.append(archive.writer.submit(last_straw))
        futures[0].add_done_callback(lambda _: reasons.clear())
    for future in futures:
        with pytest.raises(StorageError, match="no space left"):
            future.result(30)
    assert archive.writer.submit(_count(2)).result(30) == 2
    assert _counted(archive) == {1, 2}


def test_full_queue_refuses_and_loses_nothing(url: str) -> None:
    bounds = WriterBounds(queued_units=3, queued_bytes=100)
    with Archive(url, ManualClock(), bounds=bounds) as archive:
        with _Hold(archive):
            accepted = [archive.writer.submit(_count(1), size=90)]
            with pytest.raises(OverloadedError, match="1 writes are waiting") as refused:
                archive.writer.submit(_count(9), size=11)
            accepted += [archive.writer.submit(_count(number)) for number in (2, 3)]
            with pytest.raises(OverloadedError):
                archive.writer.submit(_count(9))
            assert archive.writer.queued == 3
        assert refused.value.retry_after == 1.0
        assert {future.result(30) for future in accepted} == {1, 2, 3}
        assert _counted(archive) == {1, 2, 3}


def test_one_unit_larger_than_the_queue_is_taken(url: str) -> None:
    with Archive(url, ManualClock(), bounds=WriterBounds(queued_bytes=10)) as archive:
        assert archive.writer.submit(_count(1), size=1000).result(30) == 1


def test_cancelled_units_do_not_run(archive: Archive, hold: Any) -> None:
    with hold():
        cancelled = archive.writer.submit(_count(1))
        kept = archive.writer.submit(_count(2))
        assert cancelled.cancel()
    assert kept.result(30) == 2
    assert _counted(archive) == {2}


def test_stop_finishes_what_is_queued_and_refuses_the_rest(url: str) -> None:
    archive = Archive(url, ManualClock())
    held = _Hold(archive)
    with held:
        futures = [archive.writer.submit(_count(number)) for number in range(10)]
    archive.close()
    assert [future.result(0) for future in futures] == list(range(10))
    with pytest.raises(StorageError, match="closing"):
        archive.writer.submit(_count(11))
    archive.close()


def test_writer_that_was_never_started_cancels(url: str) -> None:
    engine = write_engine(url)
    writer = Writer(engine, ManualClock())
    future = writer.submit(_count(1))
    writer.stop()
    engine.dispose()
    assert future.cancelled()


def test_exit_of_a_unit_does_not_end_the_writer(archive: Archive) -> None:
    def leave(_: Connection) -> None:
        raise SystemExit(3)

    assert isinstance(archive.writer.submit(leave).exception(30), SystemExit)
    assert archive.writer.submit(_count(1)).result(30) == 1


def test_thirty_two_threads_lose_nothing(archive: Archive) -> None:
    def work(thread: int) -> list[Future[int]]:
        return [
            archive.writer.submit((_failing if n % 5 == 4 else _count)(thread * 100 + n))
            for n in range(20)
        ]

    with ThreadPoolExecutor(32) as pool:
        futures = [future for batch in pool.map(work, range(32)) for future in batch]
    good = {future.result(30) for future in futures if future.exception(30) is None}
    assert len(good) == 32 * 16
    assert _counted(archive) == good
    assert archive.writer.units == len(good)
    assert archive.writer.failed_units == 32 * 4
    assert archive.writer.groups < len(good)

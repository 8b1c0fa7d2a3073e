"""What a failed transaction leaves behind: nothing, least of all the belief to have seen an id."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from monitor.archive import counters, positions
from monitor.errors import OverloadedError, StorageError
from monitor.record import Decoded, Position
from tests.monitor.intake.gate import bad, records

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future
    from contextlib import AbstractContextManager

    from sqlalchemy import Connection

    from monitor.record import Receipt
    from tests.monitor.intake.gate import Gate

LOG = Position("log", {"offset": 7})


class Hold:
    """Keeps the writer busy until released, so that a group gathers behind it."""

    def __init__(self, gate: Gate) -> None:
        self._running, self._free = threading.Event(), threading.Event()
        self._future = gate.archive.writer.submit(self._wait)
        assert self._running.wait(10)

    def __enter__(self) -> None:
        """Nothing to hand over."""

    def __exit__(self, *_: object) -> None:
        self._free.set()
        self._future.exception(10)

    def _wait(self, _: Connection) -> None:
        self._running.set()
        assert self._free.wait(10)


@pytest.fixture
def broken_positions(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last statement of a delivery that has a position fails."""

    def save(link: Connection, position: Position, now: int) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(positions, "save", save)


@pytest.fixture
def lost_commits(gate: Gate) -> Callable[[], AbstractContextManager[None]]:
    """Make commits fail while the context is open."""
    engine = gate.archive.writer._engine

    class Lost:
        def __enter__(self) -> None:
            event.listen(engine, "commit", self._refuse)

        def __exit__(self, *_: object) -> None:
            event.remove(engine, "commit", self._refuse)

        @staticmethod
        def _refuse(_: Connection) -> None:
            raise OSError("disk full")

    return Lost


def refused(future: Future[Receipt], error: type[Exception]) -> None:
    with pytest.raises(error):
        future.result(10)


@pytest.mark.usefixtures("broken_positions")
def test_a_failed_unit_stores_nothing(gate: Gate) -> None:
    delivery = Decoded([records("a")], problems=[bad(2)])
    refused(gate.intake.submit(delivery, "log", LOG), ZeroDivisionError)
    assert gate.journalled() == []
    assert gate.doors() == {}
    assert gate.kept() == ()
    assert gate.position("log") is None
    assert gate.told == []


@pytest.mark.usefixtures("broken_positions")
def test_a_failed_unit_leaves_no_ids(gate: Gate) -> None:
    refused(gate.intake.submit(Decoded([records("a", "b")]), "log", LOG), ZeroDivisionError)
    assert len(gate.dedup) == 0
    assert gate.records(records("a", "b")).accepted == 2


@pytest.mark.usefixtures("broken_positions")
def test_a_failed_unit_does_not_make_its_neighbour_a_repeat(gate: Gate) -> None:
    """Two deliveries of one id in one group: if the first fails, the second is the original."""
    with Hold(gate):
        failed = gate.intake.submit(Decoded([records("a")]), "log", LOG)
        neighbour = gate.intake.submit(Decoded([records("a")]), "http")
    refused(failed, ZeroDivisionError)
    assert neighbour.result(10).accepted == 1
    assert gate.ids() == ["a"]


def test_a_lost_commit_leaves_nothing(
    gate: Gate, lost_commits: Callable[[], AbstractContextManager[None]]
) -> None:
    with lost_commits():
        refused(gate.intake.submit(Decoded([records("a")]), "log", LOG), StorageError)
    assert (len(gate.dedup), gate.position("log"), gate.told) == (0, None, [])
    assert gate.records(records("a")).accepted == 1
    assert gate.ids() == ["a"]


def test_a_lost_group_is_forgotten_before_the_next_one_begins(
    gate: Gate, lost_commits: Callable[[], AbstractContextManager[None]]
) -> None:
    with lost_commits():
        with Hold(gate):
            lost = [gate.intake.submit(Decoded([records("a", str(i))]), "http") for i in range(5)]
        for future in lost:
            refused(future, StorageError)
    assert gate.records(records("a", *map(str, range(5)))).accepted == 6


def test_ids_are_forgotten_by_the_thread_that_remembers_them(
    gate: Gate,
    lost_commits: Callable[[], AbstractContextManager[None]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However late the delivery's own thread gets to run after it queued its unit."""
    threads: list[str] = []
    discard = gate.dedup.discard
    submit = gate.archive.writer.submit

    def slow(*arguments: Any, **more: Any) -> Future[Any]:
        future: Future[Any] = submit(*arguments, **more)
        with pytest.raises(StorageError):
            future.result(10)
        return future

    def noted(values: Any) -> None:
        threads.append(threading.current_thread().name)
        discard(values)

    monkeypatch.setattr(gate.dedup, "discard", noted)
    monkeypatch.setattr(gate.archive.writer, "submit", slow)
    with lost_commits():
        refused(gate.intake.submit(Decoded([records("a")]), "http"), StorageError)
    assert set(threads) == {"archive-writer"}


def test_only_new_ids_are_forgotten(
    gate: Gate, lost_commits: Callable[[], AbstractContextManager[None]]
) -> None:
    gate.records(records("a"))
    with lost_commits():
        refused(gate.intake.submit(Decoded([records("a", "b")]), "http"), StorageError)
    assert gate.records(records("a", "b")).duplicate == 1


def test_a_full_queue_refuses_the_whole_delivery(gate: Gate) -> None:
    with Hold(gate):
        waiting: list[Future[Receipt]] = []
        with suppress(OverloadedError):
            waiting.extend(
                gate.intake.submit(Decoded([records(str(number))]), "http")
                for number in range(2_000)
            )
    accepted = sum(future.result(10).accepted for future in waiting)
    assert len(gate.ids()) == accepted == len(waiting) < 2_000
    refused_one = str(len(waiting))
    assert gate.records(records(refused_one)).accepted == 1


def test_a_delivery_that_was_given_up_before_its_turn_is_as_if_never_sent(gate: Gate) -> None:
    with Hold(gate):
        future = gate.intake.submit(Decoded([records("a")]), "http")
        assert future.cancel()
    assert gate.records(records("a")).accepted == 1
    assert gate.doors() == {"received": 1, "accepted": 1}


def test_the_module_counts_in_the_same_transaction(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counters that cannot be written take the records down with them."""

    def add(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(counters, "add", add)
    refused(gate.intake.submit(Decoded([records("a")]), "http"), ZeroDivisionError)
    assert gate.journalled() == []

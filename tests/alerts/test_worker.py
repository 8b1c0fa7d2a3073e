"""The delivery worker: lanes, retries, restarts, disabled receivers, and what it survives."""

from __future__ import annotations

import json
import logging
import threading
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from standardwebhooks import Webhook

from alerts.channels.address import AddressPolicy
from alerts.channels.base import Attempt, OutboundMessage, Outcome, Reason
from alerts.channels.transport import Transport
from alerts.channels.webhook import WebhookChannel
from alerts.errors import ChannelError
from alerts.outbox import rows_for
from alerts.store import OutboxRow, OutboxState
from alerts.worker import DeliveryWorker
from monitor.clock import ManualClock, SystemClock
from tests.alerts.receiver import SECRET, Receiver, Reply
from tests.alerts.sqlite_store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

OK = Attempt(Outcome.DELIVERED, Reason.OK)
RETRY = Attempt(Outcome.RETRY, Reason.SERVER_ERROR)
GONE = Attempt(Outcome.DISABLED, Reason.GONE)
NOW = 1_400_000_000_000_000


class FakeChannel:
    """Answers with the given attempts in turn, then with the last."""

    def __init__(self, name: str, *attempts: Attempt, target: str = "t1") -> None:
        self.name = name
        self.target = target
        self.sent: list[OutboundMessage] = []
        self._attempts = list(attempts) or [OK]

    def send(self, message: OutboundMessage) -> Attempt:
        self.sent.append(message)
        return self._attempts.pop(0) if len(self._attempts) > 1 else self._attempts[0]


class BlockedChannel(FakeChannel):
    """Hangs until released."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.entered = threading.Event()
        self.released = threading.Event()

    def send(self, message: OutboundMessage) -> Attempt:
        self.entered.set()
        assert self.released.wait(60)
        return super().send(message)


class Watching:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, str]] = []

    def on_attempt(self, channel: str, outcome: Outcome, reason: Reason, seconds: float) -> None:
        assert seconds >= 0
        self.seen.append((channel, outcome, reason))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def store() -> Iterator[SqliteStore]:
    kept = SqliteStore()
    yield kept
    kept.close()


def rows(*channels: str, name: str = "msg_1") -> tuple[OutboxRow, ...]:
    return rows_for(OutboundMessage(name, "s", b'{"a":1}', "application/json"), channels, NOW)


def worker(store: SqliteStore, clock: ManualClock, *channels: FakeChannel) -> DeliveryWorker:
    return DeliveryWorker(store, channels, clock, np.random.default_rng(1), poll_seconds=60.0)


def until(true: Callable[[], object]) -> None:
    """Poll, for what another thread does."""
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end
        time.sleep(0.002)


def test_a_due_row_is_delivered_once(store: SqliteStore, clock: ManualClock) -> None:
    store.add(rows("ops"))
    channel = FakeChannel("ops")
    assert worker(store, clock, channel).run_once() == 1
    assert channel.sent == [OutboundMessage("msg_1", "s", b'{"a":1}', "application/json")]
    assert store.rows()["msg_1", "ops"].state is OutboxState.DELIVERED
    assert worker(store, clock, channel).run_once() == 0


def test_a_failure_waits_for_its_time(store: SqliteStore, clock: ManualClock) -> None:
    store.add(rows("ops"))
    channel = FakeChannel("ops", Attempt(Outcome.RETRY, Reason.RATE_LIMITED, 100.0), OK)
    running = worker(store, clock, channel)
    assert running.run_once() == 1
    clock.advance(99)
    assert running.run_once() == 0
    clock.advance(22)
    assert running.run_once() == 1
    row = store.rows()["msg_1", "ops"]
    assert (row.state, row.attempts, row.last_reason) == (OutboxState.DELIVERED, 2, "ok")


def test_ten_failures_end_as_a_listed_dead_letter_that_can_be_replayed(
    store: SqliteStore, clock: ManualClock
) -> None:
    store.add(rows("ops"))
    channel = FakeChannel("ops", *[RETRY] * 10, OK)
    for _ in range(20):
        # A new worker each time: nothing of the schedule lives in one.
        worker(store, clock, channel).run_once()
        clock.advance(30 * 3600)
    assert len(channel.sent) == 10
    (dead,) = store.dead_letters(10)
    assert (dead.attempts, dead.last_reason) == (10, "server_error")
    assert store.replay("msg_1", "ops", clock.now())
    worker(store, clock, channel).run_once()
    assert store.rows()["msg_1", "ops"].state is OutboxState.DELIVERED
    assert {message.body for message in channel.sent} == {b'{"a":1}'}


def test_gone_disables_the_address_and_buries_what_waits(
    store: SqliteStore, clock: ManualClock
) -> None:
    store.add([*rows("ops", "pager"), *rows("ops", "pager", name="msg_2")])
    gone, pager = FakeChannel("ops", GONE), FakeChannel("pager")
    watching = Watching()
    DeliveryWorker(
        store, [gone, pager], clock, np.random.default_rng(1), observer=watching
    ).run_once()
    assert len(gone.sent) == 1
    assert len(pager.sent) == 2
    assert watching.seen.count(("ops", "disabled", "gone")) == 1
    assert [(row.id, row.attempts) for row in store.dead_letters(10)] == [
        ("msg_2", 0),
        ("msg_1", 1),
    ]
    store.add(rows("ops", name="msg_3"))
    moved = FakeChannel("ops", target="t2")
    worker(store, clock, moved).run_once()
    assert [message.id for message in moved.sent] == ["msg_3"]


def test_a_broken_channel_is_retried_and_its_error_is_not_shown(
    store: SqliteStore, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(FakeChannel):
        def send(self, message: OutboundMessage) -> Attempt:
            raise ValueError(f"https://hooks.example/hush {message.id}")

    store.add([*rows("ops"), *rows("ops", name="msg_2")])
    with caplog.at_level(logging.DEBUG):
        assert worker(store, clock, Broken("ops")).run_once() == 2
    row = store.rows()["msg_1", "ops"]
    assert (row.state, row.last_reason) == (OutboxState.PENDING, "internal_error")
    assert "ValueError" in caplog.text
    assert "hush" not in caplog.text


def test_a_hanging_receiver_delays_no_other(store: SqliteStore, clock: ManualClock) -> None:
    blocked, quick = BlockedChannel("slow"), FakeChannel("quick")
    store.add(rows("slow", "quick"))
    running = worker(store, clock, blocked, quick)
    running.start()
    assert blocked.entered.wait(30)
    for number in range(50):
        store.add(rows("quick", name=f"more_{number}"))
    running.wake()
    until(lambda: len(quick.sent) == 51)
    assert not blocked.sent
    assert running.stop(0.05) == ("slow",)
    blocked.released.set()
    assert running.stop(30) == ()
    assert store.rows()["msg_1", "slow"].state is OutboxState.DELIVERED


def test_a_stopped_worker_begins_no_new_attempt(store: SqliteStore, clock: ManualClock) -> None:
    blocked = BlockedChannel("ops")
    store.add([*rows("ops"), *rows("ops", name="msg_2")])
    running = worker(store, clock, blocked)
    running.start()
    assert blocked.entered.wait(30)
    running.stop(0.0)
    blocked.released.set()
    assert running.stop(30) == ()
    assert [message.id for message in blocked.sent] == ["msg_1"]
    again = FakeChannel("ops")
    worker(store, clock, again).run_once()
    assert [message.id for message in again.sent] == ["msg_2"]


def test_a_lane_outlives_a_store_that_refuses(
    store: SqliteStore, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    refused = threading.Event()

    class Refusing(SqliteStore):
        def due(self, channel: str, now: int, limit: int) -> list[OutboxRow]:
            if not refused.is_set():
                refused.set()
                raise RuntimeError("database is locked\nINSERT INTO ... all of it")
            return store.due(channel, now, limit)

        def record_attempt(self, attempt: object) -> None:
            store.record_attempt(attempt)  # type: ignore[arg-type]

    store.add(rows("ops"))
    channel, refusing = FakeChannel("ops"), Refusing()
    running = DeliveryWorker(
        refusing, [channel], clock, np.random.default_rng(1), poll_seconds=0.005
    )
    running.start()
    until(lambda: channel.sent)
    assert running.stop(30) == ()
    refusing.close()
    assert "database is locked" in caplog.text
    assert "INSERT" not in caplog.text


def test_two_channels_of_one_name_are_refused(store: SqliteStore, clock: ManualClock) -> None:
    with pytest.raises(ChannelError, match="channel ops is configured twice"):
        worker(store, clock, FakeChannel("ops"), FakeChannel("ops"))


def test_jitter_comes_from_the_generator_alone(clock: ManualClock) -> None:
    due = []
    for _ in range(2):
        store = SqliteStore()
        store.add(rows("a", "b"))
        worker(store, clock, FakeChannel("a", RETRY), FakeChannel("b", RETRY)).run_once()
        due.append({key: row.next_attempt_at for key, row in store.rows().items()})
        store.close()
    assert due[0] == due[1]
    assert len(set(due[0].values())) == 2


def test_from_the_store_over_http_to_a_verified_event(receiver: Receiver, tmp_path: Path) -> None:
    """The whole way with real parts, over a restart: 500, then a new process, then delivered."""
    clock = SystemClock()
    transport = Transport(AddressPolicy.allowing(["127.0.0.1"]), clock, timeout=5.0)
    channel = WebhookChannel(
        "ops", receiver.url(), [SECRET], transport=transport, clock=clock, allow_http=True
    )
    receiver.replies.append(Reply(500))
    for _ in range(2):
        store = SqliteStore(tmp_path / "outbox.db")
        if not store.rows():
            store.add(rows("ops"))
        if store.backlog() and receiver.got:
            # As if its time had come: the schedule itself has its own tests.
            store._run("UPDATE outbox SET next_attempt_at = 0")
        DeliveryWorker(store, [channel], clock, np.random.default_rng(1)).run_once()
        final = store.rows()["msg_1", "ops"]
        store.close()
    assert (final.state, final.attempts) == (OutboxState.DELIVERED, 2)
    first, second = receiver.got
    assert first.body == second.body == b'{"a":1}'
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == "msg_1"
    assert Webhook(SECRET).verify(second.body, second.headers) == json.loads(second.body)

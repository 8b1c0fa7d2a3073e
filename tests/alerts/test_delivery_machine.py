"""Random histories of failures, crashes and restarts: nothing lost, repeats only with the same id.

The crash is a `BaseException` between the receiver's answer and the note of it in the store, which
is where a kill hurts most; then store and worker are opened again from the file.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from alerts.channels.base import Attempt, OutboundMessage, Outcome, Reason
from alerts.outbox import MAX_ATTEMPTS, rows_for
from alerts.store import OutboxState
from alerts.worker import DeliveryWorker
from monitor.clock import ManualClock
from tests.alerts.sqlite_store import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = ("ops", "pager")


class Killed(BaseException):
    """The process is gone."""


class World:
    """The receivers, which outlive every restart of ours."""

    def __init__(self) -> None:
        self.moods = dict.fromkeys(NAMES, "well")
        self.accepted: dict[tuple[str, str], list[bytes]] = {}

    def meet(self, channel: str, message: OutboundMessage) -> Attempt:
        mood = self.moods[channel]
        if mood == "busy":
            return Attempt(Outcome.RETRY, Reason.RATE_LIMITED, 600.0)
        if mood == "picky":
            return Attempt(Outcome.FAILED, Reason.CLIENT_ERROR)
        if mood == "buggy":
            raise RuntimeError(channel)
        self.accepted.setdefault((message.id, channel), []).append(message.body)
        if mood == "killing":
            self.moods[channel] = "well"
            raise Killed
        return Attempt(Outcome.DELIVERED, Reason.OK)


class Door:
    """A channel to one of the receivers."""

    def __init__(self, name: str, world: World) -> None:
        self.name = name
        self.target = name
        self._world = world

    def send(self, message: OutboundMessage) -> Attempt:
        return self._world.meet(self.name, message)


class Delivery(RuleBasedStateMachine):
    """One outbox file, one clock, two receivers."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.clock = ManualClock(1_400_000_000_000_000)
        self.world = World()
        self.sent: dict[str, bytes] = {}
        self.reopened = 0
        self.store = self.reopen()

    def reopen(self) -> SqliteStore:
        """Open store and worker as a new process does."""
        store = SqliteStore(Path(self.folder.name) / "outbox.db")
        self.reopened += 1
        rng = np.random.default_rng(self.reopened)
        doors = [Door(name, self.world) for name in NAMES]
        self.worker = DeliveryWorker(store, doors, self.clock, rng)
        return store

    @rule(channels=st.sets(st.sampled_from(NAMES), min_size=1))
    def decide(self, channels: set[str]) -> None:
        name = f"msg_{len(self.sent)}"
        self.sent[name] = name.encode()
        message = OutboundMessage(name, "s", self.sent[name], "text/plain")
        self.store.add(rows_for(message, sorted(channels), self.clock.now()))

    @rule(
        channel=st.sampled_from(NAMES),
        mood=st.sampled_from(["well", "busy", "picky", "buggy", "killing"]),
    )
    def change(self, channel: str, mood: str) -> None:
        self.world.moods[channel] = mood

    @rule(seconds=st.sampled_from([1, 10, 600, 36_000, 200_000]))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule()
    def deliver(self) -> None:
        try:
            self.worker.run_once()
        except Killed:
            self.store.close()
            self.store = self.reopen()

    @rule()
    def replay_all(self) -> None:
        for row in self.store.dead_letters(1000):
            assert self.store.replay(row.id, row.channel, self.clock.now())

    @invariant()
    def nothing_is_lost_and_every_row_is_in_one_place(self) -> None:
        for key, row in self.store.rows().items():
            assert row.body == self.sent[row.id]
            assert row.attempts <= MAX_ATTEMPTS
            assert (row.next_attempt_at is None) == (row.state is not OutboxState.PENDING)
            if row.state is OutboxState.DELIVERED:
                assert self.world.accepted[key]
        assert {row_id for row_id, _ in self.store.rows()} == set(self.sent)

    @invariant()
    def repetitions_are_the_same_message(self) -> None:
        for (name, _), bodies in self.world.accepted.items():
            assert set(bodies) == {self.sent[name]}

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        for name in NAMES:
            self.world.moods[name] = "well"
        for _ in self.storm():
            self.replay_all()
            self.worker.run_once()
        assert not self.store.backlog()
        assert not self.store.dead_letters(1)
        self.store.close()
        self.folder.cleanup()

    def storm(self) -> Iterator[None]:
        """Give every receiver time: after this all rows have had their turn."""
        for _ in range(3):
            self.clock.advance(200_000)
            yield


Delivery.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestDelivery = Delivery.TestCase

"""The delivery worker: takes due rows from the store, tries them, writes down what happened.

Every channel is a lane of its own with its own thread, so a receiver that hangs delays only its
own messages. The worker keeps nothing: what is due, how often it was tried and which channels are
disabled is in the store, so stopping it anywhere, by SIGKILL too, loses nothing and repeats at
most the attempt that was under way, with the same id.

Order is not promised: while a message waits for its retry, later ones overtake it.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Protocol

from alerts.channels.base import Attempt, OutboundMessage, Outcome, Reason
from alerts.errors import ChannelError
from alerts.outbox import settle
from alerts.store import AttemptRecord, OutboxState

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

    from alerts.channels.base import Channel
    from alerts.clock import Clock
    from alerts.store import OutboxRow, OutboxStore

logger = logging.getLogger("driftd.alerts")

POLL_SECONDS = 1.0
"""Longest time a lane sleeps: bounds the delay when the wall clock jumps or a wake-up is missed."""

_BATCH = 20


class DeliveryObserver(Protocol):
    """Hears of every attempt; must be quick, and is called from the lanes' threads."""

    def on_attempt(self, channel: str, outcome: Outcome, reason: Reason, seconds: float) -> None:
        """One attempt ended after `seconds`."""
        ...


class DeliveryWorker:
    """Delivers the outbox.

    Parameters
    ----------
    store
        Where the rows are.
    channels
        Every configured channel; rows of other channels stay where they are.
    clock
        Dates attempts and measures them.
    rng
        Source of the jitter; each lane draws from its own child.
    observer
        Hears of every attempt.
    poll_seconds
        See `POLL_SECONDS`.

    Raises
    ------
    ChannelError
        Two channels have one name.
    """

    def __init__(
        self,
        store: OutboxStore,
        channels: Iterable[Channel],
        clock: Clock,
        rng: np.random.Generator,
        *,
        observer: DeliveryObserver | None = None,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        listed = list(channels)
        names = [channel.name for channel in listed]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ChannelError(f"channel {twice[0]} is configured twice")
        self._clock = clock
        self._stop = threading.Event()
        self._lanes = [
            _Lane(
                store=store,
                channel=channel,
                clock=clock,
                rng=child,
                observer=observer,
                stop=self._stop,
                poll_seconds=poll_seconds,
            )
            for channel, child in zip(listed, rng.spawn(len(listed)), strict=True)
        ]

    def run_once(self) -> int:
        """Try everything that is due now, lane after lane in this thread; return the attempts.

        For tests and commands; not while the worker is started.
        """
        return sum(lane.deliver_due() for lane in self._lanes)

    def start(self) -> None:
        """Start one thread per channel; a worker starts once."""
        for lane in self._lanes:
            lane.thread.start()

    def wake(self) -> None:
        """Look at the store now: new rows were committed."""
        for lane in self._lanes:
            lane.awake.set()

    def stop(self, timeout: float) -> tuple[str, ...]:
        """Begin no new attempt, and wait at most `timeout` seconds for those under way.

        Returns the channels that are still in an attempt; their threads end with it and do not
        keep the process alive.
        """
        self._stop.set()
        self.wake()
        end = self._clock.monotonic() + timeout
        for lane in self._lanes:
            if lane.thread.is_alive():
                lane.thread.join(max(end - self._clock.monotonic(), 0.0))
        return tuple(lane.name for lane in self._lanes if lane.thread.is_alive())


class _Lane:
    """The way to one channel."""

    def __init__(
        self,
        *,
        store: OutboxStore,
        channel: Channel,
        clock: Clock,
        rng: np.random.Generator,
        observer: DeliveryObserver | None,
        stop: threading.Event,
        poll_seconds: float,
    ) -> None:
        self.name = channel.name
        self.awake = threading.Event()
        self.thread = threading.Thread(target=self._run, name=f"alerts-{self.name}", daemon=True)
        self._store = store
        self._channel = channel
        self._clock = clock
        self._rng = rng
        self._observer = observer
        self._stop = stop
        self._poll_seconds = poll_seconds

    def deliver_due(self) -> int:
        """Try all due rows of this channel; return how many, whatever became of them."""
        count = 0
        while rows := self._store.due(self.name, self._clock.now(), _BATCH):
            for row in rows:
                if self._stop.is_set():
                    return count
                self._deliver(row)
                count += 1
        return count

    def _run(self) -> None:
        """Deliver until stopped; a store that refuses for a while is asked again."""
        while not self._stop.is_set():
            # Cleared before looking: a wake-up that comes meanwhile cuts the sleep short.
            self.awake.clear()
            try:
                self.deliver_due()
            except Exception as error:  # noqa: BLE001 - the lane outlives a locked or full database
                logger.error("channel %s: the outbox cannot be used: %s", self.name, _line(error))  # noqa: TRY400
            self.awake.wait(self._poll_seconds)

    def _deliver(self, row: OutboxRow) -> None:
        """Try one row and store the result, unless the receiver said earlier that it is gone."""
        if self._store.is_disabled(self.name, self._channel.target):
            self._store.record_attempt(_buried(row, self._clock.now()))
            return
        began = self._clock.monotonic()
        attempt = self._send(row)
        seconds = self._clock.monotonic() - began
        if attempt.outcome is Outcome.DISABLED:
            self._store.disable(self.name, self._channel.target, self._clock.now())
        self._store.record_attempt(settle(row, attempt, self._clock.now(), self._rng))
        if self._observer is not None:
            self._observer.on_attempt(self.name, attempt.outcome, attempt.reason, seconds)
        self._log(row, attempt)

    def _send(self, row: OutboxRow) -> Attempt:
        """Send, and turn a channel's defect into a retry: no row may stop its lane."""
        message = OutboundMessage(row.id, row.subject, row.body, row.content_type)
        try:
            return self._channel.send(message)
        except Exception as error:  # noqa: BLE001
            # Only the class: the text of a foreign exception may quote an address or a secret.
            return Attempt(Outcome.RETRY, Reason.INTERNAL, detail=type(error).__name__)

    def _log(self, row: OutboxRow, attempt: Attempt) -> None:
        level = logging.INFO if attempt.outcome is Outcome.DELIVERED else logging.WARNING
        logger.log(
            level,
            "channel %s: %s %s, attempt %d (%s %s)",
            self.name,
            row.id,
            attempt.outcome,
            row.attempts + 1,
            attempt.reason,
            attempt.detail,
        )


def _buried(row: OutboxRow, now: int) -> AttemptRecord:
    """Give up a row of a disabled channel without an attempt."""
    return AttemptRecord(
        id=row.id,
        channel=row.channel,
        attempts=row.attempts,
        at=now,
        outcome=Outcome.DISABLED,
        reason=Reason.GONE,
        state=OutboxState.DEAD,
        next_attempt_at=None,
    )


def _line(error: Exception) -> str:
    """First line of an error: databases put whole statements into the others."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"

"""What reaches a daemon that is killed again and again: clients that insist, a log that grows."""

from __future__ import annotations

import http.client
import os
import shutil
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests import shop
from tests.daemon import NDJSON

if TYPE_CHECKING:
    import random
    from datetime import datetime
    from pathlib import Path

    from tests.daemon import Daemon

DRIFT_EVERY = 4_000
"""Records after which the amount moves, and moves back."""

VERSION_EVERY = 9_000
BAD = (b"{", b"[1]", b'{"model":"shop","time":"2024-03-04"}', b'{"model":"shop","a":NaN}', b"\xff")
LABEL = "label/"
"""Begins the key of a label, so that it and its record are two."""

OVERLOADED = frozenset({429, 503})


class Story:
    """Numbers and event times, shared by all who send, so that time goes forward for all."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next = 0

    def take(self, count: int) -> range:
        """The next numbers."""
        with self._lock:
            first = self._next
            self._next += count
        return range(first, first + count)

    @staticmethod
    def record(number: int, prefix: str) -> dict[str, Any]:
        """The record of a number; now and then the amount drifts or the version changes."""
        shift = float(number // DRIFT_EVERY % 2)
        version = str(1 + number // VERSION_EVERY % 2)
        return shop.record(number, time_of(number), prefix=prefix, version=version, shift=shift)


def time_of(number: int) -> datetime:
    """Event time of a record."""
    return shop.LIVE + number * shop.GAP


@dataclass(frozen=True, slots=True)
class Parcel:
    """One payload, and the keys of the records and labels in it (labels begin with `LABEL`)."""

    payload: bytes
    keys: frozenset[str]
    lines: int


class Client(threading.Thread):
    """Sends parcel after parcel; one that got no answer is sent again until it gets one.

    `acknowledged` holds what was answered with 200, `answered` counts its lines. `unanswered`
    counts the lines of attempts whose fate the client never learned. `failures` are answers that
    no client should get.
    """

    def __init__(
        self,
        name: str,
        daemon: Daemon,
        story: Story,
        rng: random.Random,
        up: threading.Event,
        over: threading.Event,
    ) -> None:
        super().__init__(name=name, daemon=True)
        self.acknowledged: list[Parcel] = []
        self.answered = 0
        self.unanswered = 0
        self.failures: list[str] = []
        self._target_daemon = daemon
        self._story = story
        self._rng = rng
        self._up = up
        self._over = over

    def run(self) -> None:
        """Send until it is over; the parcel under way is brought to its end."""
        while not self._over.is_set() and not self.failures:
            parcel = self._parcel()
            while not self._deliver(parcel) and not self.failures:
                self._up.wait(0.2)
            self._over.wait(self._rng.uniform(0, 0.1))

    def _deliver(self, parcel: Parcel) -> bool:
        try:
            answer = self._target_daemon.ask(
                "POST", "/v1/records", parcel.payload, {"content-type": NDJSON}
            )
        except (OSError, http.client.HTTPException):
            self.unanswered += parcel.lines
            return False
        if answer.status in OVERLOADED:
            return False
        if answer.status != http.HTTPStatus.OK or answer.json()["received"] != parcel.lines:
            self.failures.append(f"{answer.status}: {answer.text}")
            return False
        self.acknowledged.append(parcel)
        self.answered += parcel.lines
        return True

    def _parcel(self) -> Parcel:
        rng = self._rng
        numbers = self._story.take(rng.randint(10, 100))
        rows = {f"{self.name}-{n}": self._story.record(n, self.name) for n in numbers}
        for n in rng.sample(numbers, rng.randint(0, 5)):
            rows[f"{LABEL}{self.name}-{n}"] = shop.label(n, time_of(n), prefix=self.name)
        sent = [shop.lines([row]) for row in rows.values()]
        if self.acknowledged and rng.random() < 0.3:  # some of it, or all, came before
            earlier = rng.choice(self.acknowledged[-20:]).payload.splitlines(keepends=True)
            sent += rng.sample(earlier, rng.randint(1, len(earlier)))
        sent += [rng.choice(BAD) + b"\n" for _ in range(rng.choice((0, 0, 1, 3)))]
        rng.shuffle(sent)
        return Parcel(b"".join(sent), frozenset(rows), len(sent))


class Log(threading.Thread):
    """A log file that grows in bits and pieces and is rotated, whether a daemon runs or not.

    `keys` are the records written, `bad` counts the lines that are none.
    """

    def __init__(
        self, folder: Path, story: Story, rng: random.Random, over: threading.Event
    ) -> None:
        super().__init__(name="log", daemon=True)
        self.keys: list[str] = []
        self.bad = 0
        self._path = folder / "app.ndjson"
        self._story = story
        self._rng = rng
        self._over = over
        self._rotations = 0

    def run(self) -> None:
        """Write until it is over; the last line is whole."""
        while not self._over.is_set():
            with self._path.open("ab", buffering=0) as file:
                for _ in range(self._rng.randint(40, 120)):
                    self._append(file.fileno())
                    if self._over.wait(self._rng.uniform(0, 0.2)):
                        return
            self._rotate()

    def _append(self, descriptor: int) -> None:
        numbers = self._story.take(self._rng.randint(1, 30))
        sent = [shop.lines([self._story.record(n, "f")]) for n in numbers]
        self.keys += [f"f-{n}" for n in numbers]
        if self._rng.random() < 0.2:
            sent.insert(self._rng.randint(0, len(sent)), self._rng.choice(BAD) + b"\n")
            self.bad += 1
        text = b"".join(sent)
        cut = self._rng.randint(0, len(text))  # the daemon may see half a line
        os.write(descriptor, text[:cut])
        self._over.wait(self._rng.uniform(0, 0.01))
        os.write(descriptor, text[cut:])

    def _rotate(self) -> None:
        """Rename, or copy and truncate: both are what log rotation does."""
        self._rotations += 1
        old = self._path.with_name(f"{self._path.name}.{self._rotations}")
        if self._rng.random() < 0.5:
            self._path.rename(old)
        else:
            shutil.copyfile(self._path, old)
            os.truncate(self._path, 0)

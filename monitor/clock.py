"""The only place where the daemon asks what time it is, or waits for it to pass."""

from __future__ import annotations

import time
from typing import Protocol

MICROS = 1_000_000


class Clock(Protocol):
    """Wall time in microseconds since 1970-01-01T00:00:00Z, and waiting."""

    def now(self) -> int:
        """Wall time, microseconds since the epoch (UTC)."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back; only differences mean anything."""
        ...

    def sleep(self, seconds: float) -> None:
        """Return after `seconds` of this clock have passed."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """See `Clock`."""
        return time.time_ns() // 1000

    def monotonic(self) -> float:
        """See `Clock`."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """See `Clock`."""
        time.sleep(seconds)


class ManualClock:
    """A clock that moves only when told to: for tests, replay and scenarios."""

    def __init__(self, now: int = 0) -> None:
        self._now = now

    def now(self) -> int:
        """See `Clock`."""
        return self._now

    def monotonic(self) -> float:
        """See `Clock`."""
        return self._now / MICROS

    def sleep(self, seconds: float) -> None:
        """See `Clock`."""
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Move this clock `seconds` forward."""
        self._now += round(seconds * MICROS)

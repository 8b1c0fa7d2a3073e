"""What this package needs of a clock; `monitor.clock.Clock` has it, without being imported."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol

MICROS = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Wall time for schedules and signatures, and a second hand for durations."""

    def now(self) -> int:
        """Wall time, microseconds since the epoch (UTC)."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back; only differences mean anything."""
        ...


def rfc3339(micros: int) -> str:
    """Write microseconds since the epoch as RFC 3339 in UTC, with a fraction only if there is one.

    Years 1 to 9999; `OverflowError` outside.
    """
    return (_EPOCH + timedelta(microseconds=micros)).isoformat().replace("+00:00", "Z")

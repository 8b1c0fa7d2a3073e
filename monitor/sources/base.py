"""What a source is: something that hands over payloads together with the position behind them.

A source never acknowledges by itself. The caller commits a delivery's records and its position in
one transaction and only then reads on; after a crash it opens the source at the position that was
committed last and gets exactly what follows it. Retries and pacing are the caller's work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.record import Position


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one read returns.

    `content` names what the payload holds: `ndjson`, `csv` (with its header line) or `arrow` (an
    IPC stream). `position` acknowledges this payload and everything delivered before it.
    """

    payload: bytes
    content: str
    position: Position


class Source(Protocol):
    """One place that records come from; used by one thread at a time."""

    @property
    def name(self) -> str:
        """Name in positions, metrics and messages."""
        ...

    @property
    def faults(self) -> Mapping[str, str]:
        """What cannot be read now, and why, by part of the source; empty when all is well."""
        ...

    def check(self) -> None:
        """Say early what can never work.

        Raises
        ------
        InputError
            The source cannot be read as it is configured; the message says what to change.
        """
        ...

    def open(self, position: Position | None) -> None:
        """Start behind `position`, or at the beginning if there is none."""
        ...

    def read(self, max_bytes: int) -> Delivery | None:
        """Hand over the next payload of about `max_bytes` at most, or None if there is none now.

        A part of the source that cannot be read is noted in `faults` and left for later.
        """
        ...

    def close(self) -> None:
        """Let go of everything; `open` may be called again."""
        ...

"""What a decoder is: bytes of one format in, records, labels and problems out.

A decoder is pure. It never raises on bad input and never stops at the first bad line: whatever
it cannot read becomes a `Problem` that says which line and why, and the neighbours of a bad line
survive. Transport, duplicates, sampling and privacy are other people's work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from monitor.record import Decoded, Reason


class Decoder(Protocol):
    """Turns one payload into batches; safe to call from several threads at once."""

    def decode(self, payload: bytes, received_at: int) -> Decoded:
        """Read one payload.

        Parameters
        ----------
        payload : bytes
            The body, already decompressed.
        received_at : int
            When it arrived, microseconds since the epoch: the time of records that state none,
            and the reference for times in the future.

        Returns
        -------
        Decoded
            Every line in exactly one batch or problem; batches keep the order of the payload
            within one model and version.
        """
        ...


@dataclass(frozen=True, slots=True)
class Fault:
    """Why one line cannot become a record, before it is known where it stood."""

    reason: Reason
    detail: str

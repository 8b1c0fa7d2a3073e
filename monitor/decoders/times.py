"""RFC 3339 texts to microseconds since the epoch, a whole payload at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np

from monitor.clock import MICROS
from monitor.decoders.base import Fault
from monitor.record import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_SERIES: Final = list[datetime | None]
_YEAR_1: Final = -62_135_596_800_000_000
_YEAR_10000: Final = 253_402_300_800_000_000
_SHOWN: Final = 40


def micros_of(moment: datetime) -> int:
    """Microseconds since the epoch of an aware datetime."""
    return (moment - _EPOCH) // _MICROSECOND


def times_of(
    texts: Sequence[str | None], received_at: int, max_future_seconds: float
) -> tuple[NDArray[np.int64], dict[int, Fault]]:
    """Read one time per row.

    Parameters
    ----------
    texts : Sequence of str or None
        RFC 3339 with an offset; `None` means the row states no time.
    received_at : int
        Microseconds; stands in for a time that is not stated.
    max_future_seconds : float
        Later than this after `received_at` is a fault.

    Returns
    -------
    times : ndarray of int64, shape (n,)
        Microseconds since the epoch; `received_at` where the row has a fault.
    faults : dict
        Row number (from 0) to `BAD_TIME`, `NAIVE_TIME` or `FUTURE_TIME`, in row order.
    """
    faults: dict[int, Fault] = {}
    try:
        moments = msgspec.convert(texts, _SERIES)
        values = [
            received_at if moment is None else (moment - _EPOCH) // _MICROSECOND
            for moment in moments
        ]
    except (msgspec.ValidationError, TypeError):  # TypeError: a naive one cannot be subtracted
        values = _one_by_one(texts, received_at, faults)
    times = np.array(values, dtype=np.int64)
    # An offset can take the ends of the calendar beyond what can be written as a UTC time.
    odd = np.flatnonzero(
        ((times < _YEAR_1) | (times >= _YEAR_10000)) & (times != received_at)
    ).tolist()
    for row in odd:
        faults[row] = Fault(Reason.BAD_TIME, f"{texts[row]} is not between the years 1 and 9999")
        times[row] = received_at
    late = np.flatnonzero(times > received_at + max_future_seconds * MICROS)
    for row in late.tolist():
        faults[row] = Fault(Reason.FUTURE_TIME, f"{texts[row]} is in the future")
        times[row] = received_at
    return times, dict(sorted(faults.items())) if len(late) or odd else faults


def _one_by_one(
    texts: Sequence[str | None], received_at: int, faults: dict[int, Fault]
) -> list[int]:
    values = []
    for row, text in enumerate(texts):
        value = received_at if text is None else _micros(text)
        if isinstance(value, Fault):
            faults[row] = value
            value = received_at
        values.append(value)
    return values


def _micros(text: str) -> int | Fault:
    try:
        moment = msgspec.convert(text, datetime)
    except msgspec.ValidationError:
        return Fault(Reason.BAD_TIME, f"{text[:_SHOWN]!r} is not an RFC 3339 time")
    if moment.tzinfo is None:
        return Fault(Reason.NAIVE_TIME, f"{text!r} has no offset; end it with Z or +hh:mm")
    return micros_of(moment)

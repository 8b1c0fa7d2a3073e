"""The time column of a table: texts, numbers or timestamps to microseconds since the epoch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import numpy as np

from monitor.clock import MICROS
from monitor.columnar import values_of
from monitor.decoders.base import Fault
from monitor.decoders.tablefaults import mark_rows, spread
from monitor.decoders.times import micros_of, times_of
from monitor.record import Numbers, Reason, Texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from monitor.decoders.layout import TimeUnit
    from monitor.decoders.tablefaults import Faults
    from monitor.record import Column

MISSING_TIME: Final = -(2**63)
"""Stands for an absent time in an `Instants` array (numpy's NaT)."""

_MICROS_PER: Final = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3}
_LIMIT: Final = 2.0**62
_YEAR_1: Final = -62_135_596_800_000_000
_YEAR_10000: Final = 253_402_300_800_000_000
_SHOWN: Final = 40


@dataclass(frozen=True, slots=True)
class Instants:
    """Timestamps `(n,)` in int64 microseconds; wall time of no known zone unless `aware`."""

    values: NDArray[np.int64]
    aware: bool


@dataclass(frozen=True, slots=True)
class TimeRules:
    """How times are to be understood, see `TableLayout`, and how far ahead they may lie."""

    timezone: str | None = None
    time_unit: TimeUnit | None = None
    max_future_seconds: float = inf


def table_times(
    column: Column | Instants, rules: TimeRules, received_at: int
) -> tuple[NDArray[np.int64], Faults]:
    """Read one time per row; absent ones are `received_at`.

    Returns
    -------
    times : ndarray of int64, shape (n,)
        Microseconds since the epoch; `received_at` where the row has a fault.
    faults : dict
        Row number to `BAD_TIME`, `NAIVE_TIME` or `FUTURE_TIME`.
    """
    times, faults = _times(column, rules)
    odd = (times != MISSING_TIME) & ((times < _YEAR_1) | (times >= _YEAR_10000))
    mark_rows(odd, Fault(Reason.BAD_TIME, "the year is not between 1 and 9999"), faults)
    times = np.where(odd | (times == MISSING_TIME), received_at, times)
    late = np.flatnonzero(times > received_at + rules.max_future_seconds * MICROS)
    for row in late.tolist():
        stated = np.datetime64(int(times[row]), "us")
        faults[row] = Fault(Reason.FUTURE_TIME, f"{stated}Z is in the future")
    times[late] = received_at
    return times, faults


def _times(column: Column | Instants, rules: TimeRules) -> tuple[NDArray[np.int64], Faults]:
    if isinstance(column, Instants):
        return _from_instants(column, rules)
    if isinstance(column, Texts):
        # Few different times repeat in many rows of a table: each is parsed once.
        words, bad = _from_words(column.vocabulary, rules)
        times = np.append(words, MISSING_TIME)[column.codes]
        return times, spread(column.codes, bad)
    if isinstance(column, Numbers):
        return _from_numbers(column.values, rules)
    return _from_words(values_of(column), rules)


def _from_words(words: Sequence[Any], rules: TimeRules) -> tuple[NDArray[np.int64], Faults]:
    stated = [None if word is None else str(word) for word in words]
    times, faults = times_of(stated, MISSING_TIME, inf)
    for row in list(faults):
        found = _leniently(words[row], rules.timezone)
        if isinstance(found, Fault):
            faults[row] = found
        else:
            times[row] = found
            del faults[row]
    return times, faults


def _leniently(word: object, timezone: str | None) -> int | Fault:
    """Read a time that is not RFC 3339 but ISO 8601, in the given zone if it states no offset."""
    bad = Fault(Reason.BAD_TIME, f"{str(word)[:_SHOWN]!r} is not a time")
    if not isinstance(word, str):
        return bad
    try:
        moment = datetime.fromisoformat(word)
    except ValueError:
        return bad
    if moment.tzinfo is None:
        if timezone is None:
            return Fault(Reason.NAIVE_TIME, f"{word!r} has no offset; set the table's timezone")
        moment = moment.replace(tzinfo=ZoneInfo(timezone))
    return micros_of(moment)


def _from_numbers(
    values: NDArray[np.float64], rules: TimeRules
) -> tuple[NDArray[np.int64], Faults]:
    absent = np.isnan(values)
    if rules.time_unit is None:
        hint = "is a number; set the table's time_unit"
        good = np.zeros(len(values), dtype=np.bool_)
        micros = values
    else:
        hint = f"is out of range for time_unit {rules.time_unit}"
        micros = np.round(values * _MICROS_PER[rules.time_unit])
        good = np.abs(micros) < _LIMIT
    times = np.full(len(values), MISSING_TIME, dtype=np.int64)
    times[good] = micros[good].astype(np.int64)
    rows = np.flatnonzero(~good & ~absent).tolist()
    return times, {row: Fault(Reason.BAD_TIME, f"{values[row]:g} {hint}") for row in rows}


def _from_instants(column: Instants, rules: TimeRules) -> tuple[NDArray[np.int64], Faults]:
    present = np.flatnonzero(column.values != MISSING_TIME)
    if column.aware or rules.timezone == "UTC":
        return column.values, {}
    if rules.timezone is None:
        naive = Fault(Reason.NAIVE_TIME, "the timestamps have no zone; set the table's timezone")
        return np.full(len(column.values), MISSING_TIME), dict.fromkeys(present.tolist(), naive)
    zone = ZoneInfo(rules.timezone)
    times = column.values.copy()
    walls = times[present].view("datetime64[us]").astype(object)
    times[present] = [micros_of(wall.replace(tzinfo=zone)) for wall in walls]
    return times, {}

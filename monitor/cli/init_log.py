"""Reading an unknown log for `driftd init`: which column is what, found by trying.

Columns with the usual names take their roles by themselves (`monitor.decoders.layout`). What the
names leave open is tried on the first rows: times without an offset, times as numbers, a time
under an unusual name, ids that repeat. The first reading that accepts nearly all rows is taken.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from monitor.app.rows import decoder_for, format_of
from monitor.decoders.layout import TableLayout, roles_of
from monitor.errors import InputError
from monitor.record import Limits, Numbers
from monitor.schema import guess, sample_columns

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from monitor.decoders.layout import Roles
    from monitor.record import Column, Decoded, RecordBatch

HEAD: Final = 2 * 2**20
"""Bytes of a text file that layouts are tried on."""
NEARLY_ALL: Final = 0.99
NATIVE: Final = "native"
FEATURE: Final = "feature."
_UNITS: Final = {"s": 1e9, "ms": 1e12, "us": 1e15, "ns": 1e18}
_INDEX: Final = re.compile(r"(__index_level_\d+__|Unnamed: \d+)?")
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9_.-]+")
_LIMITS: Final = Limits(max_future_seconds=math.inf)


@dataclass(frozen=True, slots=True)
class Reading:
    """How a table is read: `said` goes into the configuration, `why` holds a reason per role."""

    said: Mapping[str, Any] = field(default_factory=dict)
    why: Mapping[str, str] = field(default_factory=dict)

    def but(self, role: str, value: Any, why: str) -> Reading:
        """The same, with one more role said."""
        return Reading({**self.said, role: value}, {**self.why, role: why})


@dataclass(frozen=True, slots=True)
class Log:
    """A log that was read: the records of one model, and how they were understood.

    `timed` says whether records state their own times; `roles` is None for native records.
    """

    path: Path
    format: str
    model: str
    reading: Reading
    roles: Roles | None
    batches: tuple[RecordBatch, ...]
    received: int
    problems: tuple[str, ...]
    timed: bool


def read_log(path: Path, model: str | None, now: int) -> Log:
    """Read a log, find out what its columns are.

    Parameters
    ----------
    model
        Name of the model; for native records one of theirs, for tables any.
    now
        Time of records that state none, microseconds.

    Raises
    ------
    InputError
        The file cannot be read, holds no records, or those of several models.
    """
    form = format_of(path)
    try:
        payload = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    if form == NATIVE:
        decoded = decoder_for(form, TableLayout(model="-"), _LIMITS).decode(payload, now)
        return _log(path, form, decoded, model=_chosen(path, decoded, model))
    named = model or name_of(path)
    trials = _Trials(form, named, _head(form, payload), now)
    reading = trials.best()
    decoded = trials.decode(payload, reading)
    roles = trials.roles(reading)
    return _log(path, form, decoded, model=named, reading=reading, roles=roles)


def name_of(path: Path) -> str:
    """A model's name from a file's."""
    return _NOT_IN_NAMES.sub("-", path.stem).strip("-._")[:64] or "model"


def _log(
    path: Path,
    form: str,
    decoded: Decoded,
    *,
    model: str,
    reading: Reading | None = None,
    roles: Roles | None = None,
) -> Log:
    batches = tuple(batch for batch in decoded.records if batch.model == model)
    problems = tuple(f"{path}:{each.line}: {each.detail}" for each in decoded.problems)
    if not batches:
        first = f"; {problems[0]}" if problems else ""
        raise InputError(f"{path}: holds no records{first}")
    timed = roles is None or bool(roles.time)
    received = decoded.received
    return Log(path, form, model, reading or Reading(), roles, batches, received, problems, timed)


def _chosen(path: Path, decoded: Decoded, model: str | None) -> str:
    """The model of native records."""
    names = sorted({batch.model for batch in decoded.records})
    if model is not None and model not in names:
        raise InputError(f"{path}: holds no records of model {model!r}; {', '.join(names)}")
    if model is None and len(names) > 1:
        raise InputError(f"{path}: holds records of {', '.join(names)}; choose one with --model")
    return model or (names[0] if names else "")


def _head(form: str, payload: bytes) -> bytes:
    if form == "parquet" or len(payload) <= HEAD:
        return payload
    return payload[: payload.rfind(b"\n", 0, HEAD) + 1] or payload


class _Trials:
    """Readings of one table, tried on its first rows."""

    def __init__(self, form: str, model: str, head: bytes, now: int) -> None:
        self._form, self._model, self._head, self._now = form, model, head, now
        # Without any roles all rows are accepted, whatever their times and ids look like.
        bare = dict.fromkeys(("id", "time", "version", "label", "label_time"), "")
        everything = self.decode(head, Reading(bare))
        self._sample = {
            name.removeprefix(FEATURE): column
            for name, column in sample_columns(everything.records).items()
        }

    def decode(self, payload: bytes, reading: Reading) -> Decoded:
        """All rows of `payload`, understood as `reading` says."""
        layout = replace(TableLayout(model=self._model), **reading.said)
        return decoder_for(self._form, layout, _LIMITS).decode(payload, self._now)

    def roles(self, reading: Reading) -> Roles:
        """What the columns are."""
        return roles_of(TableLayout(model=self._model, **reading.said), list(self._sample))

    def best(self) -> Reading:
        """The first reading that accepts nearly all rows."""
        reading = self._without_indexes(self._with_time(Reading()))
        for trial in self._times(reading):
            decoded = self.decode(self._head, trial)
            if len(decoded.problems) <= (1 - NEARLY_ALL) * max(decoded.received, 1):
                reading = trial
                break
        return self._without_repeated_ids(reading)

    def _with_time(self, reading: Reading) -> Reading:
        """Name the first column that holds times, if none has one of the usual names."""
        if self.roles(reading).time:
            return reading
        kinds = ((name, guess(name, column).spec.kind) for name, column in self._sample.items())
        found = next((name for name, kind in kinds if kind == "datetime"), "")
        return reading.but("time", found, "the first column that holds times") if found else reading

    def _times(self, reading: Reading) -> Iterator[Reading]:
        """Ways to understand the time column, the plainest first and giving up last."""
        yield reading
        name = self.roles(reading).time
        if not name:
            return
        yield reading.but(
            "timezone", "UTC", "times state no offset and are taken for UTC; correct it if not"
        )
        unit = _unit(self._sample[name])
        if unit:
            yield reading.but("time_unit", unit, "the numbers look like these units since 1970")
        yield reading.but("time", "", f"the times in {name!r} cannot be read; rows have none")

    def _without_indexes(self, reading: Reading) -> Reading:
        indexes = [name for name in self._sample if _INDEX.fullmatch(name)]
        return reading.but("ignore", indexes, "row numbers of pandas") if indexes else reading

    def _without_repeated_ids(self, reading: Reading) -> Reading:
        """An id that repeats names something else; driftd would drop all but its first record."""
        name = self.roles(reading).id
        if not name:
            return reading
        ids = [batch.ids for batch in self.decode(self._head, reading).records]
        total = sum(map(len, ids))
        if len({id_ for batch in ids for id_ in batch}) >= NEARLY_ALL * total:
            return reading
        return reading.but("id", "", f"{name!r} repeats, so it names no prediction")


def _unit(column: Column) -> str | None:
    """What numbers since 1970 count, if they are of this century."""
    if not isinstance(column, Numbers) or not np.isfinite(column.values).any():
        return None
    typical = float(np.nanmedian(column.values))
    return next((unit for unit, one in _UNITS.items() if one <= typical < 10 * one), None)

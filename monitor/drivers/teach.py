"""Baselines out of the journal: learned when event time makes them due, and brought into force.

The engine says what is due (`Due`); this reads those records, has a baseline built of them and
writes baseline, activation and the control entry that brings it into force in one transaction. A
crash before it costs the work, which is done again; a crash after it finds it done. The control
entry takes effect where the baseline was due, however much was appended meanwhile (`promises`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np
import structlog

from monitor.archive import baselines as stored
from monitor.archive import decisions, journal
from monitor.archive.baselines import Activation, StoredBaseline
from monitor.archive.journal import Entry
from monitor.columnar import decode_block, take
from monitor.engine.engine import control
from monitor.engine.learning import LearningEngine
from monitor.errors import DriftdError, InputError, NotFoundError
from monitor.model import WHOLE, model_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from monitor.archive.archive import Archive
    from monitor.archive.decisions import DecisionRow
    from monitor.baseline import Baseline
    from monitor.clock import Clock
    from monitor.engine.engine import Engine
    from monitor.engine.learning import Due
    from monitor.record import LabelBatch, RecordBatch

READ_ENTRIES: Final = 64
READ_BYTES: Final = 32 << 20
MAX_VALUES: Final = 100_000_000
"""Values (records times columns) that a baseline is learned from at most: about 1 GB of memory."""

LEARNED: Final = "learned from the live log"
ROLLED: Final = "rolling baseline"
ALARMED: Final = frozenset({"drift", "broken"})
ENOUGH: Final = 0.5
"""Share of a rolling span that must have been judged without an alarm."""

logger = structlog.get_logger("driftd.baselines")


class Build(Protocol):
    """Builds the baseline of a key from its records and labels."""

    def __call__(
        self, key: str, records: Sequence[RecordBatch], labels: Sequence[LabelBatch]
    ) -> Baseline:
        """Raises `InputError` when there is too little to learn from."""
        ...


@dataclass(frozen=True, slots=True)
class Excluded:
    """Spans of windows that alarmed, `[start, end)` microseconds; what they hold is not normal."""

    spans: tuple[tuple[int, int], ...] = ()

    @property
    def length(self) -> int:
        """Microseconds in all; windows of one stream do not overlap."""
        return sum(end - start for start, end in self.spans)

    def keep(self, batch: RecordBatch) -> RecordBatch:
        """The rows outside of all spans."""
        inside = np.zeros(len(batch), dtype=np.bool_)
        for start, end in self.spans:
            inside |= (batch.times >= start) & (batch.times < end)
        return take(batch, ~inside) if inside.any() else batch


class Teacher:
    """Learns what is due; used by the driver's thread between two journal entries.

    Parameters
    ----------
    build : makes a baseline of rows; knows the configuration.
    """

    def __init__(self, archive: Archive, clock: Clock, build: Build) -> None:
        self._archive = archive
        self._clock = clock
        self._build = build
        self._seen: set[tuple[str, int]] = set()

    def attend(self, engine: Engine) -> list[Entry]:
        """Do what is due now; the control entries that were written and take effect at once."""
        written: list[Entry] = []
        for due in engine.due():
            if (due.key, due.end) not in self._seen:
                self._seen.add((due.key, due.end))
                written += self._teach(engine, due)
        return written

    def _teach(self, engine: Engine, due: Due) -> list[Entry]:
        excluded = self._excluded(due) if due.rolling else Excluded()
        if due.rolling and not self._may_roll(engine, due, excluded):
            return []
        logger.info("baseline_learning", model=due.key, rolling=due.rolling)
        try:
            records, labels = self._rows(engine, due, excluded)
            baseline = self._build(due.key, records, labels)
        except DriftdError as error:
            return self._could_not(engine, due, error)
        entry = self._bring_into_force(engine, due, baseline)
        logger.info("baseline_learned", model=due.key, baseline=baseline.id, rows=baseline.rows)
        return [entry]

    def _may_roll(self, engine: Engine, due: Due, excluded: Excluded) -> bool:
        """Whether enough was judged and quiet, and nothing alarms right now."""
        now = engine.models[due.key]
        before = 0 if isinstance(now, LearningEngine) else now.baseline.end - now.baseline.start
        query = decisions.Query(model=model_of(due.key), start=due.start, end=due.end)
        first = self._archive.reader.run(lambda link: decisions.following(link, query, 0, 1))
        begun = max(due.start, first[0].window_start) if first else due.end
        span = due.end - begun
        if span < min(due.end - due.start, before):
            reason = "the live log is shorter than the baseline that is in force"
        elif any(end >= due.end for _, end in excluded.spans):
            reason = "the last window alarmed"
        elif span - excluded.length < ENOUGH * span:
            reason = "most windows alarmed"
        else:
            return True
        logger.info("baseline_kept", model=due.key, reason=reason)
        return False

    def _excluded(self, due: Due) -> Excluded:
        """Windows of the whole stream that alarmed."""
        spans: set[tuple[int, int]] = set()
        for verdict in sorted(ALARMED):
            query = decisions.Query(model_of(due.key), verdict, due.start, due.end)
            after = 0
            while rows := self._judged(query, after):
                after = rows[-1].seq
                spans |= {
                    (row.window_start, row.window_end) for row in rows if row.segment == WHOLE
                }
        return Excluded(tuple(sorted(spans)))

    def _judged(self, query: decisions.Query, after: int) -> tuple[DecisionRow, ...]:
        most = decisions.MAX_PAGE
        return self._archive.reader.run(lambda link: decisions.following(link, query, after, most))

    def _rows(
        self, engine: Engine, due: Due, excluded: Excluded
    ) -> tuple[list[RecordBatch], list[LabelBatch]]:
        """The records of a key in a span, as they stand in the journal, and the model's labels."""
        own = {key for key in engine.models if key.startswith(f"{model_of(due.key)}/")} - {due.key}
        records: list[RecordBatch] = []
        labels: list[LabelBatch] = []
        values = 0
        for entry in self._entries(due.through):
            found, told = decode_block(entry.payload)
            labels += [batch for batch in told if batch.model == model_of(due.key)]
            for batch in found:
                if not _belongs(batch, due.key, own):
                    continue
                inside = (batch.times >= due.start) & (batch.times < due.end)
                kept = excluded.keep(take(batch, inside))
                if len(kept):
                    records.append(kept)
                    values += len(kept) * max(len(kept.columns), 1)
            if values > MAX_VALUES:
                raise InputError(
                    f"more than {MAX_VALUES:,} values to learn from; learn from a shorter time, or "
                    "keep a part of the records with models[].sampling"
                )
        return records, labels

    def _entries(self, through: int) -> Iterator[Entry]:
        cursor = 0
        while entries := self._following(cursor):
            for entry in entries:
                if entry.seq > through:
                    return
                if entry.kind == "records":
                    yield entry
            cursor = entries[-1].seq

    def _following(self, cursor: int) -> tuple[Entry, ...]:
        return self._archive.reader.run(
            lambda link: journal.read(link, cursor, READ_ENTRIES, READ_BYTES)
        )

    def _could_not(self, engine: Engine, due: Due, error: DriftdError) -> list[Entry]:
        """A rolling baseline stays as it is; who has none learns for as long again."""
        logger.warning("baseline_not_learned", model=due.key, reason=str(error))
        model = engine.models[due.key]
        if due.rolling or not isinstance(model, LearningEngine):
            return []
        to = due.end + model.length
        return [self._append(control("learn", model=due.key, to=to, after=engine.cursor))]

    def _append(self, payload: bytes) -> Entry:
        entry = Entry("control", payload, 0, 0, self._clock.now())
        seq = self._archive.writer.submit(lambda link: journal.append(link, entry)).result()
        return replace(entry, seq=seq)

    def _bring_into_force(self, engine: Engine, due: Due, baseline: Baseline) -> Entry:
        now = self._clock.now()
        entry = Entry("control", _changed(engine, due, baseline.id), 0, 0, now)
        row = StoredBaseline(baseline.id, baseline.model, now, baseline.to_bytes())
        reason = ROLLED if due.rolling else LEARNED

        def unit(link: Connection) -> int:
            try:
                stored.get(link, baseline.id)
            except NotFoundError:
                stored.add(link, row)
            stored.activate(link, Activation(due.key, baseline.id, now, reason))
            return journal.append(link, entry)

        seq = self._archive.writer.submit(unit, size=len(row.body)).result()
        return replace(entry, seq=seq)


def _changed(engine: Engine, due: Due, baseline: str) -> bytes:
    """The control entry that brings a baseline into force where the engine stands now."""
    before = engine.configuration
    chosen = replace(before, baselines={**before.baselines, due.key: baseline})
    return chosen.control([due.key], after=engine.cursor)


def _belongs(batch: RecordBatch, key: str, own: set[str]) -> bool:
    """Whether a batch is what a key is normal for: one version, or those without their own."""
    model, _, version = key.partition("/")
    if batch.model != model:
        return False
    return batch.version == version if version else f"{model}/{batch.version}" not in own

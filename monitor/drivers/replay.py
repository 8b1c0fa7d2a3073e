"""Replay: the same engine on the same journal, its decisions compared byte for byte (P3).

A replay starts at the last snapshot before the first window in question, reads the journal from
there and needs nothing of the daemon that made the decisions, only the archive.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from monitor.archive import decisions, engine_state, journal, performance_sql
from monitor.drivers.promises import Promises
from monitor.engine.engine import Engine
from monitor.packing import decompress, unpack
from monitor.progress import unheard

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monitor.archive.decisions import DecisionRow
    from monitor.archive.journal import Entry
    from monitor.archive.reader import Reader
    from monitor.engine.decision import Decision
    from monitor.engine.engine import Resolver
    from monitor.performance import PerformanceRow
    from monitor.progress import Progress

READ_ENTRIES = 64
READ_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class Comparison:
    """One archived decision and what replay made of it (None: replay did not come to it)."""

    archived: DecisionRow
    replayed: bytes | None
    evidence_identical: bool = True

    @property
    def identical(self) -> bool:
        """Whether verdict and evidence are the same bytes."""
        return self.replayed == self.archived.body and self.evidence_identical


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay found: comparisons in order of making, and decisions nobody archived.

    `figures` counts performance figures of the archive that the replay came by with the same
    labels, `wrong` names those of them that it states otherwise.
    """

    compared: tuple[Comparison, ...]
    extra: tuple[str, ...]
    start: int
    figures: int = 0
    wrong: tuple[str, ...] = ()

    @property
    def identical(self) -> bool:
        """Whether everything asked for came out as archived."""
        same = all(found.identical for found in self.compared)
        return same and not self.extra and not self.wrong


def replay(
    reader: Reader,
    resolve: Resolver,
    wanted: tuple[DecisionRow, ...],
    *,
    complete: bool = False,
    progress: Progress = unheard,
) -> Replay:
    """Make the `wanted` decisions again.

    `complete` says that `wanted` is all there is, so that a decision which replay makes and the
    archive does not have counts as a difference.
    """
    if not wanted:
        return Replay((), (), 0)
    first = min(found.journal_from for found in wanted)
    snapshot = reader.run(lambda link: engine_state.nearest_snapshot(link, max(first - 1, 0)))
    if snapshot is None:
        engine = Engine(resolve)
    else:
        engine = Engine.restore(unpack(decompress(snapshot.state)), resolve)
    start, missing = engine.cursor, {found.decision_id for found in wanted}
    made: dict[str, tuple[bytes, bytes]] = {}
    figures = _Figures()
    for decision in _decisions(reader, engine, missing, progress):
        made[decision.id] = (decision.body, decision.evidence)
        figures.add(engine.drain())
    compared = tuple(_compare(reader, found, made.get(found.decision_id)) for found in wanted)
    known = {found.decision_id for found in wanted}
    extra = tuple(sorted(set(made) - known)) if complete else ()
    return Replay(compared, extra, start, *figures.compared(reader))


class _Figures:
    """Performance figures as a replay stated them, for comparison with the archive's.

    When a figure is restated depends on when the daemon stored its state; what it says of given
    labels does not. So those that rest on equally many labels, the same newest among them, must be
    equal.
    """

    def __init__(self) -> None:
        self._stated: dict[tuple[Any, ...], PerformanceRow] = {}

    def add(self, rows: Sequence[PerformanceRow]) -> None:
        """Remember figures by place and labels."""
        self._stated.update({_labels(row): row for row in rows})

    def compared(self, reader: Reader) -> tuple[int, tuple[str, ...]]:
        """How many the archive has with the same labels, and which of them differ."""
        found: list[PerformanceRow] = []
        for model in sorted({row.model for row in self._stated.values()}):
            found += reader.run(partial(performance_sql.every, model=model))
        both = [(row, self._stated[_labels(row)]) for row in found if _labels(row) in self._stated]
        return len(both), tuple(_named(old) for old, new in both if old != new)


def _labels(row: PerformanceRow) -> tuple[Any, ...]:
    place = (row.model, row.version, row.segment, row.window_start, row.metric, row.kind)
    return (*place, row.rows, row.labelled, row.as_of)


def _named(row: PerformanceRow) -> str:
    where = f"{row.model} {row.version} {row.segment}".rstrip()
    return f"{row.kind} {row.metric} of {where}, window {row.window_index}"


def _decisions(
    reader: Reader,
    engine: Engine,
    missing: set[str],
    progress: Progress,
) -> Iterator[Decision]:
    """Decisions in order until every missing one was made or the journal ends."""
    total, promises = len(missing), Promises(reader)
    while missing:
        entries = _following(reader, engine.cursor)
        if not entries:
            return
        for entry in entries:
            made = [*promises.keep(engine), *engine.step(entry.seq, entry.kind, entry.payload)]
            for decision in made:
                missing.discard(decision.id)
                yield decision
            if not missing:
                break
        progress(total - len(missing), total)


def _following(reader: Reader, cursor: int) -> tuple[Entry, ...]:
    return reader.run(lambda link: journal.read(link, cursor, READ_ENTRIES, READ_BYTES))


def _compare(reader: Reader, found: DecisionRow, made: tuple[bytes, bytes] | None) -> Comparison:
    if made is None:
        return Comparison(found, None)
    archived = reader.run(lambda link: decisions.evidence(link, found.decision_id))
    return Comparison(found, made[0], evidence_identical=made[1] == archived)

"""The gate: every decoded line leaves by exactly one door, and the doors are counted.

`prepare` runs in the thread of the delivery (hashing, sampling, encoding: the heavy part).
`commit` runs in the journal's writer thread inside the transaction that stores the block, the
source's position and the counts, so that what is acknowledged, what is counted and what the
source will not send again can never disagree (promises P1 and P4).
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from monitor.archive import counters, journal, positions, quarantine
from monitor.archive.counters import Count
from monitor.archive.journal import Entry
from monitor.columnar import encode_block, take, take_labels, values_of
from monitor.intake.identity import hashes, sampled
from monitor.intake.lines import label_lines, record_lines
from monitor.record import LabelBatch, Problem, Reason, Receipt, RecordBatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from concurrent.futures import Future

    from numpy.typing import NDArray
    from sqlalchemy import Connection

    from monitor.archive.quarantine import QuarantineBounds
    from monitor.archive.writer import Writer
    from monitor.clock import Clock
    from monitor.intake.dedup import Dedup
    from monitor.record import Decoded, Position

Batch: TypeAlias = RecordBatch | LabelBatch

Counts: TypeAlias = "Counter[tuple[str, str, str, str]]"
"""(model, source, outcome, reason) -> lines."""


@dataclass(slots=True)
class _Part:
    """One batch on its way through the gate."""

    batch: Batch
    hashes: NDArray[np.uint64]
    sampled_out: int = 0


@dataclass(slots=True)
class Prepared:
    """A delivery ready to be committed; `encoded` holds it as if nothing in it were repeated."""

    source: str
    parts: list[_Part]
    problems: tuple[Problem, ...]
    received: int
    position: Position | None
    encoded: tuple[bytes, bytes]
    keep_rejected: bool = True
    remembered: list[NDArray[np.uint64]] = field(default_factory=list)


class Intake:
    """Admits decoded deliveries into the journal.

    Parameters
    ----------
    rates : sampling rate by model; a model that is not here is unknown and its records rejected.
    key : secret of the keyed hash, at most 64 bytes.
    on_commit : called on the writer's thread when a delivery is on disk.
    """

    def __init__(
        self,
        rates: Mapping[str, float],
        key: bytes,
        writer: Writer,
        dedup: Dedup,
        clock: Clock,
        quarantine_bounds: QuarantineBounds,
        on_commit: Callable[[], None] = lambda: None,
    ) -> None:
        self.rates = rates
        self._on_commit = on_commit
        self._key = key
        self._writer = writer
        self._dedup = dedup
        self._clock = clock
        self._quarantine_bounds = quarantine_bounds

    def submit(
        self,
        decoded: Decoded,
        source: str,
        position: Position | None = None,
        *,
        keep_rejected: bool = True,
    ) -> Future[Receipt]:
        """Journal a delivery; the future resolves after fsync. Safe to call from any thread.

        `keep_rejected` is False for lines that come from the quarantine already.

        Raises
        ------
        OverloadedError
            The writer's queue is full; nothing of the delivery was kept.
        """
        prepared = self._prepare(decoded, source, position)
        prepared.keep_rejected = keep_rejected
        size = len(prepared.encoded[0]) + sum(len(p.payload) for p in prepared.problems)
        return self._writer.submit(
            lambda link: self._unit(link, prepared),
            size=size,
            settled=lambda done: self._settle(done, prepared),
        )

    def _prepare(self, decoded: Decoded, source: str, position: Position | None) -> Prepared:
        problems = list(decoded.problems)
        parts: list[_Part] = []
        batches: list[Batch] = [*decoded.records, *decoded.labels]
        for batch in batches:
            rate = self.rates.get(batch.model)
            if rate is None:
                problems.extend(_unknown(batch))
            else:
                parts.append(self._sample(batch, rate))
        parts = [part for part in parts if len(part.batch) or part.sampled_out]
        ordered = tuple(sorted(problems, key=lambda problem: problem.line))
        encoded = _encode([part.batch for part in parts])
        return Prepared(source, parts, ordered, decoded.received, position, encoded)

    def _sample(self, batch: Batch, rate: float) -> _Part:
        values = hashes(self._key, batch.model, b"r", batch.ids)
        keep = sampled(values, rate)
        out = int(len(keep) - keep.sum())
        if out:
            batch, values = _take(batch, keep), values[keep]
        if isinstance(batch, LabelBatch):
            # A label repeats only when the truth it brings is the same; a corrected one is news.
            said = map(_label_key, batch.ids, values_of(batch.labels))
            values = hashes(self._key, batch.model, b"l", said)
        return _Part(batch, values, out)

    def _unit(self, connection: Connection, prepared: Prepared) -> Receipt:
        try:
            return self._commit(connection, prepared)
        except BaseException:
            # Now: the next unit of this group would take its own lines for repeats of ours.
            self._forget(prepared)
            raise

    def _commit(self, connection: Connection, prepared: Prepared) -> Receipt:
        now = self._clock.now()
        # Counted on its own, so that P4 is a check on the doors and not their definition.
        counts: Counts = Counter({("", prepared.source, "received", ""): prepared.received})
        kept: list[Batch] = []
        for part in prepared.parts:
            fresh = self._dedup.fresh(part.hashes)
            accepted = int(fresh.sum())
            self._remember(prepared, part.hashes[fresh])
            if accepted:
                whole = accepted == len(part.batch)
                kept.append(part.batch if whole else _take(part.batch, fresh))
            doors = (accepted, len(fresh) - accepted, part.sampled_out)
            _count(counts, part.batch, prepared.source, doors)
        for problem in prepared.problems:
            counts[problem.model, prepared.source, "rejected", problem.reason] += 1
        self._store(connection, prepared, kept, counts, now)
        return _receipt(prepared, counts)

    def _store(
        self,
        connection: Connection,
        prepared: Prepared,
        kept: Sequence[Batch],
        counts: Counts,
        now: int,
    ) -> None:
        if kept:
            whole = sum(map(len, kept)) == sum(len(part.batch) for part in prepared.parts)
            records = sum(len(batch) for batch in kept if isinstance(batch, RecordBatch))
            labels = sum(map(len, kept)) - records
            block, digest = prepared.encoded if whole else _encode(kept)
            seen = b"".join(values.astype("<u8").tobytes() for values in prepared.remembered)
            entry = Entry("records", block, records, labels, now, seen, sha256=digest)
            journal.append(connection, entry)
        counters.add(connection, [Count(*key[:3], n, key[3]) for key, n in counts.items()])
        if prepared.position is not None:
            positions.save(connection, prepared.position, now)
        if prepared.keep_rejected:
            quarantine.add(
                connection, prepared.source, prepared.problems, now, self._quarantine_bounds
            )

    def _remember(self, prepared: Prepared, values: NDArray[np.uint64]) -> None:
        prepared.remembered.append(values)
        self._dedup.add(values)

    def _settle(self, done: Future[Receipt], prepared: Prepared) -> None:
        """A transaction that failed must not leave its ids behind as 'seen'."""
        if done.cancelled() or done.exception() is not None:
            self._forget(prepared)
        else:
            self._on_commit()

    def _forget(self, prepared: Prepared) -> None:
        for values in prepared.remembered:
            self._dedup.discard(values)
        prepared.remembered.clear()


def load_dedup(dedup: Dedup, capacity: int, blocks: Iterable[bytes]) -> None:
    """Fill `dedup` from the newest journal entries' hashes; `blocks` come newest first."""
    loaded: list[NDArray[np.uint64]] = []
    total = 0
    for block in blocks:
        loaded.append(np.frombuffer(block, dtype="<u8"))
        total += len(loaded[-1])
        if total >= capacity:
            break
    for values in reversed(loaded):
        dedup.add(values)


def _encode(batches: Sequence[Batch]) -> tuple[bytes, bytes]:
    """The journal block of `batches`, and its SHA-256."""
    records = [batch for batch in batches if isinstance(batch, RecordBatch)]
    labels = [batch for batch in batches if isinstance(batch, LabelBatch)]
    block = encode_block(records, labels)
    return block, sha256(block).digest()


def _take(batch: Batch, keep: NDArray[np.bool_]) -> Batch:
    return take(batch, keep) if isinstance(batch, RecordBatch) else take_labels(batch, keep)


def _label_key(name: str, label: object) -> str:
    # A number is the same truth whatever stands beside it in its column.
    same = float(label) if isinstance(label, int) and not isinstance(label, bool) else label
    return f"{name}\0{json.dumps(same)}"


def _count(counts: Counts, batch: Batch, source: str, doors: tuple[int, int, int]) -> None:
    kind = "label" if isinstance(batch, LabelBatch) else ""
    for outcome, lines in zip(("accepted", "duplicate", "sampled_out"), doors, strict=True):
        if lines:
            counts[batch.model, source, outcome, kind] += lines


def _unknown(batch: Batch) -> list[Problem]:
    numbers = range(1, len(batch) + 1) if batch.lines is None else batch.lines.tolist()
    detail = f"no model {batch.model!r} in the configuration"
    payloads = record_lines(batch) if isinstance(batch, RecordBatch) else label_lines(batch)
    return [
        Problem(number, Reason.UNKNOWN_MODEL, detail, payload)
        for number, payload in zip(numbers, payloads, strict=True)
    ]


def _receipt(prepared: Prepared, counts: Counts) -> Receipt:
    doors: Counter[str] = Counter()
    for (_, _, outcome, _), lines in counts.items():
        doors[outcome] += lines
    return Receipt(
        received=prepared.received,
        accepted=doors["accepted"],
        duplicate=doors["duplicate"],
        sampled_out=doors["sampled_out"],
        rejected=len(prepared.problems),
        problems=prepared.problems,
    )

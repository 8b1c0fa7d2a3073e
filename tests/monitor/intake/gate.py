"""An intake over a real archive, and batches to send through it."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from monitor.archive import counters, journal, positions, quarantine
from monitor.archive.archive import Archive
from monitor.archive.quarantine import QuarantineBounds
from monitor.clock import ManualClock
from monitor.columnar import column_of, decode_block
from monitor.decoders.native import NativeLines
from monitor.intake.dedup import Dedup
from monitor.intake.intake import Intake
from monitor.record import Decoded, LabelBatch, Numbers, Problem, Reason, Receipt, RecordBatch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from monitor.archive.quarantine import Rejected
    from monitor.record import Position, Scalar

KEY = b"secret"
NOW = 1_700_000_000_000_000
CAPACITY = 1_000
RATES: Mapping[str, float] = {"m": 1.0, "half": 0.5, "none": 0.0}


def records(*ids: str, model: str = "m", version: str = "1") -> RecordBatch:
    """One record per id; its value follows from the id."""
    values = np.array([float(sum(name.encode())) for name in ids])
    times = np.full(len(ids), NOW)
    lines = np.arange(1, len(ids) + 1)
    return RecordBatch(model, version, ids, times, {"x": Numbers(values)}, lines=lines)


def labels(truths: Sequence[tuple[str, Scalar]], model: str = "m") -> LabelBatch:
    """One truth per pair."""
    ids = tuple(name for name, _ in truths)
    times = np.full(len(ids), NOW)
    return LabelBatch(model, ids, times, column_of([truth for _, truth in truths]))


def bad(line: int, payload: bytes = b"{") -> Problem:
    """A line that is no record."""
    return Problem(line, Reason.NOT_JSON, "it is not JSON", payload)


@dataclass
class Gate:
    """An intake and what it wrote."""

    archive: Archive
    dedup: Dedup
    intake: Intake
    told: list[None]

    def send(
        self, decoded: Decoded, source: str = "http", position: Position | None = None, **more: bool
    ) -> Receipt:
        """Submit a delivery and wait until it is on disk."""
        return self.intake.submit(decoded, source, position, **more).result(10)

    def records(self, *batches: RecordBatch, **more: Any) -> Receipt:
        """Submit records."""
        return self.send(Decoded(batches), **more)

    def native(self, payload: bytes) -> Receipt:
        """Submit lines as they come over HTTP."""
        return self.send(NativeLines().decode(payload, NOW))

    def journalled(self) -> list[tuple[list[RecordBatch], list[LabelBatch]]]:
        """The decoded blocks of the journal in order."""
        entries = self.archive.reader.run(lambda link: journal.read_range(link, 1, 10_000))
        return [decode_block(entry.payload) for entry in entries]

    def ids(self) -> list[str]:
        """The ids of all journalled records in order."""
        return [name for found, _ in self.journalled() for batch in found for name in batch.ids]

    def doors(self) -> Counter[str]:
        """Lines by outcome, over all models and sources."""
        doors: Counter[str] = Counter()
        for count in self.archive.reader.run(counters.totals):
            doors[count.outcome] += count.count
        return doors

    def position(self, source: str) -> Position | None:
        """The saved position."""
        return self.archive.reader.run(lambda link: positions.load(link, source))

    def kept(self) -> tuple[Rejected, ...]:
        """Rejected lines, newest first."""
        return self.archive.reader.run(quarantine.page).lines


@contextmanager
def gate(folder: Path, rates: Mapping[str, float] = RATES) -> Iterator[Gate]:
    """A gate over the archive in `folder`."""
    clock = ManualClock(NOW)
    with Archive(f"sqlite:///{folder / 'driftd.db'}", clock) as archive:
        dedup, told = Dedup(CAPACITY), list[None]()
        intake = Intake(
            rates, KEY, archive.writer, dedup, clock, QuarantineBounds(), lambda: told.append(None)
        )
        yield Gate(archive, dedup, intake, told)

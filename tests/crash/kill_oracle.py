"""What an archive must hold after any number of crashes, read without the daemon's help.

SQLite is asked with Python's own driver. Of driftd only the block format is used; which window a
record belongs to and when a window closes is worked out here again, from the journal's entries.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeAlias

from monitor.columnar import decode_block, values_of
from tests.crash.kill_traffic import LABEL

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from monitor.record import RecordBatch

MICROS = 1_000_000
Window: TypeAlias = "tuple[str, str, int]"
"""Version, segment, index."""

DOORS = ("accepted", "duplicate", "rejected", "sampled_out", "shed")


def query(archive: Path, statement: str) -> list[Any]:
    """Rows of a statement, on a connection that cannot write; works beside a running daemon."""
    with closing(sqlite3.connect(f"file:{archive}?mode=ro", uri=True, timeout=30)) as connection:
        return connection.execute(statement).fetchall()


@dataclass
class Cutter:
    """Windows of event time, from the rules alone: late rows are left out, the rest is counted."""

    every: int
    lateness: int
    closed: dict[Window, int] = field(default_factory=dict)
    _open: dict[int, Counter[tuple[str, str]]] = field(default_factory=lambda: defaultdict(Counter))
    _newest: int = 0
    _closed_before: int | None = None

    def records(self, batches: Sequence[RecordBatch]) -> None:
        """Take one journal entry in."""
        for batch in batches:
            for index, region in zip(
                (batch.times // self.every).tolist(),
                values_of(batch.segments["region"]),
                strict=True,
            ):
                if self._closed_before is None or index >= self._closed_before:
                    self._open[index].update(
                        [(batch.version, ""), (batch.version, f"region={region}")]
                    )
            self._newest = max(self._newest, int(batch.times.max()))
        ripe = (self._newest - self.lateness) // self.every
        self._close([index for index in self._open if index < ripe])
        if self._closed_before is not None:
            self._closed_before = max(self._closed_before, ripe)

    def control(self, message: dict[str, Any]) -> None:
        """A check closes what is open; nothing else here changes windows."""
        assert message["type"] in {"configure", "check"}, message
        if message["type"] == "check":
            self._close(list(self._open))

    def _close(self, indexes: Sequence[int]) -> None:
        for index in indexes:
            for (version, segment), rows in self._open.pop(index).items():
                self.closed[version, segment, index] = rows
            self._closed_before = max(self._closed_before or 0, index + 1)


@dataclass
class Journal:
    """What the journal says: how often each record and label is in it, and which windows closed."""

    keys: Counter[str] = field(default_factory=Counter)
    windows: dict[Window, int] = field(default_factory=dict)
    late: int = 0

    @classmethod
    def read(cls, archive: Path, every: int, lateness: int) -> Journal:
        """Read all entries; every one must be what its digest and its counts say."""
        found, cutter = cls(), Cutter(every * MICROS, lateness * MICROS)
        rows = query(archive, "SELECT seq, kind, records, labels, sha256, payload FROM journal")
        assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
        for _, kind, records, labels, digest, payload in rows:
            assert sha256(payload).digest() == digest
            if kind == "control":
                cutter.control(json.loads(payload))
                continue
            batches, truths = decode_block(payload)
            assert (records, labels) == (sum(map(len, batches)), sum(map(len, truths)))
            for batch in batches:
                found.keys.update(batch.ids)
            for truth in truths:
                found.keys.update(LABEL + name for name in truth.ids)
            cutter.records(batches)
        found.windows = cutter.closed
        return found


def counts(archive: Path) -> dict[str, Counter[str]]:
    """The counters of P4 by source: `received`, and every door."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for source, outcome, lines in query(
        archive, "SELECT source, outcome, count FROM intake_counts"
    ):
        found[source][outcome] += lines
    return found


def check_counts(found: dict[str, Counter[str]], journal: Journal) -> None:
    """Every line left by one door, and what was accepted is what the journal holds (P4)."""
    for source, doors in found.items():
        assert doors["received"] == sum(doors[door] for door in DOORS), (source, doors)
    accepted = sum(doors["accepted"] for doors in found.values())
    assert accepted == journal.keys.total() == len(journal.keys)


def check_decisions(archive: Path, journal: Journal) -> int:
    """One decision for each window that closed, over all of its records, and no other (P2)."""
    rows = query(
        archive,
        "SELECT decision_id, model, version, segment, window_index, records, body FROM decisions",
    )
    assert len({row[0] for row in rows}) == len(rows)
    assert len({row[1:5] for row in rows}) == len(rows)
    assert all(json.loads(row[6])["decision_id"] == row[0] for row in rows)
    decided = {row[2:5]: row[5] for row in rows if row[5]}
    assert decided == journal.windows
    return len(rows)

"""What became of every line that was received, counted in the transaction that stored it.

The counts are what promise P4 is checked against: they survive restarts because they commit with
the records they count, and they add up because each unit adds all of its outcomes at once.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from monitor.archive.tables import intake_counts
from monitor.archive.upsert import upsert

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

_KEYS = ("model", "source", "outcome", "reason")


@dataclass(frozen=True, slots=True)
class Count:
    """`count` lines of one model from one source had one outcome.

    `reason` says why for outcomes that have reasons (`rejected`, `shed`), "" for the others.
    """

    model: str
    source: str
    outcome: str
    count: int
    reason: str = ""


def add(connection: Connection, counts: Iterable[Count]) -> None:
    """Add `counts` to the totals; the same key may occur several times, zeros change nothing.

    Raises
    ------
    ValueError
        A count is negative: totals never fall.
    """
    sums: Counter[tuple[str, str, str, str]] = Counter()
    for count in counts:
        if count.count < 0:
            raise ValueError(f"counts only grow, got {count}")
        sums[count.model, count.source, count.outcome, count.reason] += count.count
    rows = [{**dict(zip(_KEYS, key, strict=True)), "count": n} for key, n in sums.items() if n]
    upsert(connection, intake_counts, rows, keys=_KEYS, add=("count",))


def totals(connection: Connection) -> tuple[Count, ...]:
    """Return what was counted since the archive was created, ordered by key."""
    keys = [intake_counts.c[name] for name in _KEYS]
    statement = select(*keys, intake_counts.c.count.label("lines")).order_by(*keys)
    return tuple(
        Count(row.model, row.source, row.outcome, row.lines, row.reason)
        for row in connection.execute(statement)
    )

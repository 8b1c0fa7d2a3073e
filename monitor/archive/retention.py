"""What is older than people want to keep, removed a little at a time.

The journal is never cut past the engine's cursor, and never so that a kept part of it could not
be replayed: it is cut right after a snapshot, once there are any.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, func, select

from alerts.alert import State
from alerts.store import OutboxState
from monitor.archive import engine_state, performance_sql, quarantine
from monitor.archive.connection import database_path
from monitor.archive.tables import (
    alerts,
    decisions,
    journal,
    journal_ids,
    outbox,
    snapshots,
)
from monitor.archive.tables import quarantine as rejected

if TYPE_CHECKING:
    from sqlalchemy import Column, ColumnElement, Connection, Table

MAX_BYTES: Final = 16 << 20
"""Most journal payload that one call removes: freeing a page means reading it."""


@dataclass(frozen=True, slots=True)
class Removed:
    """How many rows one call removed; `done` when nothing that is old enough was left."""

    journal: int
    decisions: int
    snapshots: int
    quarantine: int
    alerts: int
    outbox: int
    performance: int
    done: bool

    @property
    def rows(self) -> int:
        """All of them together."""
        return sum(astuple(self)[:-1])


def sweep(connection: Connection, cutoff: int, max_rows: int = 200) -> Removed:
    """Remove rows that were written before `cutoff`, at most `max_rows` of each kind.

    Call it again, in a unit of its own, until `done`: others can write in between.

    Parameters
    ----------
    cutoff : int
        Wall time, microseconds since the epoch.
    """
    base = _base_snapshot(connection, cutoff)
    lines = _prefix(connection, rejected.c.id, rejected.c.received_at, cutoff, max_rows)
    made = _prefix(connection, decisions.c.seq, decisions.c.made_at, cutoff, max_rows)
    counts = {
        "journal": _cut_journal(connection, cutoff, base, max_rows),
        "decisions": _remove(connection, decisions, decisions.c.seq.in_(made), max_rows),
        "snapshots": _remove(connection, snapshots, snapshots.c.seq < (base or 0), max_rows),
        "quarantine": quarantine.remove(connection, lines),
        "alerts": _remove(
            connection,
            alerts,
            (alerts.c.state == State.RESOLVED.value) & (alerts.c.updated_at < cutoff),
            max_rows,
        ),
        "outbox": _remove(
            connection,
            outbox,
            (outbox.c.state != OutboxState.PENDING.value) & (outbox.c.created_at < cutoff),
            max_rows,
        ),
        "performance": performance_sql.remove(connection, cutoff, max_rows),
    }
    return Removed(**counts, done=not any(counts.values()))


def disk_bytes(url: str) -> int:
    """Return what the archive takes on disk, its log included; 0 for a database elsewhere."""
    path = database_path(url)
    if path is None:
        return 0
    total = 0
    for suffix in ("", "-wal", "-shm"):
        try:
            total += path.with_name(path.name + suffix).stat().st_size
        except FileNotFoundError:
            continue
    return total


def _base_snapshot(connection: Connection, cutoff: int) -> int | None:
    """Return the last snapshot older than `cutoff`: replays of what is kept begin there."""
    statement = select(func.max(snapshots.c.seq)).where(snapshots.c.made_at < cutoff)
    base: int | None = connection.execute(statement).scalar_one()
    return base


def _cut_journal(connection: Connection, cutoff: int, base: int | None, max_rows: int) -> int:
    last = engine_state.cursor(connection)
    if connection.execute(select(snapshots.c.seq).limit(1)).first() is not None:
        last = min(last, base or 0)
    statement = (
        select(journal.c.seq, journal.c.appended_at, func.length(journal.c.payload))
        .where(journal.c.seq <= last)
        .order_by(journal.c.seq)
        .limit(max_rows)
    )
    upto, total = 0, 0
    for seq, appended_at, size in connection.execute(statement):
        # A clock that was set back may leave a young entry before old ones: stop, keep a prefix.
        if appended_at >= cutoff or (upto and total + size > MAX_BYTES):
            break
        upto, total = seq, total + size
    connection.execute(delete(journal_ids).where(journal_ids.c.seq <= upto))
    return connection.execute(delete(journal).where(journal.c.seq <= upto)).rowcount


def _prefix(
    connection: Connection, key: Column[int], stamp: Column[int], cutoff: int, limit: int
) -> list[int]:
    """Return the keys of old rows at the beginning of a table that is written in time order.

    Looking for old rows anywhere else would read the whole table each time there are none.
    """
    rows = connection.execute(select(key, stamp).order_by(key).limit(limit))
    return [number for number, _ in takewhile(lambda row: row[1] < cutoff, rows)]


def _remove(connection: Connection, table: Table, old: ColumnElement[bool], limit: int) -> int:
    (key, *_) = table.primary_key.columns
    keys = list(connection.execute(select(key).where(old).limit(limit)).scalars())
    return connection.execute(delete(table).where(old, key.in_(keys))).rowcount if keys else 0

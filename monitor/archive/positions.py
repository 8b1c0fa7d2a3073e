"""How far each source has been read, saved in the transaction of the records it brought."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from monitor.archive.tables import positions
from monitor.archive.upsert import upsert
from monitor.record import Position

if TYPE_CHECKING:
    from sqlalchemy import Connection


def save(connection: Connection, position: Position, now: int) -> None:
    """Remember `position` as the last one of its source; `now` in microseconds since the epoch."""
    state = json.dumps(dict(position.state), sort_keys=True, separators=(",", ":"))
    row = {"source": position.source, "state": state, "updated_at": now}
    upsert(connection, positions, [row], keys=("source",), replace=("state", "updated_at"))


def load(connection: Connection, source: str) -> Position | None:
    """Return where `source` continues, None when it has never been read."""
    statement = select(positions.c.state).where(positions.c.source == source)
    state = connection.execute(statement).scalar_one_or_none()
    return None if state is None else Position(source, json.loads(state))


def load_all(connection: Connection) -> tuple[Position, ...]:
    """Return the positions of all sources, ordered by source."""
    rows = connection.execute(select(positions).order_by(positions.c.source))
    return tuple(Position(row.source, json.loads(row.state)) for row in rows)


def forget(connection: Connection, source: str) -> None:
    """Let `source` start from its beginning; harmless when it has no position."""
    connection.execute(delete(positions).where(positions.c.source == source))

"""Where the engine stands, and where it stood: the live state and snapshots for replay.

The live state is written in the transaction of the decisions it led to. Snapshots are earlier
states; a replay starts at the last one before the window that it wants to see again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, select

from monitor.archive.tables import engine_state, snapshots
from monitor.archive.upsert import upsert

if TYPE_CHECKING:
    from sqlalchemy import Connection

_LIVE: Final = "live"


@dataclass(frozen=True, slots=True)
class EngineState:
    """State of the engine after it folded journal entry `cursor`; `state` is opaque here.

    `saved_at` is wall time in microseconds since the epoch.
    """

    cursor: int
    state: bytes
    saved_at: int


def save(connection: Connection, state: EngineState) -> None:
    """Replace the live state."""
    row = {
        "name": _LIVE,
        "cursor": state.cursor,
        "state": state.state,
        "saved_at": state.saved_at,
    }
    upsert(connection, engine_state, [row], keys=("name",), replace=("cursor", "state", "saved_at"))


def load(connection: Connection) -> EngineState | None:
    """Return the live state, None when no engine has ever run on this archive."""
    columns = (engine_state.c.cursor, engine_state.c.state, engine_state.c.saved_at)
    row = connection.execute(select(*columns).where(engine_state.c.name == _LIVE)).one_or_none()
    return None if row is None else EngineState(row.cursor, row.state, row.saved_at)


def cursor(connection: Connection) -> int:
    """Return the number of the last journal entry that the engine has folded, 0 at first."""
    statement = select(engine_state.c.cursor).where(engine_state.c.name == _LIVE)
    return connection.execute(statement).scalar_one_or_none() or 0


def keep_snapshot(connection: Connection, state: EngineState, most: int) -> None:
    """Keep `state` for replays; of more than `most` (at least 2) the least missed one goes.

    Missed least is the inner one whose neighbours are closest together, so that what remains
    covers the whole journal evenly: the oldest and the newest snapshot always stay, and no replay
    starts much farther back than another.
    """
    row = {"seq": state.cursor, "state": state.state, "made_at": state.saved_at}
    upsert(connection, snapshots, [row], keys=("seq",), replace=("state", "made_at"))
    seqs = list(connection.execute(select(snapshots.c.seq).order_by(snapshots.c.seq)).scalars())
    while len(seqs) > max(most, 2):
        gaps = [after - before for before, after in zip(seqs, seqs[2:], strict=False)]
        victim = seqs.pop(1 + gaps.index(min(gaps)))
        connection.execute(delete(snapshots).where(snapshots.c.seq == victim))


def nearest_snapshot(connection: Connection, seq: int) -> EngineState | None:
    """Return the last snapshot taken at or before journal entry `seq`, None when there is none."""
    statement = select(snapshots).where(snapshots.c.seq <= seq).order_by(snapshots.c.seq.desc())
    row = connection.execute(statement.limit(1)).one_or_none()
    return None if row is None else EngineState(row.seq, row.state, row.made_at)

"""Rejected lines, kept for people to look at and to send again, within bounds.

When a bound is reached the oldest lines make room, and are counted. Sizes are kept in a row of
their own, so that keeping the bounds costs no scan.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, func, insert, select, update

from monitor.archive.tables import quarantine, quarantine_size
from monitor.archive.upsert import upsert
from monitor.errors import NotFoundError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row

    from monitor.record import Problem

MAX_PAGE: Final = 1000

_LIVE: Final = "live"
_ROW_BYTES: Final = 200
"""What a line takes beside its payload and detail."""


@dataclass(frozen=True, slots=True)
class QuarantineBounds:
    """How many lines, and how many bytes of them, are kept at most."""

    rows: int = 100_000
    bytes: int = 256 << 20


@dataclass(frozen=True, slots=True)
class QuarantineSize:
    """What the quarantine holds, and how many lines it let go of to keep its bounds, ever."""

    rows: int
    bytes: int
    dropped: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """One rejected line.

    `line` counts from 1 in its payload; `payload` is the line itself. `received_at` and
    `reingested_at` are microseconds since the epoch, the latter None until it was accepted on a
    second try.
    """

    id: int
    received_at: int
    source: str
    model: str
    line: int
    reason: str
    detail: str
    reingested_at: int | None
    payload: bytes


_LINE: Final = [quarantine.c[name] for name in Rejected.__dataclass_fields__]


@dataclass(frozen=True, slots=True)
class RejectedPage:
    """Lines, newest first, and the cursor of the next page (None on the last one)."""

    lines: tuple[Rejected, ...]
    cursor: str | None


def add(
    connection: Connection,
    source: str,
    problems: Sequence[Problem],
    now: int,
    bounds: QuarantineBounds,
) -> int:
    """Keep the lines of `problems`; return how many lines, old or new, were dropped for it.

    A line that alone is over the bound is dropped itself, it does not displace the others.
    """
    rows = [_row(source, problem, now) for problem in problems]
    rows = [row for row in rows if row["size"] <= bounds.bytes]
    if rows:
        connection.execute(insert(quarantine), rows)
    dropped = len(problems) - len(rows)
    _grow(connection, len(rows), sum(row["size"] for row in rows), dropped)
    return dropped + _shrink(connection, bounds)


def size(connection: Connection) -> QuarantineSize:
    """Return what the quarantine holds and has dropped."""
    columns = (quarantine_size.c.rows, quarantine_size.c.bytes, quarantine_size.c.dropped)
    row = connection.execute(select(*columns)).one_or_none()
    return QuarantineSize(*row) if row else QuarantineSize(0, 0, 0)


def page(
    connection: Connection,
    limit: int = 100,
    cursor: str | None = None,
    *,
    reason: str | None = None,
) -> RejectedPage:
    """Return one page of lines (of one `reason`), the newest first.

    Raises
    ------
    UsageError
        `limit` is not in 1 to 1000, or the cursor was not given out by a page before.
    """
    if not 1 <= limit <= MAX_PAGE:
        raise UsageError(f"limit must be between 1 and {MAX_PAGE}, got {limit}")
    statement = select(*_LINE).order_by(quarantine.c.id.desc()).limit(limit + 1)
    if cursor is not None:
        statement = statement.where(quarantine.c.id < _parse(cursor))
    if reason is not None:
        statement = statement.where(quarantine.c.reason == reason)
    rows = connection.execute(statement).all()
    lines = tuple(_rejected(row) for row in rows[:limit])
    return RejectedPage(lines, str(lines[-1].id) if len(rows) > limit else None)


def get(connection: Connection, line_id: int) -> Rejected:
    """Return one line.

    Raises
    ------
    NotFoundError
        It is not (or no longer) in the quarantine.
    """
    row = connection.execute(select(*_LINE).where(quarantine.c.id == line_id)).one_or_none()
    if row is None:
        raise NotFoundError(f"there is no line {line_id} in the quarantine")
    return _rejected(row)


def mark_reingested(connection: Connection, line_id: int, now: int) -> bool:
    """Note that the line was accepted on a second try; False when that was known, or it is gone."""
    statement = update(quarantine).where(
        quarantine.c.id == line_id, quarantine.c.reingested_at.is_(None)
    )
    return connection.execute(statement.values(reingested_at=now)).rowcount == 1


def remove(connection: Connection, line_ids: Sequence[int]) -> int:
    """Delete lines that people, or retention, are done with; return how many there were."""
    if not line_ids:
        return 0
    chosen = quarantine.c.id.in_(line_ids)
    measured = select(func.count(), func.coalesce(func.sum(quarantine.c.size), 0)).where(chosen)
    rows, freed = connection.execute(measured).one()
    connection.execute(delete(quarantine).where(chosen))
    _grow(connection, -rows, -int(freed), 0)
    return int(rows)


def _shrink(connection: Connection, bounds: QuarantineBounds) -> int:
    """Drop the oldest lines until the rest is within bounds."""
    held = size(connection)
    rows, total, victims = held.rows, held.bytes, []
    statement = select(quarantine.c.id, quarantine.c.size).order_by(quarantine.c.id)
    with connection.execute(statement) as oldest:
        for line_id, cost in oldest:
            if rows <= bounds.rows and total <= bounds.bytes:
                break
            victims.append(line_id)
            rows, total = rows - 1, total - cost
    if victims:
        connection.execute(delete(quarantine).where(quarantine.c.id <= victims[-1]))
        _grow(connection, rows - held.rows, total - held.bytes, len(victims))
    return len(victims)


def _grow(connection: Connection, rows: int, size_bytes: int, dropped: int) -> None:
    row = {"name": _LIVE, "rows": rows, "bytes": size_bytes, "dropped": dropped}
    upsert(connection, quarantine_size, [row], keys=("name",), add=("rows", "bytes", "dropped"))


def _row(source: str, problem: Problem, now: int) -> dict[str, Any]:
    return {
        "received_at": now,
        "source": source,
        "model": _storable(problem.model),
        "line": problem.line,
        "reason": problem.reason.value,
        "detail": _storable(problem.detail),
        "size": len(problem.payload) + len(problem.detail) + _ROW_BYTES,
        "payload": problem.payload,
    }


def _storable(text: str) -> str:
    """Replace what no database stores as text, lest a bad line takes its neighbours down."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _parse(cursor: str) -> int:
    try:
        return int(cursor)
    except ValueError:
        raise UsageError(f"cursor {cursor!r} is not one that driftd gave out") from None


def _rejected(row: Row[Any]) -> Rejected:
    return Rejected(**row._mapping)  # noqa: SLF001  (SQLAlchemy's public name for it)

"""Performance figures: restated as labels come, read by metric or newest first.

A figure is replaced, not added to: it is a function of the engine's state, which is stored in the
same transaction and says it again in every replay.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, func, select

from monitor.archive.tables import performance
from monitor.archive.upsert import upsert
from monitor.performance import PerformanceRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

MAX_PAGE: Final = 10_000
_KEYS: Final = ("model", "version", "segment", "window_start", "metric", "kind")
_FIELDS: Final = tuple(PerformanceRow.__dataclass_fields__)
_ROW: Final = [performance.c[name] for name in _FIELDS]


@dataclass(frozen=True, slots=True)
class Query:
    """Which figures of a model; None means all. Times in microseconds: windows that touch them."""

    model: str
    version: str | None = None
    segment: str | None = None
    metric: str | None = None
    kind: str | None = None
    start: int | None = None
    end: int | None = None


def save(connection: Connection, rows: Sequence[PerformanceRow], now: int) -> None:
    """Restate figures; of two for one place the last counts."""
    plain = [{**asdict(row), "restated_at": now} for row in rows]
    last = {tuple(values[name] for name in _KEYS): values for values in plain}
    replaced = [name for name in (*_FIELDS, "restated_at") if name not in _KEYS]
    upsert(connection, performance, list(last.values()), keys=_KEYS, replace=replaced)


def figures(connection: Connection, query: Query, limit: int) -> list[PerformanceRow]:
    """The newest `limit` figures (at most `MAX_PAGE`), oldest window first."""
    table = performance.c
    statement = select(*_ROW).where(table.model == query.model)
    for name in ("version", "segment", "metric", "kind"):
        wanted = getattr(query, name)
        if wanted is not None:
            statement = statement.where(table[name] == wanted)
    if query.start is not None:
        statement = statement.where(table.window_end > query.start)
    if query.end is not None:
        statement = statement.where(table.window_start < query.end)
    order = (table.window_start, table.version, table.segment, table.metric, table.kind)
    newest = statement.order_by(*(column.desc() for column in order)).limit(min(limit, MAX_PAGE))
    return [PerformanceRow(*row) for row in reversed(connection.execute(newest).all())]


def every(connection: Connection, model: str) -> list[PerformanceRow]:
    """All figures of a model, by window."""
    statement = select(*_ROW).where(performance.c.model == model)
    order = (performance.c.window_start, performance.c.version)
    return [PerformanceRow(*row) for row in connection.execute(statement.order_by(*order))]


def newest(connection: Connection, model: str) -> list[PerformanceRow]:
    """Per segment, metric and kind the figure of the newest window that has one."""
    table = performance.c
    groups = (table.segment, table.metric, table.kind)
    last = (
        select(*groups, func.max(table.window_start).label("window_start"))
        .where(table.model == model, table.value.is_not(None))
        .group_by(*groups)
        .subquery()
    )
    matches = [table[name] == last.c[name] for name in ("segment", "metric", "kind")]
    statement = (
        select(*_ROW)
        .join(last, (table.window_start == last.c.window_start) & matches[0] & matches[1])
        .where(matches[2], table.model == model, table.value.is_not(None))
        .order_by(*groups, table.version)
    )
    # Of versions that ran beside each other the last, by name.
    found = {
        (row.segment, row.metric, row.kind): PerformanceRow(*row)
        for row in connection.execute(statement)
    }
    return list(found.values())


def remove(connection: Connection, cutoff: int, limit: int) -> int:
    """Forget figures that were last restated before `cutoff`; how many."""
    old = (
        select(performance.c.restated_at)
        .where(performance.c.restated_at < cutoff)
        .order_by(performance.c.restated_at)
        .limit(limit)
    )
    last: int | None = connection.execute(select(func.max(old.subquery().c[0]))).scalar_one()
    if last is None:
        return 0
    return connection.execute(delete(performance).where(performance.c.restated_at <= last)).rowcount

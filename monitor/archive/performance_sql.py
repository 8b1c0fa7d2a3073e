"""Performance figures: restated as labels come, read by metric or newest first.

A figure is replaced, not added to: it is a function of the engine's state, which is stored in the
same transaction and says it again in every replay.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import delete, func, select

from monitor.archive.tables import performance
from monitor.archive.upsert import upsert
from monitor.performance import ESTIMATED, MEASURED, PerformanceRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row

MAX_PAGE: Final = 10_000
RECENT: Final = 2_000
"""Figures among which the newest of each sort is looked for."""

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
    return [_of(row) for row in reversed(connection.execute(newest).all())]


def every(connection: Connection, model: str) -> list[PerformanceRow]:
    """All figures of a model, by window."""
    statement = select(*_ROW).where(performance.c.model == model)
    order = (performance.c.window_start, performance.c.version)
    return [_of(row) for row in connection.execute(statement.order_by(*order))]


def newest(connection: Connection, model: str) -> list[PerformanceRow]:
    """Per segment, metric and kind the figure of the newest window that has one, if recent."""
    table = performance.c
    found: dict[tuple[str, str, str], PerformanceRow] = {}
    for kind in (ESTIMATED, MEASURED):
        statement = (
            select(*_ROW)
            .where(table.model == model, table.kind == kind, table.value.is_not(None))
            .order_by(table.window_start.desc(), table.version.desc())
            .limit(RECENT)
        )
        for row in map(_of, connection.execute(statement)):
            found.setdefault((row.segment, row.metric, kind), row)
    return [found[key] for key in sorted(found)]


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


def _of(row: Row[Any]) -> PerformanceRow:
    values = dict(zip(_FIELDS, row, strict=True))
    return PerformanceRow(**values)

"""What the web side reads, out of the archive and the engine at work."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from monitor import __version__
from monitor.archive import (
    alerts_sql,
    counters,
    decisions,
    journal,
    performance_sql,
    quarantine,
    retention,
)
from monitor.archive import baselines as stored
from monitor.config.units import duration_text
from monitor.errors import NotFoundError
from monitor.model import WHOLE, model_of
from monitor.web.views import (
    AlertSummary,
    BaselineSummary,
    Bound,
    ColumnInfo,
    ColumnPoint,
    ColumnSeries,
    DecisionSummary,
    Doors,
    ModelDetail,
    ModelSeries,
    ModelSummary,
    OpenWindow,
    Page,
    PerformanceFigure,
    QuarantineEntry,
    Status,
    WindowSummary,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from monitor.app.models import ArchiveResolver
    from monitor.archive.archive import Archive
    from monitor.archive.decisions import DecisionRow
    from monitor.config.model import Config
    from monitor.drivers.live import LiveDriver
    from monitor.engine.retired import Follower
    from monitor.performance import PerformanceRow

PREVIEW = 200


class ArchiveQueries:
    """Implements `monitor.web.services.Queries`."""

    def __init__(
        self,
        archive: Archive,
        driver: LiveDriver,
        resolver: ArchiveResolver,
        config: Config,
        started: int,
    ) -> None:
        self._archive = archive
        self._driver = driver
        self._resolver = resolver
        self.config = config
        self._started = started
        self.budget = ""
        self.shares: Mapping[str, float] = {}

    def models(self) -> Sequence[ModelSummary]:
        """See `Queries`."""
        return [self._summary(model.name) for model in self.config.models]

    def model(self, name: str) -> ModelDetail:
        """See `Queries`."""
        config = next((model for model in self.config.models if model.name == name), None)
        if config is None:
            raise NotFoundError(f"there is no model {name!r} in the configuration")
        window = config.window
        if window.every is None:
            cut = f"every {window.records:,} records"
        else:
            late = duration_text(window.lateness)
            cut = f"every {duration_text(window.every)}, {late} late"
        active = [found for found in self.baselines() if found.model == name and found.active]
        engine = self._engine(name)
        columns = engine.spec.columns if engine else ()
        return ModelDetail(
            model=self._summary(name),
            baseline=active[0] if active else None,
            columns=tuple(ColumnInfo(c.name, c.kind, c.unit) for c in columns),
            windowing=cut,
        )

    def windows(
        self, model: str, *, version: str | None, segment: str, limit: int
    ) -> Sequence[WindowSummary]:
        """See `Queries`."""
        self.model(model)
        return [_window(row) for row in self._latest(model, version, segment, limit)]

    def series(self, model: str, *, version: str | None, segment: str, limit: int) -> ModelSeries:
        """See `Queries`."""
        self.model(model)
        rows = self._latest(model, version, segment, limit)
        bodies: list[dict[str, Any]] = [json.loads(row.body) for row in rows]
        engine = self._engine(model)
        units = {column.name: column.unit for column in engine.spec.columns} if engine else {}
        names = list(dict.fromkeys(name for body in bodies for name in body["columns"]))
        return ModelSeries(
            windows=tuple(_window(row) for row in rows),
            columns=tuple(
                ColumnSeries(
                    column=name,
                    unit=units.get(name, ""),
                    points=tuple(_point(body["columns"].get(name)) for body in bodies),
                )
                for name in names
            ),
        )

    def performance(
        self,
        model: str,
        *,
        version: str | None = None,
        segment: str | None = None,
        metric: str | None = None,
        kind: str | None = None,
        from_: int | None = None,
        to: int | None = None,
        limit: int = 1000,
    ) -> Sequence[PerformanceFigure]:
        """See `Queries`."""
        self.model(model)
        query = performance_sql.Query(model, version, segment, metric, kind, from_, to)
        rows = self._read(lambda link: performance_sql.figures(link, query, limit))
        return [_figure(row) for row in rows]

    def decisions(
        self,
        *,
        model: str | None,
        verdict: str | None,
        from_: int | None,
        to: int | None,
        limit: int,
        cursor: str | None,
    ) -> Page[DecisionSummary]:
        """See `Queries`."""
        query = decisions.Query(model, verdict, from_, to)
        page = self._read(lambda link: decisions.page(link, query, limit, cursor))
        return Page(tuple(map(decision_summary, page.decisions)), page.cursor)

    def decision(self, decision_id: str) -> bytes:
        """See `Queries`."""
        return self._archive.reader.run(lambda link: decisions.get(link, decision_id)).body

    def evidence(self, decision_id: str) -> bytes:
        """See `Queries`."""
        return self._archive.reader.run(lambda link: decisions.evidence(link, decision_id))

    def alerts(self, *, state: str | None, limit: int) -> Sequence[AlertSummary]:
        """See `Queries`."""

        def read(link: Connection) -> list[Any]:
            if state is None:
                return list(alerts_sql.open_alerts(link).values())
            return [alert for alert in alerts_sql.newest(link, 10 * limit) if alert.state == state]

        found = sorted(self._read(read), key=lambda a: (-a.severity.rank, -a.opened_at))
        return [
            AlertSummary(
                alert_id=alert.id,
                model=alert.key.model,
                segment=alert.key.segment,
                severity=alert.severity.value,
                state=alert.state.value,
                summary=alert.summary,
                opened=alert.opened_at,
                updated=alert.resolved_at or alert.fired_at or alert.opened_at,
                decision_id=alert.last_decision,
            )
            for alert in found[:limit]
        ]

    def baselines(self) -> Sequence[BaselineSummary]:
        """See `Queries`."""
        summaries = []
        for head in self._read(stored.heads):
            found = self._resolver.baseline(head.id)
            summaries.append(
                BaselineSummary(
                    baseline_id=head.id,
                    model=head.model,
                    version="",
                    created=head.created_at,
                    start=found.start,
                    end=found.end,
                    records=found.rows,
                    columns=len(found.frame.columns),
                    active=head.active,
                )
            )
        return summaries

    def status(self) -> Status:
        """See `Queries`."""
        totals, span, held = self._read(
            lambda link: (
                counters.totals(link),
                journal.span_after(link, self._driver.taken),
                quarantine.size(link),
            )
        )
        doors = dict.fromkeys(Doors.__dataclass_fields__, 0)
        for count in totals:
            doors[count.outcome] += count.count
        limits = self.config.limits
        disk = retention.disk_bytes(self.config.archive.url)
        return Status(
            version=__version__,
            started=self._started,
            config=self._driver.engine.configuration.config,
            doors=Doors(**doors),
            lag_records=span.records + span.labels,
            windows_judged=sum(tally.count for tally in self._read(decisions.tallies)),
            bounds={
                "quarantine_lines": Bound(held.rows, limits.quarantine_rows, "lines"),
                "quarantine_bytes": Bound(held.bytes, limits.quarantine_bytes, "bytes"),
                "archive_bytes": Bound(disk, float("inf"), "bytes"),
            },
            budget=self.budget,
            shares=self.shares,
        )

    def quarantine(self, *, limit: int, cursor: str | None) -> Page[QuarantineEntry]:
        """See `Queries`."""
        page = self._read(lambda link: quarantine.page(link, limit, cursor))
        return Page(
            tuple(
                QuarantineEntry(
                    entry_id=line.id,
                    received=line.received_at,
                    source=line.source,
                    model=line.model,
                    line=line.line,
                    reason=line.reason,
                    detail=line.detail,
                    preview=line.payload[:PREVIEW].decode("utf-8", "replace"),
                )
                for line in page.lines
            ),
            page.cursor,
        )

    def _read(self, query: Any) -> Any:
        return self._archive.reader.run(query)

    def _engine(self, name: str) -> Follower | None:
        return self._driver.engine.models.get(name)

    def _versions(self, name: str) -> list[Follower]:
        """Everybody who takes in records of a model, versions with their own baseline too."""
        models = dict(self._driver.engine.models)
        return [one for key, one in models.items() if model_of(key) == name]

    def _latest(
        self, model: str, version: str | None, segment: str, limit: int
    ) -> Sequence[DecisionRow]:
        """The last decisions on one series; of the newest version when none is named."""
        if version is None:
            heads = self._read(lambda link: decisions.heads(link, model))
            ours = [head for head in heads if head.segment == segment]
            version = max(ours, key=lambda head: head.seq).version if ours else ""
        rows: Sequence[DecisionRow] = self._read(
            lambda link: decisions.latest(link, model, version, segment, limit)
        )
        return rows

    def _summary(self, name: str) -> ModelSummary:
        heads, tallies, totals, opened, active = self._read(
            lambda link: (
                decisions.heads(link, name),
                decisions.tallies(link),
                counters.totals(link),
                alerts_sql.open_alerts(link, name),
                stored.active(link),
            )
        )
        whole = [head for head in heads if head.segment == WHOLE]
        newest = max(whole, key=lambda head: head.seq) if whole else None
        body = json.loads(newest.body) if newest else {}
        engine, ours = self._engine(name), self._versions(name)
        known = list(engine.segments) if engine else [WHOLE]
        last = max((time for one in ours if (time := one.windows.newest) is not None), default=None)
        lateness = engine.spec.window.lateness if engine else 0
        accepted = (t for t in totals if (t.model, t.outcome, t.reason) == (name, "accepted", ""))
        return ModelSummary(
            name=name,
            versions=tuple(dict.fromkeys(h.version for h in sorted(whole, key=_newest_first))),
            segments=tuple(sorted(known)),
            baseline=active.get(name),
            verdict=newest.verdict if newest else None,
            summary=body.get("summary", "no window has been judged yet"),
            decision_id=newest.decision_id if newest else None,
            window=_open_window(engine),
            windows_judged=sum(tally.count for tally in tallies if tally.model == name),
            records=sum(count.count for count in accepted),
            last_record=last,
            watermark=None if last is None else last - lateness,
            lag_records=self._lag(),
            open_alerts=len(opened),
            late_records=sum(one.windows.late for one in ours),
        )

    def _lag(self) -> int:
        cursor = self._driver.taken
        span = self._read(lambda link: journal.span_after(link, cursor))
        return int(span.records + span.labels)


def _figure(row: PerformanceRow) -> PerformanceFigure:
    return PerformanceFigure(
        version=row.version,
        segment=row.segment,
        start=row.window_start,
        end=row.window_end,
        metric=row.metric,
        kind=row.kind,
        value=row.value,
        lower=row.lower,
        upper=row.upper,
        rows=row.rows,
        labelled=row.labelled,
        coverage=row.coverage,
        as_of=row.as_of or None,
    )


def decision_summary(row: DecisionRow) -> DecisionSummary:
    """A stored decision for lists."""
    return DecisionSummary(
        decision_id=row.decision_id,
        model=row.model,
        version=row.version,
        segment=row.segment,
        start=row.window_start,
        end=row.window_end,
        records=row.records,
        verdict=row.verdict,
        summary=json.loads(row.body)["summary"],
        made=row.made_at,
    )


def _newest_first(row: DecisionRow) -> int:
    return -row.seq


def _open_window(engine: Follower | None) -> OpenWindow | None:
    """The newest open time window; windows of counts have no place in time before they close."""
    if engine is None or engine.spec.window.every is None:
        return None
    end = engine.windows.open_end()
    if end is None:
        return None
    start, rows = end - engine.spec.window.every, engine.windows.open_rows()
    return OpenWindow(start=start, end=end, records=rows)


def _window(row: DecisionRow) -> WindowSummary:
    return WindowSummary(
        model=row.model,
        version=row.version,
        segment=row.segment,
        start=row.window_start,
        end=row.window_end,
        index=row.window_index,
        records=row.records,
        verdict=row.verdict,
        decision_id=row.decision_id,
    )


def _point(column: dict[str, Any] | None) -> ColumnPoint | None:
    if column is None:
        return None
    names = ColumnPoint.__dataclass_fields__
    return ColumnPoint(**{name: column[name] for name in names if name in column})

"""The snapshot behind `/metrics`: archive totals, the newest decisions, the engine's place."""

from __future__ import annotations

import json
import platform
from collections import Counter
from typing import TYPE_CHECKING, Any

from monitor import __version__
from monitor.archive import alerts_sql, counters, decisions, journal, performance_sql
from monitor.engine.model import ModelEngine
from monitor.model import model_of
from monitor.snapshot import (
    ChannelState,
    ColumnState,
    DurationHistogram,
    Measurement,
    ModelState,
    PerformanceState,
    Snapshot,
)
from monitor.telemetry import LABEL_OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection

    from monitor.app.deliveries import DeliveryCounts
    from monitor.archive.archive import Archive
    from monitor.archive.counters import Count
    from monitor.archive.outbox_sql import SqlOutbox
    from monitor.drivers.live import Durations, LiveDriver
    from monitor.engine.retired import Follower
    from monitor.performance import PerformanceRow


class Measures:
    """Makes a `Snapshot` at every scrape; holds nothing but where to look."""

    def __init__(
        self,
        archive: Archive,
        driver: LiveDriver,
        outbox: SqlOutbox,
        deliveries: DeliveryCounts,
        channels: Sequence[str],
        sources: Sequence[str],
    ) -> None:
        self.expected_ratio = 0.0
        self.reload_successful = True
        self.reload_time: int | None = None
        self._archive = archive
        self._driver = driver
        self._outbox = outbox
        self._deliveries = deliveries
        self._channels = channels
        self._sources = sources

    def __call__(self) -> Snapshot:
        """Everything one scrape shows."""
        cursor = self._driver.taken
        names = sorted({model_of(key) for key in self._driver.engine.models})
        totals, heads, tallies, opened, lag, figures = self._archive.reader.run(
            lambda link: (
                counters.totals(link),
                decisions.heads(link),
                decisions.tallies(link),
                alerts_sql.counts(link),
                _lag(link, cursor),
                [row for name in names for row in performance_sql.newest(link, name)],
            )
        )
        models = self._driver.engine.models
        newest = _newest(heads)
        return Snapshot(
            build={"version": __version__, "python": platform.python_version()},
            records={**self._silent(), **_doors(totals)},
            models=[
                ModelState(
                    model=name,
                    labels=_labels(totals, name, model),
                    decisions={t.verdict: t.count for t in tallies if t.model == name},
                    alerts={(s, state): n for (m, s, state), n in opened.items() if m == name},
                    window_records=newest[name, ""].records if (name, "") in newest else None,
                    late=sum(one.windows.late for one in _versions(models, name)),
                    last_record=last,
                    watermark=None if last is None else last - model.spec.window.lateness,
                )
                for name, model in models.items()
                if name == model_of(name)
                for last in [_last_record(models, name)]
            ],
            columns=[
                column
                for (name, segment), head in newest.items()
                if name in models
                for column in _columns(name, segment, json.loads(head.body))
            ],
            performance=[_performance(row) for row in figures],
            channels=self._channel_states(),
            engine_lag_records=lag,
            config_reload_successful=self.reload_successful,
            config_reload_time=self.reload_time,
            budget_expected_ratio=self.expected_ratio,
            evaluation=_histogram(self._driver.durations),
        )

    def _silent(self) -> dict[tuple[str, str, str], int]:
        """Zeros, so that a source which never spoke has counters too."""
        models = self._driver.engine.models
        names = {model_of(key) for key in models}
        return {(name, source, "accepted"): 0 for name in names for source in self._sources}

    def _channel_states(self) -> list[ChannelState]:
        backlog = self._outbox.backlog()
        done: Counter[tuple[str, str]] = self._deliveries.counts
        return [
            ChannelState(
                channel=name,
                pending=backlog[name].pending if name in backlog else 0,
                oldest=backlog[name].oldest_created_at if name in backlog else None,
                deliveries={o: n for (channel, o), n in done.items() if channel == name},
            )
            for name in self._channels
        ]


def _histogram(durations: Durations) -> DurationHistogram:
    counts = durations.cumulated()
    return DurationHistogram(counts, sum(durations.counts), durations.total)


def _lag(link: Connection, cursor: int) -> int:
    span = journal.span_after(link, cursor)
    return span.records + span.labels


def _doors(totals: Sequence[Count]) -> dict[tuple[str, str, str], int]:
    doors: dict[tuple[str, str, str], int] = {}
    for count in totals:
        if count.outcome != "received":
            key = (count.model, count.source, count.outcome)
            doors[key] = doors.get(key, 0) + count.count
    return doors


def _performance(row: PerformanceRow) -> PerformanceState:
    place = (row.model, row.segment, row.metric, row.kind)
    value = float("nan") if row.value is None else row.value
    return PerformanceState(*place, value, row.lower, row.upper)


def _labels(totals: Sequence[Count], name: str, model: object) -> dict[str, int]:
    """At the door, and what the engine made of those that came in."""
    performance = model.performance if isinstance(model, ModelEngine) else None
    found: Counter[str] = Counter(performance.counts if performance else {})
    for count in totals:
        if (count.model, count.reason) == (name, "label"):
            found[count.outcome] += count.count
    return {outcome: found[outcome] for outcome in LABEL_OUTCOMES}


def _newest(heads: Sequence[Any]) -> dict[tuple[str, str], Any]:
    """The newest decision per model and segment, whatever its version."""
    newest: dict[tuple[str, str], Any] = {}
    for head in sorted(heads, key=lambda row: row.seq):
        newest[head.model, head.segment] = head
    return newest


def _versions(models: Mapping[str, Follower], name: str) -> list[Follower]:
    """Everybody who takes in records of a model, versions with a baseline of their own too."""
    return [one for key, one in models.items() if model_of(key) == name]


def _last_record(models: Mapping[str, Follower], name: str) -> int | None:
    newest = (one.windows.newest for one in _versions(models, name))
    return max((time for time in newest if time is not None), default=None)


def _columns(model: str, segment: str, body: dict[str, Any]) -> list[ColumnState]:
    return [
        ColumnState(
            model=model,
            segment=segment,
            column=name,
            status=values["status"],
            evidence_log10=values.get("evidence_log10"),
            alarm_log10=values.get("line_log10"),
            missing_ratio=values.get("missing_ratio"),
            invalid_ratio=values.get("invalid_ratio"),
            unseen_ratio=values.get("unseen_ratio"),
            measurements=[
                Measurement(detector, said["statistic"], said.get("threshold"), said.get("effect"))
                for detector, said in values.get("statistics", {}).items()
            ],
        )
        for name, values in body["columns"].items()
    ]

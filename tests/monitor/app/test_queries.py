"""Every question of the web side, asked of a small real archive; and what one scrape shows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitor.app.deliveries import DeliveryCounts
from monitor.app.measures import Measures
from monitor.app.queries import ArchiveQueries
from monitor.archive import counters, quarantine
from monitor.archive.counters import Count
from monitor.archive.outbox_sql import SqlOutbox
from monitor.archive.quarantine import QuarantineBounds
from monitor.drivers.live import Notify
from monitor.errors import NotFoundError, UsageError
from monitor.record import Problem, Reason
from monitor.telemetry import Telemetry
from tests.monitor.drivers.setting import EVERY, LIVE, MODEL, learned, setting, window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.monitor.drivers.setting import Setting

WHOLE: Any = {"version": None, "segment": "", "limit": 100}


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    """Two quiet windows and five shifted ones, an open one, some counts and bad lines."""
    notify = Notify(channels=lambda _model, _severity: ("ops",))
    with setting(tmp_path_factory.mktemp("year"), notify=notify) as shop:
        for index in range(8):
            version = "1" if index < 5 else "2"
            shop.append(window(index, shift=0 if index < 2 else 3, version=version))
        shop.step()
        seen = [
            Count("", "http", "received", 12),
            Count(MODEL, "http", "accepted", 7),
            Count(MODEL, "http", "accepted", 2, "label"),
            Count(MODEL, "http", "duplicate", 1),
            Count("", "http", "rejected", 2, "not_json"),
        ]
        bad = [Problem(n, Reason.NOT_JSON, "no", b"\xff" * 300) for n in (1, 2)]
        shop.write(lambda link: counters.add(link, seen))
        shop.write(lambda link: quarantine.add(link, "http", bad, LIVE, QuarantineBounds()))
        yield shop


@pytest.fixture
def queries(year: Setting) -> ArchiveQueries:
    return ArchiveQueries(year.archive, year.driver, year.resolver, year.config, LIVE)


def test_models(queries: ArchiveQueries) -> None:
    (model,) = queries.models()
    assert (model.name, model.segments) == (MODEL, ("", "region=north", "region=south"))
    assert model.versions == ("2", "1")
    assert (model.verdict, model.baseline) == ("drift", None)
    assert (model.windows_judged, model.records, model.lag_records) == (21, 7, 0)
    assert model.last_record is not None
    assert model.last_record >= LIVE + 7 * EVERY
    assert model.watermark == model.last_record - 10_000_000
    assert model.window is not None
    assert (model.window.start, model.window.end) == (LIVE + 7 * EVERY, LIVE + 8 * EVERY)
    assert model.window.records == 100
    assert model.open_alerts > 0


def test_one_model(queries: ArchiveQueries) -> None:
    detail = queries.model(MODEL)
    assert detail.model == queries.models()[0]
    assert [column.name for column in detail.columns] == ["amount", "age", "country", "note"]
    assert "10s late" in detail.windowing


def test_what_does_not_exist_is_not_found(queries: ArchiveQueries) -> None:
    for ask in (queries.model, lambda name: queries.windows(name, **WHOLE)):
        with pytest.raises(NotFoundError, match="no model 'nobody'"):
            ask("nobody")
    for find in (queries.decision, queries.evidence):
        with pytest.raises(NotFoundError):
            find("0" * 64)


def test_windows_are_those_of_the_newest_version_oldest_first(queries: ArchiveQueries) -> None:
    found = queries.windows(MODEL, **WHOLE)
    assert [(one.version, one.start) for one in found] == [
        ("2", LIVE + 5 * EVERY),
        ("2", LIVE + 6 * EVERY),
    ]
    (last,) = queries.windows(MODEL, version="1", segment="region=north", limit=1)
    assert (last.segment, last.start, last.version) == ("region=north", LIVE + 4 * EVERY, "1")
    assert queries.windows(MODEL, version="3", segment="", limit=5) == []


def test_series_have_a_point_per_window(queries: ArchiveQueries) -> None:
    series = queries.series(MODEL, version="1", segment="", limit=100)
    assert len(series.windows) == 5
    columns = {column.column: column for column in series.columns}
    assert columns["amount"].unit == "EUR"
    points = columns["amount"].points
    assert len(points) == 5
    assert all(point is not None and point.mean is not None for point in points)
    assert [point.status for point in points if point] == [0, 0, 2, 2, 2]
    assert queries.series(MODEL, version="3", segment="", limit=1).windows == ()


def ask(queries: ArchiveQueries, **query: Any) -> Any:
    given = {"model": None, "verdict": None, "from_": None, "to": None, "limit": 100}
    return queries.decisions(**{**given, "cursor": None, **query})


def test_decisions_page_by_page(queries: ArchiveQueries) -> None:
    everything = ask(queries)
    assert (len(everything.items), everything.next_cursor) == (21, None)
    found, cursor = [], None
    while True:
        page = ask(queries, limit=4, cursor=cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    assert tuple(found) == everything.items
    assert len(ask(queries, verdict="drift").items) == 15
    assert len(ask(queries, from_=LIVE + EVERY, to=LIVE + 2 * EVERY).items) == 3
    assert ask(queries, model="nobody").items == ()
    with pytest.raises(UsageError, match="cursor"):
        ask(queries, cursor="x")


def test_a_decision_is_its_bytes(queries: ArchiveQueries, year: Setting) -> None:
    for row in year.decisions():
        assert queries.decision(row.decision_id) == row.body
        evidence = json.loads(queries.evidence(row.decision_id[:12]))
        assert evidence["decision_id"] == row.decision_id


def test_alerts_by_state(queries: ArchiveQueries) -> None:
    opened = queries.alerts(state=None, limit=100)
    assert {alert.state for alert in opened} <= {"firing", "pending"}
    assert opened
    firing = queries.alerts(state="firing", limit=100)
    assert {alert.alert_id for alert in firing} <= {alert.alert_id for alert in opened}
    assert queries.alerts(state="resolved", limit=100) == []
    assert len(queries.alerts(state=None, limit=1)) == 1


def test_baselines(queries: ArchiveQueries) -> None:
    (found,) = queries.baselines()
    assert (found.baseline_id, found.model, found.active) == (learned().id, MODEL, False)
    assert (found.records, found.columns) == (4_000, 4)


def test_status_adds_up(queries: ArchiveQueries, year: Setting) -> None:
    status = queries.status()
    doors = status.doors
    assert (doors.received, doors.accepted, doors.duplicate, doors.rejected) == (12, 9, 1, 2)
    assert (status.started, status.lag_records, status.windows_judged) == (LIVE, 0, 21)
    assert status.config == year.driver.engine.configuration.config
    assert status.bounds["quarantine_lines"].used == 2
    assert status.bounds["archive_bytes"].used > 0


def test_quarantine(queries: ArchiveQueries) -> None:
    page = queries.quarantine(limit=1, cursor=None)
    (line,) = page.items
    assert (line.line, line.reason, line.preview) == (2, "not_json", "\ufffd" * 200)
    (older,) = queries.quarantine(limit=1, cursor=page.next_cursor).items
    assert older.line == 1


def test_lag_counts_what_is_not_decided_yet(queries: ArchiveQueries, year: Setting) -> None:
    waiting = year.driver.taken
    year.driver.taken = waiting - 1
    assert queries.status().lag_records == 100
    year.driver.taken = waiting


def test_a_scrape_parses_and_says_the_same(year: Setting) -> None:
    outbox = SqlOutbox(year.archive.writer, year.archive.reader)
    measures = Measures(
        year.archive, year.driver, outbox, DeliveryCounts(), channels=["ops"], sources=["http"]
    )
    body, kind = Telemetry(measures).render("text/plain")
    assert kind.startswith("text/plain")
    samples = [s for f in text_string_to_metric_families(body.decode()) for s in f.samples]
    found: dict[str, list[Any]] = {}
    for sample in samples:
        found.setdefault(sample.name, []).append(sample)
    doors = {s.labels["outcome"]: s.value for s in found["driftd_records_total"] if s.value}
    assert doors == {"accepted": 9, "duplicate": 1, "rejected": 2}
    status = {
        (s.labels["segment"], s.labels["column"]): s.value for s in found["driftd_drift_status"]
    }
    assert (status["", "amount"], status["", "age"]) == (2, 0)
    assert len(status) == 3 * 4
    (pending,) = found["driftd_outbox_pending"]
    assert (pending.labels["channel"], pending.value > 0) == ("ops", True)


def test_delivery_counts_are_a_copy() -> None:
    counts = DeliveryCounts()
    first = counts.counts
    first["ops", "delivered"] += 1
    assert not counts.counts

"""A daemon of dictionaries behind the protocols of `monitor.web.services`, with a flights story."""

from __future__ import annotations

import json
import math
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from monitor.clock import ManualClock
from monitor.errors import NotFoundError
from monitor.record import Problem, Reason, Receipt
from monitor.web.instants import parse, rfc3339
from monitor.web.services import Services
from monitor.web.views import (
    VERDICTS,
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
    from collections.abc import Callable, Iterator, Sequence

DAY = 86_400_000_000
FIRST = parse("2013-05-01", "first")
WINDOWS = 60
LINE = 5.2
NDJSON = "application/x-ndjson"

UNITS = {
    "dep_delay": "minutes",
    "air_time": "minutes",
    "distance": "miles",
    "taxi_out": "minutes",
    "temp": "°F",
}


def identifier(model: str, index: int) -> str:
    """A decision id that a test can compute."""
    return (f"{index:x}" + model.encode().hex() + "5eed" * 16)[:64]


@dataclass
class FakeDaemon:
    """Implements all protocols; tests change its members to make it misbehave."""

    columns: dict[str, list[ColumnPoint | None]] = field(default_factory=dict)
    names: tuple[str, ...] = ("flights",)
    windows_: dict[str, list[WindowSummary]] = field(default_factory=dict)
    payloads: list[tuple[bytes, str]] = field(default_factory=list)
    reader_threads: set[str] = field(default_factory=set)
    submit_error: Exception | None = None
    query_error: Exception | None = None
    reload_error: Exception | None = None
    problems: tuple[Problem, ...] = (
        Problem(17, Reason.NOT_JSON, "unexpected end of line \ud800"),
        Problem(20, Reason.NAIVE_TIME, "time has no zone"),
    )
    is_ready: tuple[bool, str] = (True, "")
    alive: bool = True
    evidence_columns: dict[str, object] = field(default_factory=dict)
    findings: list[dict[str, object]] = field(default_factory=list)
    figures: list[PerformanceFigure] = field(default_factory=list)
    summaries: dict[int, str] = field(default_factory=dict)
    formats: frozenset[str] = frozenset(
        {NDJSON, "application/json", "application/vnd.apache.arrow.stream"}
    )

    def services(
        self, render_metrics: Callable[[str], tuple[bytes, str]] | None = None
    ) -> Services:
        rendered = render_metrics or (lambda accept: (b"# accept " + accept.encode(), "text/plain"))
        clock = ManualClock(FIRST + 400 * DAY)
        return Services(self, self, self, self, rendered, clock)

    async def submit(self, payload: bytes, content_type: str) -> Receipt:
        if self.submit_error:
            raise self.submit_error
        self.payloads.append((payload, content_type))
        lines = payload.count(b"\n")
        bad = len(self.problems)
        return Receipt(lines + bad + 1, lines, 1, 0, 0, bad, self.problems)

    def _reading(self) -> None:
        self.reader_threads.add(threading.current_thread().name)
        if self.query_error:
            raise self.query_error

    def _known(self, name: str) -> None:
        self._reading()
        if name not in self.names:
            raise NotFoundError(f"there is no model {name!r}")

    def models(self) -> Sequence[ModelSummary]:
        self._reading()
        return [self._model(name) for name in self.names]

    def _model(self, name: str) -> ModelSummary:
        windows = self.windows_.get(name, [])
        last = windows[-1] if windows else None
        index = len(windows) - 1
        return ModelSummary(
            name=name,
            versions=("8", "7") if windows else (),
            segments=("", "origin=EWR", "origin=JFK", "origin=LGA") if windows else ("",),
            baseline="b" * 64 if windows else None,
            verdict=last.verdict if last else None,
            summary=self.summaries.get(index, "Nothing moved.") if last else "",
            decision_id=last.decision_id if last else None,
            window=OpenWindow(last.end, last.end + DAY, 412) if last else None,
            windows_judged=len(windows),
            records=sum(window.records for window in windows),
            last_record=last.end + DAY // 2 if last else None,
            watermark=last.end if last else None,
            lag_records=0,
            open_alerts=1 if last and last.verdict == "drift" else 0,
        )

    def model(self, name: str) -> ModelDetail:
        self._known(name)
        baseline = BaselineSummary(
            "b" * 64, name, "7", FIRST, FIRST - 90 * DAY, FIRST, 78_000, len(self.columns), True
        )
        infos = tuple(
            ColumnInfo(column, "numeric", UNITS.get(column, "")) for column in self.columns
        )
        watched = baseline if self.windows_.get(name) else None
        return ModelDetail(self._model(name), watched, infos, "every 1 day, 10 min late")

    def windows(
        self,
        model: str,
        *,
        version: str | None,  # noqa: ARG002 - all versions are one here
        segment: str,
        limit: int,
    ) -> Sequence[WindowSummary]:
        self._known(model)
        if segment not in ("", "origin=EWR"):
            return []
        return self.windows_.get(model, [])[-limit:]

    def series(self, model: str, *, version: str | None, segment: str, limit: int) -> ModelSeries:
        windows = tuple(self.windows(model, version=version, segment=segment, limit=limit))
        if not windows:
            return ModelSeries((), ())
        rows = tuple(
            ColumnSeries(name, UNITS.get(name, ""), tuple(points[-len(windows) :]))
            for name, points in self.columns.items()
        )
        return ModelSeries(windows, rows)

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
        self._known(model)
        asked = {"version": version, "segment": segment, "metric": metric, "kind": kind}
        return [
            figure
            for figure in self.figures
            if all(wanted in (None, getattr(figure, name)) for name, wanted in asked.items())
            and (from_ is None or figure.end > from_)
            and (to is None or figure.start < to)
        ][-limit:]

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
        self._reading()
        every = [
            self._summary(window)
            for name in self.names
            for window in reversed(self.windows_.get(name, []))
            if model in (None, name) and verdict in (None, window.verdict)
            if (from_ is None or window.end > from_) and (to is None or window.end <= to)
        ]
        start = int(cursor or 0)
        more = str(start + limit) if start + limit < len(every) else None
        return Page(tuple(every[start : start + limit]), more)

    def _summary(self, window: WindowSummary) -> DecisionSummary:
        return DecisionSummary(
            decision_id=window.decision_id or "",
            model=window.model,
            version=window.version,
            segment=window.segment,
            start=window.start,
            end=window.end,
            records=window.records,
            verdict=window.verdict or "insufficient",
            summary=self.summaries.get(window.index, "Nothing moved."),
            made=window.end + 600_000_000,
        )

    def _window(self, decision_id: str) -> WindowSummary:
        self._reading()
        for windows in self.windows_.values():
            for window in windows:
                if window.decision_id == decision_id:
                    return window
        raise NotFoundError("there is no such decision")

    def decision(self, decision_id: str) -> bytes:
        window = self._window(decision_id)
        document = {
            "format": 1,
            "decision_id": decision_id,
            "model": window.model,
            "version": window.version,
            "segment": window.segment,
            "window": {
                "start": rfc3339(window.start),
                "end": rfc3339(window.end),
                "index": window.index,
                "records": window.records,
            },
            "baseline": "b" * 64,
            "config": "c" * 64,
            "verdict": window.verdict,
            "guarantee": "At most one false alarm per 30 days over all models and columns, "
            "as long as the baseline's own history looks like its future.",
            "summary": self.summaries.get(window.index, "Nothing moved."),
            "findings": self.findings if window.verdict in ("drift", "broken") else [],
            "columns": {
                name: _judged(points[window.index]) for name, points in self.columns.items()
            },
        }
        return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()

    def evidence(self, decision_id: str) -> bytes:
        self._window(decision_id)
        if not self.evidence_columns:
            raise NotFoundError("no evidence is kept")
        return json.dumps({"decision_id": decision_id, "columns": self.evidence_columns}).encode()

    def alerts(self, *, state: str | None, limit: int) -> Sequence[AlertSummary]:  # noqa: ARG002
        self._reading()
        last = self.windows_.get("flights", [])
        if not last:
            return []
        text = "dep_delay rose from 12.6 to 20.9 minutes since 8 June"
        start = last[-1].start
        found = AlertSummary(
            "a-1", "flights", "", "critical", "firing", text, start, start, last[-1].decision_id
        )
        return [found] if state in (None, "firing") else []

    def baselines(self) -> Sequence[BaselineSummary]:
        self._reading()
        return []

    def status(self) -> Status:
        self._reading()
        return Status(
            version="0.1.0",
            started=FIRST + 399 * DAY,
            config="c" * 64,
            doors=Doors(336_788, 336_701, 12, 75, 0, 0),
            lag_records=0,
            windows_judged=sum(map(len, self.windows_.values())),
            bounds={"journal": Bound(12e6, 1e9, "bytes")},
            budget="1 false alarm per 30 days",
        )

    def quarantine(
        self,
        *,
        limit: int,  # noqa: ARG002 - there is one entry
        cursor: str | None,  # noqa: ARG002
    ) -> Page[QuarantineEntry]:
        self._reading()
        entry = QuarantineEntry(
            3, FIRST, "http", "flights", 17, "not_json", "unexpected end", '{"id": "p-1'
        )
        return Page((entry,))

    async def check(self, model: str) -> Sequence[DecisionSummary]:
        self._known(model)
        return [self._summary(self.windows_[model][-1])]

    async def reload(self) -> None:
        if self.reload_error:
            raise self.reload_error

    async def reingest(self, ids: Sequence[int]) -> Receipt:
        return Receipt(len(ids), len(ids), 0, 0, 0, 0)

    def live(self) -> bool:
        return self.alive

    def ready(self) -> tuple[bool, str]:
        return self.is_ready


def _judged(point: ColumnPoint | None) -> dict[str, object]:
    if point is None:
        return {"status": 4}
    ks = 0.02 + 0.012 * (point.evidence_log10 or 0.0)
    return {
        "status": point.status,
        "evidence_log10": point.evidence_log10,
        "line_log10": point.line_log10,
        "mean": point.mean,
        "baseline_mean": point.baseline_mean,
        "missing_ratio": point.missing_ratio or 0.0,
        "invalid_ratio": 0.0,
        "unseen_ratio": 0.0,
        "statistics": {
            "ks": {"statistic": ks, "threshold": 0.08, "effect": ks},
            "psi": {"statistic": ks**2 * 12, "threshold": 0.2, "effect": None},
            "wasserstein": {"statistic": ks * 40, "threshold": 4.0, "effect": ks * 2},
        },
    }


def flights(model: str = "flights", *, drift: bool = True) -> FakeDaemon:
    """Sixty days of flights from May 2013: delays rise from 8 June, one day loses a column."""
    random = np.random.default_rng(7)
    daemon = FakeDaemon(names=(model,))
    bases = {
        "dep_delay": 12.6, "air_time": 148.0, "distance": 1037.0, "taxi_out": 16.0, "temp": 56.0,
        "wind_speed": 10.4, "visib": 9.2, "score.1": 0.22, "hour": 13.2,
    }  # fmt: skip
    for name, base in bases.items():
        daemon.columns[name] = list(_numeric(random, name, base, drift=drift))
    for name in ("carrier", "origin", "dest", "prediction"):
        daemon.columns[name] = [_quiet(random) for _ in range(WINDOWS)]
    if drift:
        daemon.columns["visib"][33] = ColumnPoint(3, 1.1, LINE, None, 9.2, 1.0)
        daemon.columns["carrier"][52] = ColumnPoint(1, 4.9, LINE)
    daemon.columns["temp"][4] = ColumnPoint(4)
    daemon.windows_[model] = [_window(random, daemon, model, index) for index in range(WINDOWS)]
    daemon.findings = _findings()
    daemon.evidence_columns = _evidence(random)
    daemon.figures = list(_figures())
    return daemon


def _figures() -> Iterator[PerformanceFigure]:
    """ROC AUC of every day as it was expected, and as measured up to a week ago."""
    for day in range(WINDOWS):
        start = FIRST + day * DAY
        value = 0.83 - 0.001 * day
        whole = PerformanceFigure(
            version="8",
            segment="",
            start=start,
            end=start + DAY,
            metric="roc_auc",
            kind="estimated",
            value=value + 0.01,
            lower=value - 0.02,
            upper=value + 0.04,
            rows=900,
            labelled=0,
            coverage=0.0,
            as_of=None,
        )
        yield whole
        if day < WINDOWS - 7:
            seen = {"labelled": 850, "coverage": 850 / 900, "as_of": start + 2 * DAY}
            yield replace(whole, kind="measured", value=value, **seen)


def _numeric(random: np.random.Generator, name: str, base: float, *, drift: bool) -> object:
    log_e = 0.0
    for day in range(WINDOWS):
        moved = drift and name in ("dep_delay", "score.1") and day >= 38
        rise = (0.66 if name == "dep_delay" else 0.3) * moved
        step = 0.9 if moved else -0.3
        log_e = max(0.0, log_e + step + 0.55 * random.standard_normal())
        log_e = min(log_e, LINE * 0.92) if not moved else log_e
        status = 2 if log_e > LINE else 1 if log_e > 0.9 * LINE else 0
        mean = base * (1 + rise + 0.07 * math.sin(day / 1.1) + 0.06 * random.standard_normal())
        yield ColumnPoint(status, round(log_e, 2), LINE, mean, base, 0.004)


def _quiet(random: np.random.Generator) -> ColumnPoint:
    return ColumnPoint(0, round(abs(random.standard_normal()), 2), LINE)


def _window(
    random: np.random.Generator, daemon: FakeDaemon, model: str, index: int
) -> WindowSummary:
    statuses = {points[index].status for points in daemon.columns.values() if points[index]}
    worst = max(statuses - {4}, default=4)
    records = int(905 + 60 * random.standard_normal() - 190 * (index % 7 == 2))
    if index == 20:
        worst, records = 4, 90
    start = FIRST + index * DAY
    if worst == 2:
        daemon.summaries[index] = (
            "Departure delays rose from 12.6 to 20.9 minutes since 8 June, "
            "and the model now predicts late arrivals more often."
        )
    elif worst == 3:
        daemon.summaries[index] = "visib is missing from every record."
    elif worst == 1:
        daemon.summaries[index] = "carrier leans towards its alarm line."
    return WindowSummary(
        model,
        "7",
        "",
        start,
        start + DAY,
        index,
        records,
        VERDICTS[worst],
        identifier(model, index),
    )


def _findings() -> list[dict[str, object]]:
    return [
        {
            "kind": "drift", "column": "dep_delay", "severity": "drift", "measure": "location",
            "text": "dep_delay rose by 8.3 minutes, from 12.6 to 20.9.",
            "since": "2013-06-08T00:00:00Z", "since_low": "2013-06-06T00:00:00Z",
            "since_high": "2013-06-10T00:00:00Z", "evidence_log10": 9.4, "line_log10": LINE,
            "effect": 0.21, "effect_unit": "sd", "baseline_value": 12.6, "current_value": 20.9,
            "unit": "minutes",
        },
        {
            "kind": "drift", "column": "score.1", "severity": "drift", "measure": "location",
            "text": "The score of class 1 rose from 0.22 to 0.29.",
            "since": "2013-06-08T00:00:00Z", "since_low": None, "since_high": None,
            "evidence_log10": 6.1, "line_log10": LINE, "effect": 0.3, "effect_unit": "sd",
            "baseline_value": 0.22, "current_value": 0.29, "unit": "",
        },
        {
            "kind": "missing", "column": "air_time", "severity": "warning", "measure": "",
            "text": "air_time is missing in 5.1 % of the records; 0.4 % in the baseline.",
            "since": None, "since_low": None, "since_high": None, "evidence_log10": None,
            "line_log10": None, "effect": None, "effect_unit": "", "baseline_value": 0.004,
            "current_value": 0.051, "unit": "share",
        },
    ]  # fmt: skip


def _evidence(random: np.random.Generator) -> dict[str, object]:
    edges = np.linspace(-20, 160, 37)
    before = random.gumbel(2, 18, 50_000)
    now = random.gumbel(9, 24, 9_000)
    normal = np.linspace(-3, 3, 37)
    carriers = ["UA", "B6", "EV", "DL", "AA", "MQ", "US", "9E", "WN", "VX", "FL", "AS", "F9", "YV"]
    weight = np.array([58, 54, 54, 48, 32, 26, 20, 18, 12, 5, 3, 1, 1, 1], float)
    moved = weight * (1 + 0.2 * random.standard_normal(14))
    plain = [random.standard_normal(20_000), random.standard_normal(900) + 0.1]
    return {
        "dep_delay": _numbers(edges, before, now),
        "score.1": _numbers(np.linspace(0, 1, 37), random.beta(2, 7, 9000), random.beta(3, 7, 900)),
        "air_time": _numbers(normal * 90 + 150, plain[0] * 90 + 150, plain[1] * 90 + 150),
        "temp": _numbers(np.array([30, 40, 45, 50, 52, 54, 60, 70, 100.0]), plain[0] * 12 + 56,
                         plain[1] * 12 + 58),
        "carrier": {
            "kind": "categorical", "values": carriers, "baseline": list(weight / weight.sum()),
            "window": list(moved / moved.sum()),
        },
        "origin": {
            "kind": "categorical", "values": ["EWR", "JFK", "LGA"],
            "baseline": [0.36, 0.33, 0.31], "window": [0.35, 0.34, 0.31],
        },
    }  # fmt: skip


def _numbers(edges: np.ndarray, before: np.ndarray, now: np.ndarray) -> dict[str, object]:
    shares = [np.histogram(values, edges)[0] / len(values) for values in (before, now)]
    return {
        "kind": "numeric",
        "edges": [float(edge) for edge in edges],
        "baseline": [float(share) for share in shares[0]],
        "window": [float(share) for share in shares[1]],
        "series": [{"name": "location", "z": 4.2, "evidence_log10": 9.4}],
        "statistics": {},
    }

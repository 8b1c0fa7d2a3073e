"""`/metrics`: the state of the daemon now, rendered by a custom collector from one snapshot.

Nothing is counted here. The daemon hands over a `Snapshot` at every scrape, so a model, segment or
column that is gone leaves no stale series behind, and counters survive restarts because they come
from the archive. Names and labels are those of DESIGN.md section 7.

There is a cap on series (P7). Columns that need a look come first, then the order of the
snapshot; a column is in with all its series or not at all, so a statistic never stands without
its threshold. What did not fit is counted in `driftd_series_dropped_total`.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, TypeAlias

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from prometheus_client.metrics_core import Metric

    from monitor.snapshot import (
        ChannelState,
        ColumnState,
        DurationHistogram,
        ModelState,
        PerformanceState,
        Snapshot,
    )

OUTCOMES = ("accepted", "duplicate", "rejected", "sampled_out", "shed")
VERDICTS = ("stable", "warning", "drift", "broken", "insufficient")
LABEL_OUTCOMES = ("accepted", "duplicate", "joined", "corrected", "unmatched", "late")
"""`accepted` are all in the journal; the others say what became of them, or at the door."""

DELIVERY_OUTCOMES = ("delivered", "retry", "failed", "disabled")
ALERT_STATES = ("pending", "firing")
SEVERITIES = ("warning", "critical")

MAX_SERIES = 10_000

_MICROS = 1_000_000
# Order in which statuses 0-4 (stable, warning, drift, broken, insufficient) claim series.
_CLAIM = {3: 0, 2: 1, 1: 2, 0: 3, 4: 4}


Labels: TypeAlias = tuple[str, ...]
Samples: TypeAlias = list[tuple[Labels, float]]

_COLUMN = ("model", "segment", "column")
_RATIO = ("model", "column")

# name -> (help, label names); the order of exposition.
_COLUMN_GAUGES: Mapping[str, tuple[str, Labels]] = {
    "driftd_drift_status": (
        "Newest verdict on the column: 0 stable, 1 warning, 2 drift, 3 broken, 4 insufficient.",
        _COLUMN,
    ),
    "driftd_evidence_log10": ("Evidence that the column has changed, log10.", _COLUMN),
    "driftd_evidence_alarm_log10": ("Evidence at which the column raises an alarm.", _COLUMN),
    "driftd_drift_statistic": ("Statistic of a detector.", (*_COLUMN, "detector")),
    "driftd_drift_threshold": ("Threshold of that statistic.", (*_COLUMN, "detector")),
    "driftd_drift_effect": ("Size of the change in the detector's unit.", (*_COLUMN, "detector")),
    "driftd_missing_ratio": ("Share of records without a value.", _RATIO),
    "driftd_invalid_ratio": ("Share of records with a value of wrong type or range.", _RATIO),
    "driftd_unseen_ratio": ("Share of records with a value the baseline never had.", _RATIO),
}


_PERFORMANCE = ("model", "segment", "metric", "kind")
_PERFORMANCE_GAUGES: Mapping[str, tuple[str, Callable[[PerformanceState], float | None]]] = {
    "driftd_performance": (
        "Metric of the newest window that has it, measured on labels or estimated without.",
        lambda one: one.value,
    ),
    "driftd_performance_lower": ("Lower end of its interval.", lambda one: one.lower),
    "driftd_performance_upper": ("Upper end of its interval.", lambda one: one.upper),
}


class Telemetry(Collector):
    """Renders `snapshot()` at every scrape.

    Parameters
    ----------
    snapshot
        Called once per scrape in the thread that renders; what it raises reaches the scraper as
        an error, so a stuck archive shows as a failing target and not as frozen values.
    max_series
        Most column series in one scrape.
    """

    def __init__(self, snapshot: Callable[[], Snapshot], *, max_series: int = MAX_SERIES) -> None:
        self._snapshot = snapshot
        self._max_series = max_series
        self._dropped = 0
        self._lock = threading.Lock()
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)

    def render(self, accept: str) -> tuple[bytes, str]:
        """Body and content type for an Accept header: Prometheus text, or OpenMetrics."""
        encode, kind = choose_encoder(accept)
        return encode(self._registry), kind

    def describe(self) -> list[Metric]:
        """Nothing: describing by collecting would need a snapshot before there is one."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All families, each with its help, also where it has no sample."""
        now = self._snapshot()
        yield _records(now.records)
        yield from _model_families(now.models)
        yield from self._column_families(now.columns)
        yield from self._performance_families(now.performance)
        yield from _channel_families(now.channels)
        yield from _daemon_families(now)
        yield _counter(
            "driftd_series_dropped",
            "Series left out of scrapes because of the cap, summed over scrapes.",
            (),
            [((), float(self._dropped))],
        )

    def _performance_families(self, figures: Sequence[PerformanceState]) -> Iterator[Metric]:
        kept = list(figures)[: self._max_series]
        with self._lock:
            self._dropped += 3 * (len(figures) - len(kept))
        for name, (text, read) in _PERFORMANCE_GAUGES.items():
            samples = [
                ((one.model, one.segment, one.metric, one.kind), value)
                for one in kept
                for value in [read(one)]
                if value is not None
            ]
            yield _gauge(name, text, _PERFORMANCE, samples)

    def _column_families(self, columns: Sequence[ColumnState]) -> Iterator[Metric]:
        kept: dict[str, Samples] = {name: [] for name in _COLUMN_GAUGES}
        room, dropped = self._max_series, 0
        for column in sorted(columns, key=lambda state: _CLAIM.get(state.status, len(_CLAIM))):
            samples = _column_samples(column)
            if len(samples) > room:
                dropped += len(samples)
                continue
            room -= len(samples)
            for name, labels, value in samples:
                kept[name].append((labels, value))
        with self._lock:
            self._dropped += dropped
        for name, (text, labels) in _COLUMN_GAUGES.items():
            yield _gauge(name, text, labels, kept[name])


def _column_samples(column: ColumnState) -> list[tuple[str, Labels, float]]:
    place = (column.model, column.segment, column.column)
    found: list[tuple[str, Labels, float | None]] = [
        ("driftd_drift_status", place, float(column.status)),
        ("driftd_evidence_log10", place, column.evidence_log10),
        ("driftd_evidence_alarm_log10", place, column.alarm_log10),
    ]
    for measured in column.measurements:
        labels = (*place, measured.detector)
        found += [
            ("driftd_drift_statistic", labels, measured.statistic),
            ("driftd_drift_threshold", labels, measured.threshold),
            ("driftd_drift_effect", labels, measured.effect),
        ]
    if not column.segment:
        short = (column.model, column.column)
        found += [
            ("driftd_missing_ratio", short, column.missing_ratio),
            ("driftd_invalid_ratio", short, column.invalid_ratio),
            ("driftd_unseen_ratio", short, column.unseen_ratio),
        ]
    return [(name, labels, value) for name, labels, value in found if value is not None]


def _records(records: Mapping[tuple[str, str, str], int]) -> Metric:
    places = sorted({(model, source) for model, source, _ in records})
    return _counter(
        "driftd_records",
        "Records by the door they left through; every record leaves by exactly one.",
        ("model", "source", "outcome"),
        [
            ((*place, outcome), records.get((*place, outcome), 0))
            for place in places
            for outcome in OUTCOMES
        ],
    )


def _model_families(models: Sequence[ModelState]) -> Iterator[Metric]:
    yield _counter(
        "driftd_labels",
        "Label records by what became of them.",
        ("model", "outcome"),
        _zeroed(models, LABEL_OUTCOMES, lambda model: model.labels),
    )
    yield _counter(
        "driftd_decisions",
        "Decisions by verdict.",
        ("model", "verdict"),
        _zeroed(models, VERDICTS, lambda model: model.decisions),
    )
    yield _gauge(
        "driftd_alerts",
        "Alerts that are not resolved.",
        ("model", "severity", "state"),
        [
            ((model.model, severity, state), model.alerts.get((severity, state), 0))
            for model in models
            for severity in SEVERITIES
            for state in ALERT_STATES
        ],
    )
    yield _counter(
        "driftd_late_records",
        "Records whose window had closed; they are in the journal and in no window.",
        ("model",),
        [((model.model,), model.late) for model in models],
    )
    yield _gauge(
        "driftd_window_records",
        "Records in the newest closed window.",
        ("model",),
        _known((model.model, model.window_records) for model in models),
    )
    yield _gauge(
        "driftd_last_record_timestamp_seconds",
        "Event time of the newest record.",
        ("model",),
        _known((model.model, _seconds(model.last_record)) for model in models),
    )
    yield _gauge(
        "driftd_watermark_timestamp_seconds",
        "Event time up to which windows are complete.",
        ("model",),
        _known((model.model, _seconds(model.watermark)) for model in models),
    )


def _channel_families(channels: Sequence[ChannelState]) -> Iterator[Metric]:
    yield _counter(
        "driftd_deliveries",
        "Attempts to deliver notifications by how they ended.",
        ("channel", "outcome"),
        [
            ((channel.channel, outcome), channel.deliveries.get(outcome, 0))
            for channel in channels
            for outcome in DELIVERY_OUTCOMES
        ],
    )
    yield _gauge(
        "driftd_outbox_pending",
        "Notifications that wait for their next attempt.",
        ("channel",),
        [((channel.channel,), channel.pending) for channel in channels],
    )
    yield _gauge(
        "driftd_outbox_oldest_timestamp_seconds",
        "When the oldest waiting notification was written.",
        ("channel",),
        _known((channel.channel, _seconds(channel.oldest)) for channel in channels),
    )


def _daemon_families(now: Snapshot) -> Iterator[Metric]:
    yield _gauge(
        "driftd_engine_lag_records",
        "Records on disk that are not folded into windows yet.",
        (),
        [((), now.engine_lag_records)],
    )
    yield _gauge(
        "driftd_config_last_reload_successful",
        "Whether the last reload of the configuration was taken.",
        (),
        [((), float(now.config_reload_successful))],
    )
    yield _gauge(
        "driftd_config_last_reload_success_timestamp_seconds",
        "When a configuration was last taken.",
        (),
        [((), value) for value in [_seconds(now.config_reload_time)] if value is not None],
    )
    yield _gauge(
        "driftd_budget_false_alarms_expected_ratio",
        "False alarms that the thresholds in force allow, as a share of the budget.",
        (),
        [((), value) for value in [now.budget_expected_ratio] if value is not None],
    )
    yield _histogram(now.evaluation)
    build = InfoMetricFamily("driftd_build", "Version and build of this daemon.")
    build.add_metric([], dict(now.build))
    yield build


def _histogram(seen: DurationHistogram) -> Metric:
    buckets = [(repr(float(bound)), float(count)) for bound, count in seen.buckets]
    family = HistogramMetricFamily(
        "driftd_evaluation_duration_seconds", "Time to judge one closed window."
    )
    family.add_metric([], [*buckets, ("+Inf", float(seen.count))], seen.total_seconds)
    return family


def _gauge(
    name: str, text: str, labels: Labels, samples: Sequence[tuple[Labels, float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def _counter(
    name: str, text: str, labels: Labels, samples: Sequence[tuple[Labels, float]]
) -> CounterMetricFamily:
    """A counter; the exposition adds `_total` to its name."""
    family = CounterMetricFamily(name, text, labels=labels)
    for values, value in samples:
        family.add_metric(values, value)
    return family


def _zeroed(
    models: Sequence[ModelState],
    known: Sequence[str],
    counts: Callable[[ModelState], Mapping[str, int]],
) -> Samples:
    """One sample per model and outcome, zero where nothing happened yet."""
    return [
        ((model.model, outcome), float(counts(model).get(outcome, 0)))
        for model in models
        for outcome in (*known, *sorted(counts(model).keys() - set(known)))
    ]


def _known(pairs: Iterator[tuple[str, float | None]]) -> Samples:
    return [((label,), float(value)) for label, value in pairs if value is not None]


def _seconds(micros: int | None) -> float | None:
    return None if micros is None else micros / _MICROS

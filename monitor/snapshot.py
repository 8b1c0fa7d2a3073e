"""Everything that one scrape of `/metrics` shows, as values; `telemetry` renders them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one detector measured on a column in its newest judged window; None is left out."""

    detector: str
    statistic: float | None
    threshold: float | None = None
    effect: float | None = None


@dataclass(frozen=True, slots=True)
class ColumnState:
    """A column in its newest judged window. Ratios are exported for segment `""` only."""

    model: str
    segment: str
    column: str
    status: int
    evidence_log10: float | None = None
    alarm_log10: float | None = None
    missing_ratio: float | None = None
    invalid_ratio: float | None = None
    unseen_ratio: float | None = None
    measurements: Sequence[Measurement] = ()


@dataclass(frozen=True, slots=True)
class ModelState:
    """A configured model. `alerts` is keyed by (severity, state); times in microseconds."""

    model: str
    labels: Mapping[str, int] = field(default_factory=dict)
    decisions: Mapping[str, int] = field(default_factory=dict)
    alerts: Mapping[tuple[str, str], int] = field(default_factory=dict)
    window_records: int | None = None
    late: int = 0
    last_record: int | None = None
    watermark: int | None = None


@dataclass(frozen=True, slots=True)
class PerformanceState:
    """A figure of the newest window that has it; `kind` is measured or estimated."""

    model: str
    segment: str
    metric: str
    kind: str
    value: float
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True, slots=True)
class ChannelState:
    """A channel and what waits for it; `oldest` (microseconds) is None when nothing does."""

    channel: str
    pending: int = 0
    oldest: int | None = None
    deliveries: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DurationHistogram:
    """Cumulative counts per upper bound in seconds (without +Inf), all counts, and their sum."""

    buckets: Sequence[tuple[float, int]] = ()
    count: int = 0
    total_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything one scrape shows.

    `build` becomes labels of `driftd_build_info`. `records` is keyed by (model, source, outcome);
    a model and source that occur in it get every outcome, from zero. The model is `""` for lines
    rejected before their model was known.
    """

    build: Mapping[str, str]
    records: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    models: Sequence[ModelState] = ()
    columns: Sequence[ColumnState] = ()
    performance: Sequence[PerformanceState] = ()
    channels: Sequence[ChannelState] = ()
    engine_lag_records: int = 0
    config_reload_successful: bool = True
    config_reload_time: int | None = None
    budget_expected_ratio: float | None = None
    evaluation: DurationHistogram = DurationHistogram()

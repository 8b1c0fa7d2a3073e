"""What readers get: frozen values that the API returns as JSON and the pages draw.

They are the documentation of the read API too (`/openapi.json` is made from them), so a field is
named and meant here once. Times are microseconds since the epoch (UTC) inside and RFC 3339 in
answers. Segments are `""` for all records together or `"origin=EWR"`.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - pydantic reads these annotations
from dataclasses import dataclass, field
from typing import Annotated, Generic, TypeAlias, TypeVar

from pydantic import WithJsonSchema

from monitor.web.instants import Instant  # noqa: TC001 - pydantic reads these annotations

VERDICTS = ("stable", "warning", "drift", "broken", "insufficient")
"""Indexed by column status: 0 stable, 1 warning, 2 drift, 3 broken, 4 insufficient."""

Verdict: TypeAlias = Annotated[str, WithJsonSchema({"type": "string", "enum": list(VERDICTS)})]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list, newest first. `next_cursor` is opaque; None means the end."""

    items: tuple[T, ...]
    next_cursor: str | None = None


@dataclass(frozen=True, slots=True)
class DecisionSummary:
    """A decision without its evidence: enough for a list and a sentence."""

    decision_id: str
    model: str
    version: str
    segment: str
    start: Instant
    end: Instant
    records: int
    verdict: Verdict
    summary: str
    made: Instant


@dataclass(frozen=True, slots=True)
class WindowSummary:
    """A closed window. `verdict` and `decision_id` are None only until it is judged."""

    model: str
    version: str
    segment: str
    start: Instant
    end: Instant
    index: int
    records: int
    verdict: Verdict | None
    decision_id: str | None


@dataclass(frozen=True, slots=True)
class OpenWindow:
    """The newest window that is still being filled."""

    start: Instant
    end: Instant | None
    records: int


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """A model now: `verdict` and `summary` are of the newest judged window of all records.

    `versions` newest first; `segments` with `""` first; `open_alerts` counts pending and firing.
    `last_record` is the event time of the newest record. None means there was none yet.
    `late_records` came after their window had closed: journalled, in no window.
    """

    name: str
    versions: tuple[str, ...]
    segments: tuple[str, ...]
    baseline: str | None
    verdict: Verdict | None
    summary: str
    decision_id: str | None
    window: OpenWindow | None
    windows_judged: int
    records: int
    last_record: Instant | None
    watermark: Instant | None
    lag_records: int
    open_alerts: int
    late_records: int = 0


@dataclass(frozen=True, slots=True)
class ColumnInfo:
    """A watched column as the baseline knows it."""

    name: str
    kind: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class BaselineSummary:
    """What normal looks like for one model version; `baseline_id` names its content."""

    baseline_id: str
    model: str
    version: str
    created: Instant
    start: Instant | None
    end: Instant | None
    records: int
    columns: int
    active: bool


@dataclass(frozen=True, slots=True)
class ModelDetail:
    """A model with what it is watched by. `windowing` is in words: `every 1 day, 10 min late`."""

    model: ModelSummary
    baseline: BaselineSummary | None
    columns: tuple[ColumnInfo, ...]
    windowing: str


@dataclass(frozen=True, slots=True)
class ColumnPoint:
    """One column in one window. `status` 0-4; evidence and alarm line are log10 of an e-value."""

    status: int
    evidence_log10: float | None = None
    line_log10: float | None = None
    mean: float | None = None
    baseline_mean: float | None = None
    missing_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class ColumnSeries:
    """A column over the windows of its `ModelSeries`; None where the window did not judge it."""

    column: str
    unit: str
    points: tuple[ColumnPoint | None, ...]


@dataclass(frozen=True, slots=True)
class ModelSeries:
    """The last windows of one model and segment, oldest first, and every column over them."""

    windows: tuple[WindowSummary, ...]
    columns: tuple[ColumnSeries, ...]


@dataclass(frozen=True, slots=True)
class PerformanceFigure:
    """A metric of the predictions of one window, restated while labels come.

    `segment` is `""` for all of them, else a slice such as `"sex=F"`. `kind` says whether it was
    `measured` on the `labelled` of the `rows` that were sampled, or `estimated` without labels.
    `as_of` is when the newest of those labels was known.
    """

    version: str
    segment: str
    start: Instant
    end: Instant
    metric: str
    kind: str
    value: float | None
    lower: float | None
    upper: float | None
    rows: int
    labelled: int
    coverage: float
    as_of: Instant | None


@dataclass(frozen=True, slots=True)
class AlertSummary:
    """An open question for people. `state`: pending, firing, acknowledged, silenced, resolved."""

    alert_id: str
    model: str
    segment: str
    severity: str
    state: str
    summary: str
    opened: Instant
    updated: Instant
    decision_id: str | None


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """A rejected line kept for a look or another try; `preview` is its beginning as text."""

    entry_id: int
    received: Instant
    source: str
    model: str
    line: int
    reason: str
    detail: str
    preview: str


@dataclass(frozen=True, slots=True)
class Doors:
    """Every record left by exactly one door: `received` is the sum of the other five."""

    received: int = 0
    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    sampled_out: int = 0
    shed: int = 0


@dataclass(frozen=True, slots=True)
class Bound:
    """How much of a configured bound is used, in `unit`."""

    used: float
    limit: float
    unit: str


@dataclass(frozen=True, slots=True)
class Status:
    """The daemon itself. `lag_records` are journalled but not yet folded into windows."""

    version: str
    started: Instant
    config: str
    doors: Doors
    lag_records: int
    windows_judged: int
    bounds: Mapping[str, Bound] = field(default_factory=dict)
    budget: str = ""
    shares: Mapping[str, float] = field(default_factory=dict)
    """Part of the budget that each kind of alarm may spend; they add up to 1."""

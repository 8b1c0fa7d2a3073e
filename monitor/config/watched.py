"""One watched model: what its columns are, how its stream is cut, when evidence is a verdict."""

from collections.abc import Iterator, Sequence
from datetime import date
from difflib import get_close_matches
from inspect import signature
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from detectors import registry
from detectors.errors import ParameterError
from detectors.multivariate.encoders import encoder_names
from monitor.config.baselines import BaselineField, baseline_rules
from monitor.config.performing import FairnessConfig, PerformanceConfig, task_rules
from monitor.config.quality import Becomes, ColumnQuality, QualityName
from monitor.config.section import Rule, Section, not_built, repeated
from monitor.config.tables import TableConfig
from monitor.config.units import Count, Name, Seconds, Text, duration_text
from monitor.schema import Kind, Meaning, Privacy

DAY = 86_400
NUMERIC_ONLY = ("unit", "range", "meaning")


class WindowConfig(Section):
    """How the stream is cut: by event time (`every`) or by count (`records`)."""

    every: Seconds | None = None
    """Length of a time window; windows lie on multiples of it since 1970, UTC."""
    records: Annotated[int, Field(ge=1, le=100_000_000)] | None = None
    """Records per window."""
    lateness: Seconds = 600
    """How much later than its window's end a record may still come in."""
    idle: Seconds = 300
    """Silence of the stream after which a window that should be over is closed."""

    def rules(self) -> Iterator[Rule]:
        """Either time or count; lateness within one window."""
        if (self.every is None) == (self.records is None):
            yield (), "write either 'every' (such as 1d) or 'records' (such as 5000)"
        elif self.every is None:
            # A configuration that was written out in full holds their defaults.
            fields = type(self).model_fields
            changed = [n for n in ("idle", "lateness") if getattr(self, n) != fields[n].default]
            for name in changed:
                yield (name,), "belongs to windows of time; windows of 'records' do not need it"
        elif self.every == 0:
            yield ("every",), "must be longer than 0s"
        elif self.lateness > self.every:
            yield ("lateness",), _too_late(self.lateness, self.every)
        if self.idle == 0:
            yield ("idle",), "must be longer than 0s"


def _too_late(lateness: int, every: int) -> str:
    return (
        f"{duration_text(lateness)} is longer than the window itself ({duration_text(every)}); "
        "make 'every' longer or 'lateness' shorter"
    )


class ColumnConfig(ColumnQuality):
    """What is known of one column; what is left out is taken from the baseline's rows."""

    kind: Kind | None = None
    unit: Text | None = None
    """Unit of the values in words, for sentences."""
    range: tuple[float | None, float | None] | None = None
    """Lowest and highest valid value; null leaves a side open."""
    importance: Annotated[float, Field(ge=0)] | None = None
    """Weight in the ranking of findings."""
    privacy: Privacy | None = None
    meaning: Meaning | None = None
    """What the numbers speak of; brings its own range check."""
    encoder: Text | None = None
    """Installed encoder (entry point `driftd.encoders`) that makes vectors of a text column."""

    def rules(self) -> Iterator[Rule]:
        """Range in order; what speaks of numbers on numeric columns only."""
        low, high = self.range or (None, None)
        if low is not None and high is not None and low > high:
            yield ("range",), f"begins above its end: {low:g} > {high:g}"
        if self.kind not in {None, "numeric"}:
            for name in NUMERIC_ONLY:
                if getattr(self, name) is not None:
                    yield (name,), f"is for numeric columns; this one is {self.kind}"
        yield from self.quality_rules(self.kind)
        if self.encoder is not None and self.kind not in {None, "text"}:
            yield ("encoder",), f"is for text columns; this one is {self.kind}"
        if self.encoder is not None and self.encoder not in encoder_names():
            known = ", ".join(encoder_names()) or "none"
            yield ("encoder",), f"{self.encoder!r} is not installed; installed: {known}"
        if self.privacy in {"hash", "drop"}:
            advice = "leave the column out of the records"
            yield ("privacy",), not_built(f"privacy class {self.privacy!r}", advice)


class SamplingConfig(Section):
    """Which records are kept: a keyed hash of the id decides, so a record and its label agree."""

    rate: Annotated[float, Field(gt=0, le=1)] = 1.0
    key: Literal["id"] = "id"


class PolicyConfig(Section):
    """When evidence becomes a verdict, and a verdict an alert."""

    min_effect: Annotated[float, Field(ge=0, le=10)] = 0.05
    """Smallest change worth an alarm: standard deviations in rank, or Cohen's h of a share."""
    recover_windows: Annotated[int, Field(ge=1, le=1_000)] = 3
    """Good windows in a row until a column counts as recovered."""
    for_windows: Annotated[int, Field(ge=1, le=1_000)] = 1
    """Bad windows in a row until an alert fires."""


ALARMING = frozenset({"threshold", "alpha"})
"""Parameters that make a statistic of a single column alarm, outside the false-alarm budget."""


class DetectorConfig(Section):
    """One detector with its parameters, on some columns or all."""

    name: Text
    params: dict[str, Any] = Field(default_factory=dict)
    columns: tuple[Text, ...] | None = None
    severity: Literal["warning", "drift"] = "warning"
    """What an alarm of a detector without a budget is: of an online one, or of a statistic over the
    `threshold` or `alpha` that `params` give it. A `warning` is shown and rings nowhere."""

    def rules(self) -> Iterator[Rule]:
        """A detector that exists and accepts its parameters."""
        known = registry.names()
        if self.name not in known:
            yield ("name",), _no_detector(self.name, known)
            return
        kind = registry.load(self.name)
        accepted = list(signature(kind).parameters)
        if self.severity != "warning":
            yield from self._severity_rules()
        unknown = [name for name in self.params if name not in accepted]
        for name in unknown:
            yield ("params", name), f"{self.name} has no such parameter; it has {_listed(accepted)}"
        if unknown:
            return
        try:
            kind(**self.params)
        except (ParameterError, TypeError) as error:
            yield ("params",), f"{self.name} does not accept them: {error}"

    @property
    def alarms(self) -> bool:
        """Whether a statistic of a single column is asked to alarm."""
        univariate = registry.family(self.name) == registry.UNIVARIATE
        return univariate and not self.params.keys().isdisjoint(ALARMING)

    def _severity_rules(self) -> Iterator[Rule]:
        family = registry.family(self.name)
        if family == registry.UNIVARIATE and not self.alarms:
            text = "is for a statistic that alarms: give it a 'threshold' or an 'alpha' in params"
            yield ("severity",), text
        elif family not in {registry.UNIVARIATE, registry.ONLINE, registry.EXTERNAL}:
            yield ("severity",), f"is for detectors without a budget; {self.name} has one"


def _no_detector(name: str, known: Sequence[str]) -> str:
    """Those that look alike; a list of all of them would help nobody."""
    near = get_close_matches(name, known, n=3, cutoff=0.4)
    meant = f"did you mean {_listed(near)}? " if near else ""
    return f"there is no detector {name!r}; {meant}docs/detectors.md lists them"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _auto_or_list(value: Any) -> str:
    return "auto" if isinstance(value, str) else "list"


Detectors = Annotated[
    Annotated[Literal["auto"], Tag("auto")] | Annotated[tuple[DetectorConfig, ...], Tag("list")],
    Discriminator(_auto_or_list),
]


class JudgedModel(Section):
    """The part of a model's configuration that decisions depend on."""

    name: Name
    """Name in records, addresses and metrics."""
    task: Literal["binary", "multiclass", "regression", "none"] = "none"
    positive: Text | None = None
    """Which class the score speaks of."""
    window: WindowConfig = Field(default_factory=lambda: WindowConfig(every=DAY))
    min_records: Count = 200
    """Fewer records than this in a window are too few to say anything."""
    columns: dict[Text, ColumnConfig] = Field(default_factory=dict)
    quality: dict[QualityName, Becomes] = Field(default_factory=dict)
    """What becomes of findings about the data, by kind: `allow`, `warn` or `break`."""
    segments: tuple[Text, ...] = ()
    """Columns (or record segments) whose values are watched on their own as well."""
    holidays: tuple[date, ...] = ()
    """Days (UTC) that are not like others, past and coming; they have a level of their own."""
    label_horizon: Seconds = 14 * DAY
    """How long after its prediction a label is still waited for."""
    performance: PerformanceConfig = Field(default_factory=PerformanceConfig)
    fairness: FairnessConfig = Field(default_factory=FairnessConfig)
    detectors: Detectors = "auto"
    policy: PolicyConfig = Field(default_factory=PolicyConfig)

    def rules(self) -> Iterator[Rule]:
        """Fields that speak of each other agree."""
        if self.window.records is not None and self.min_records > self.window.records:
            text = f"{self.min_records} is more than a window holds ({self.window.records})"
            yield ("min_records",), f"{text}: every window would be insufficient"
        if self.positive is not None and self.task not in {"binary", "none"}:
            yield ("positive",), f"is for binary models; this one is {self.task}"
        for index, name in repeated(self.segments):
            yield ("segments", index), f"{name!r} is listed twice"
        yield from self._segment_kinds()
        yield from self._detector_columns()
        yield from task_rules(self.task, self.performance, self.fairness)

    def _segment_kinds(self) -> Iterator[Rule]:
        for index, name in enumerate(self.segments):
            kind = self.columns[name].kind if name in self.columns else None
            if kind not in {None, "categorical", "boolean"}:
                text = f"column {name!r} is {kind}; a segment needs a categorical or boolean column"
                yield ("segments", index), text

    def _detector_columns(self) -> Iterator[Rule]:
        if isinstance(self.detectors, str):
            return
        for index, detector in enumerate(self.detectors):
            for place, name in enumerate(detector.columns or ()):
                if name in self.columns and self.columns[name].kind == "ignore":
                    yield ("detectors", index, "columns", place), f"column {name!r} is ignored"


class ModelConfig(JudgedModel):
    """One watched model."""

    baseline: BaselineField
    """Rows (Parquet, CSV or NDJSON), or a built baseline; a mapping says more."""
    table: TableConfig | None = None
    """What the columns of the baseline's rows mean; native records need none."""
    sampling: SamplingConfig = Field(default_factory=SamplingConfig)

    def rules(self) -> Iterator[Rule]:
        """As for what is judged; the baseline's rhythm goes with the windows."""
        yield from super().rules()
        for place, text in baseline_rules(self.baseline, self.window.every):
            yield ("baseline", *place), text

    def judged(self) -> JudgedModel:
        """The part that decisions depend on."""
        return JudgedModel.model_construct(
            **{name: getattr(self, name) for name in JudgedModel.model_fields}
        )

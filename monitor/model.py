"""What the engine must know of one watched model: plain values, made from the config by `app`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from detectors.quality.rules import Rules

if TYPE_CHECKING:
    from detectors.external.order import Order
    from detectors.protocols import Online, Scorer, Univariate
    from monitor.schema import ColumnSpec

AS_USUAL = Rules()
"""Nothing was said about the data: it is judged by the baseline alone."""

WHOLE = ""
"""Name of the segment that holds every record."""


def key_of(model: str, version: str | None = None) -> str:
    """What has a baseline: a model, or one version of it (`flights`, `flights/7`)."""
    return model if version is None else f"{model}/{version}"


def model_of(key: str) -> str:
    """The model of a key; no model has a slash in its name."""
    return key.partition("/")[0]


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """How a stream is cut: by event time (`every`) or by count (`records`); one of them is set.

    `every`, `lateness` and `idle` are microseconds. A time window `[k * every, (k + 1) * every)`
    closes when an event later than its end plus `lateness` has been seen, or when the stream has
    been idle for `idle` of wall time and the wall clock is past that point too.
    """

    every: int | None = None
    records: int | None = None
    lateness: int = 0
    idle: int = 300_000_000


@dataclass(frozen=True, slots=True)
class PolicySpec:
    """When evidence becomes a verdict; see `monitor.engine.policy`."""

    min_effect: float = 0.05
    recover_windows: int = 3


@dataclass(frozen=True, slots=True)
class ObjectiveSpec:
    """What a metric must be: at least or at most `bound`."""

    metric: str
    bound: float
    at_least: bool


@dataclass(frozen=True, slots=True)
class PerformanceSpec:
    """How labels are awaited and performance is told.

    Attributes
    ----------
    horizon
        Microseconds after a prediction for which its label is awaited.
    max_waiting
        Predictions that wait for labels at most.
    matured
        Share of the labels that are to be expected from which on a window is judged.
    metrics
        Names of `detectors.performance.metrics.METRICS`; empty for all that fit the task.
    costs
        Cost of every (true, predicted) class; empty for none.
    quantile
        Which quantile a regression predicts, for its quantile loss.
    weighted
        Whether estimates of a classifier follow the mix of inputs.
    objective, tolerance
        What performance must be, and by how much it may be worse than the baseline's (None: that
        is not asked).
    min_effect
        Smallest change that is worth an alarm: Cohen's h of a share, or standard deviations.
    groups, group_metrics, min_rows
        Columns whose values are compared with each other, how, and from how many labels on.
    """

    horizon: int = 14 * 86_400_000_000
    max_waiting: int = 200_000
    matured: float = 0.95
    metrics: tuple[str, ...] = ()
    costs: tuple[tuple[float, ...], ...] = ()
    quantile: float = 0.5
    weighted: bool = False
    objective: ObjectiveSpec | None = None
    tolerance: float | None = None
    min_effect: float = 0.02
    groups: tuple[str, ...] = ()
    group_metrics: tuple[str, ...] = ()
    min_rows: int = 100

    @property
    def fairness(self) -> str:
        """Equal for equal comparisons of groups: a baseline is learned for one of them."""
        return repr((self.groups, self.group_metrics, self.min_rows)) if self.groups else ""


@dataclass(frozen=True, slots=True)
class OnlineSpec:
    """A detector that reads records one by one; see `monitor.engine.online`.

    Attributes
    ----------
    name, detector
        Registry name and parameters.
    columns
        What it reads: columns of the records, `error` and `label`.
    severity
        What an alarm is: `warning`, which rings nowhere, or `drift`.
    derivation
        How the run length was chosen, for people; empty when it was not derived.
    """

    name: str
    detector: Online
    columns: tuple[str, ...]
    severity: str = "warning"
    derivation: str = ""

    @property
    def key(self) -> str:
        """Equal for equal detectors, whatever they are called for."""
        return f"{self.name}:{self.detector!r}"


@dataclass(frozen=True, slots=True)
class RenewalSpec:
    """When a baseline is learned from the live log; microseconds, None for never.

    Attributes
    ----------
    learn
        Length of the first part of the log that is the first baseline.
    rolling, refresh
        Length of the last part that is the next one, and how often there is a next one.
    handover
        Length of the first part of an unknown version's records that is its own baseline.
    season
        Whether windows are also compared with baseline windows of the same phase.
    """

    learn: int | None = None
    rolling: int | None = None
    refresh: int | None = None
    handover: int | None = None
    season: bool = False


@dataclass(frozen=True, slots=True)
class ExternalSpec:
    """A detector that a worker has; see `monitor.plugins`.

    Attributes
    ----------
    name, order
        Registry name, and what the worker is asked to prepare.
    columns
        What it looks at; None for all numeric and categorical columns.
    severity
        What an alarm is: `warning`, which rings nowhere, or `drift`.
    """

    name: str
    order: Order
    columns: tuple[str, ...] | None = None
    severity: str = "warning"

    @property
    def key(self) -> str:
        """Equal for detectors that are fitted alike."""
        return f"{self.order!r}:{self.columns!r}"


@dataclass(frozen=True, slots=True)
class DetectorSpec:
    """A univariate detector that the configuration names, on some columns or (None) all.

    `severity` is what a statistic over the detector's threshold is; empty: it only describes.
    """

    detector: Univariate
    columns: tuple[str, ...] | None = None
    severity: str = ""


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model: what its columns are, how its stream is cut, what counts as enough records.

    `scorers` watch what belongs to no single column; see `detectors.protocols.Scorer`. `online`
    detectors read single records, `external` ones are asked elsewhere. `detectors` measure single
    columns; None stands for all that are built in. `holidays` are days since 1970-01-01, UTC.
    """

    name: str
    columns: tuple[ColumnSpec, ...]
    window: WindowSpec
    min_records: int = 200
    segments: tuple[str, ...] = ()
    policy: PolicySpec = PolicySpec()
    positive: str | None = None
    task: str = "none"
    scorers: tuple[Scorer, ...] = ()
    detectors: tuple[DetectorSpec, ...] | None = None
    quality: Rules = AS_USUAL
    online: tuple[OnlineSpec, ...] = ()
    external: tuple[ExternalSpec, ...] = ()
    performance: PerformanceSpec = PerformanceSpec()
    renewal: RenewalSpec = RenewalSpec()
    holidays: tuple[int, ...] = ()

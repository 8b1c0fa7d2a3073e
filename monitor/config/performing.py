"""How labels are awaited and performance is judged (`performance:`, `fairness:`)."""

from collections.abc import Iterator
from typing import Annotated, Final

from pydantic import Field

from detectors.fairness.series import IN_USE
from detectors.performance.metrics import METRICS
from monitor.config.section import Path, Rule, Section, repeated
from monitor.config.units import Count, Text

CLASSES: Final = frozenset({"binary", "multiclass"})


class ObjectiveConfig(Section):
    """What a metric must be; `at_least` or `at_most`."""

    metric: Text
    at_least: float | None = None
    at_most: float | None = None

    def rules(self) -> Iterator[Rule]:
        """A metric that exists, and one bound."""
        yield from _known_metric(("metric",), self.metric)
        if (self.at_least is None) == (self.at_most is None):
            yield (), "write either 'at_least' or 'at_most'"

    @property
    def bound(self) -> float:
        """The number that must be reached, or not exceeded."""
        return float(self.at_most if self.at_least is None else self.at_least)  # type: ignore[arg-type]


class PerformanceConfig(Section):
    """Metrics of predictions whose labels came, and estimates for the others."""

    metrics: tuple[Text, ...] = ()
    """Metrics to state; all that need no further word when empty."""
    objective: ObjectiveConfig | None = None
    """What performance must be, whatever it was; a breach is a finding."""
    tolerance: Annotated[float, Field(ge=0)] | None = None
    """How much worse than the baseline the objective's metric (or the first) may be; a finding as
    soon as it is certain to be more. Left out, only changes are judged."""
    cost_matrix: tuple[tuple[float, ...], ...] = ()
    """`cost_matrix[truth][prediction]`, classes in the order of their names, positive last."""
    quantile: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Which quantile a regression predicts, for its quantile loss."""
    importance_weighting: bool = False
    """Estimates without labels follow the mix of inputs, at the cost of a fit for every window."""
    matured: Annotated[float, Field(gt=0, le=1)] = 0.95
    """Share of the labels that can be expected with which a window is judged."""
    min_effect: Annotated[float, Field(ge=0, le=10)] = 0.02
    """Smallest change worth an alarm: Cohen's h of a share, else standard deviations of a row."""
    max_waiting: Annotated[int, Field(ge=1_000, le=10_000_000)] = 200_000
    """Predictions that wait for their labels at most; of a busy stream a sample of each window."""

    def rules(self) -> Iterator[Rule]:
        """Metrics that exist; a square cost matrix."""
        for index, name in enumerate(self.metrics):
            yield from _known_metric(("metrics", index), name)
        for index, name in repeated(self.metrics):
            yield ("metrics", index), f"{name!r} is listed twice"
        if any(len(row) != len(self.cost_matrix) for row in self.cost_matrix):
            yield ("cost_matrix",), "must have as many columns as rows, one for each class"
        if "cost" in self.metrics and not self.cost_matrix:
            yield ("metrics",), "'cost' needs a 'cost_matrix'"


class FairnessConfig(Section):
    """Comparison of groups of a binary model's predictions."""

    groups: tuple[Text, ...] = ()
    """Categorical or boolean columns whose values are compared with each other."""
    metrics: tuple[Text, ...] = ()
    """Rates to compare; all of them when empty."""
    min_rows: Count = 100
    """Rows of a group in a window under which it is called insufficient."""

    def rules(self) -> Iterator[Rule]:
        """Rates that exist; nothing twice."""
        for index, name in enumerate(self.metrics):
            if name not in IN_USE:
                text = f"there is no rate {name!r}; there is {', '.join(IN_USE)}"
                yield ("metrics", index), text
        for key, names in (("groups", self.groups), ("metrics", self.metrics)):
            for index, name in repeated(names):
                yield (key, index), f"{name!r} is listed twice"


def task_rules(
    task: str, performance: PerformanceConfig, fairness: FairnessConfig
) -> Iterator[Rule]:
    """What is asked for fits the task; nothing is known of a task that is not stated."""
    if task == "none":
        return
    named: list[tuple[Path, str]] = [(("metrics", i), n) for i, n in enumerate(performance.metrics)]
    if performance.objective is not None:
        named.append((("objective", "metric"), performance.objective.metric))
    for place, name in named:
        if name in METRICS and task not in METRICS[name].tasks:
            yield ("performance", *place), f"{name} is not defined for a {task} model"
    if performance.cost_matrix and task not in CLASSES:
        yield ("performance", "cost_matrix"), f"is for classes; this model is {task}"
    if fairness.groups and task != "binary":
        yield ("fairness", "groups"), f"groups of binary models are compared; this one is {task}"


def _known_metric(place: Path, name: str) -> Iterator[Rule]:
    if name not in METRICS:
        yield place, f"there is no metric {name!r}; there is {', '.join(METRICS)}"

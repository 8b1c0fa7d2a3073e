"""Metrics of a cohort as rows for the archive: measured on labels, estimated without them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from detectors.performance.metrics import METRICS, defaults_for, measure
from detectors.performance.outcomes import Outcomes
from monitor.engine.outputs import REGRESSION
from monitor.performance import ESTIMATED, MEASURED, PerformanceRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from detectors.performance.estimate import Estimate
    from detectors.performance.measure import Measure
    from monitor.engine.cohort import Cohort
    from monitor.engine.estimation import Estimator
    from monitor.engine.outputs import Outputs, Read
    from monitor.model import ModelSpec

MAX_GROUPS: Final = 20
"""Values of one column that are compared with each other, the most frequent of the baseline."""


class Figures:
    """States the configured metrics of cohorts, for all rows and for every group."""

    def __init__(self, spec: ModelSpec, outputs: Outputs, estimator: Estimator | None) -> None:
        self._model = spec.name
        self._spec = spec.performance
        self._outputs = outputs
        self._estimator = estimator
        self.names = metrics_of(spec, outputs)

    def measured(self, cohort: Cohort) -> list[PerformanceRow]:
        """Metrics of the labelled rows, and of groups that have enough of them."""
        cohort.told = cohort.changes
        known = ~np.isnan(cohort.truth)
        rows = self._rows(cohort, known, "")
        for segment, members in self._groups(cohort):
            if int((known & members).sum()) >= self._spec.min_rows:
                rows += self._rows(cohort, known & members, segment, int(members.sum()))
        return rows

    def estimated(self, cohort: Cohort, rows: Read) -> list[PerformanceRow]:
        """Metrics as they are expected without labels; none without an estimator."""
        if self._estimator is None:
            return []
        found = self._estimator.estimate(rows, self.names)
        made = [self._row(cohort, one, "", len(cohort.predictions), 0, 0) for one in found]
        return [replace(row, kind=ESTIMATED) for row in made if row.value is not None]

    def measure(
        self, outcomes: Outcomes, names: Sequence[str], alpha: float = 0.05
    ) -> tuple[Measure, ...]:
        """Metrics of any labelled rows."""
        return measure(
            outcomes,
            names,
            task=self._outputs.task.kind,
            classes=max(len(self._outputs.task.classes), 2),
            cost=self._spec.costs or None,
            quantile=self._spec.quantile,
            alpha=alpha,
        )

    def _rows(
        self, cohort: Cohort, chosen: NDArray[np.bool_], segment: str, rows: int | None = None
    ) -> list[PerformanceRow]:
        labelled = int(chosen.sum())
        if not labelled:
            return []
        sampled = len(cohort.predictions) if rows is None else rows
        as_of = int(cohort.known[chosen].max())
        found = self.measure(outcomes_of(cohort, chosen), self.names)
        return [self._row(cohort, one, segment, sampled, labelled, as_of) for one in found]

    def _groups(self, cohort: Cohort) -> Iterator[tuple[str, NDArray[np.bool_]]]:
        frame = self._outputs.frame.categorical
        for at, name in enumerate(self._outputs.groups):
            words = frame.vocabularies[frame.names.index(name)]
            for code, word in enumerate(words[:MAX_GROUPS]):
                yield f"{name}={word}", cohort.predictions.groups[:, at] == code

    def _row(
        self,
        cohort: Cohort,
        found: Measure | Estimate,
        segment: str,
        rows: int,
        labelled: int,
        as_of: int,
    ) -> PerformanceRow:
        return PerformanceRow(
            model=self._model,
            version=cohort.version,
            segment=segment,
            window_start=cohort.start,
            window_end=cohort.end,
            window_index=cohort.index,
            metric=found.metric,
            kind=MEASURED,
            value=_finite(found.value),
            lower=_finite(found.lower),
            upper=_finite(found.upper),
            rows=rows,
            labelled=labelled,
            as_of=as_of,
        )


def metrics_of(spec: ModelSpec, outputs: Outputs) -> tuple[str, ...]:
    """The metrics that are asked for and that the outputs allow."""
    wanted = spec.performance
    kind = outputs.task.kind
    names = wanted.metrics or defaults_for(kind)
    objective = wanted.objective
    if objective is not None and objective.metric not in names:
        names = (*names, objective.metric)
    has = {"predictions": True, "scores": outputs.scored, "cost": bool(wanted.costs)}
    if wanted.costs and not wanted.metrics and kind != REGRESSION:
        names = (*names, "cost")
    return tuple(
        name
        for name in names
        if name in METRICS and kind in METRICS[name].tasks and has[METRICS[name].needs]
    )


def outcomes_of(cohort: Cohort, chosen: NDArray[np.bool_]) -> Outcomes:
    """The chosen rows of a cohort, all of which have a label, as metrics take them."""
    made = cohort.predictions
    return Outcomes(cohort.truth[chosen], made.predicted[chosen], made.scores[chosen])


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None

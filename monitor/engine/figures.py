"""Metrics of a cohort as rows for the archive: measured on labels, estimated without them."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from detectors.performance.measure import Measure
from detectors.performance.metrics import METRICS, defaults_for, measure
from detectors.performance.outcomes import Outcomes
from monitor.engine.groups import difference_of
from monitor.engine.outputs import REGRESSION
from monitor.performance import ESTIMATED, MEASURED, PerformanceRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from detectors.performance.estimate import Estimate
    from monitor.engine.cohort import Cohort
    from monitor.engine.estimation import Estimator
    from monitor.engine.groups import Groups
    from monitor.engine.outputs import Outputs, Read
    from monitor.model import ModelSpec


class Figures:
    """States the configured metrics of cohorts, for all rows and for every group."""

    def __init__(
        self,
        spec: ModelSpec,
        outputs: Outputs,
        groups: tuple[Groups, ...],
        estimator: Estimator | None,
    ) -> None:
        self._model = spec.name
        self._spec = spec.performance
        self._outputs = outputs
        self._groups = groups
        self._estimator = estimator
        self.names = metrics_of(spec, outputs)

    def measured(self, cohort: Cohort) -> list[PerformanceRow]:
        """Metrics of the labelled rows, and rates of every group beside the others."""
        cohort.told = cohort.changes
        labelled = cohort.labelled
        if not labelled:
            return []
        known = ~np.isnan(cohort.truth)
        found = self.measure(outcomes_of(cohort, known), self.names)
        stand = (len(cohort.predictions), labelled, int(cohort.known[known].max()))
        rows = [self._row(cohort, one, "", *stand) for one in found]
        return rows + [row for groups in self._groups for row in self._compared(cohort, groups)]

    def estimates(self, rows: Read) -> tuple[Estimate, ...]:
        """Metrics as they are expected without labels; none without an estimator."""
        return () if self._estimator is None else self._estimator.estimate(rows, self.names)

    def estimated(self, cohort: Cohort, found: Sequence[Estimate]) -> list[PerformanceRow]:
        """Estimates as rows."""
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

    def _compared(self, cohort: Cohort, groups: Groups) -> Iterator[PerformanceRow]:
        """Rates of the groups; none of those that are too small, and how far the others differ."""
        codes, as_of = cohort.predictions.groups[:, groups.at], cohort.newest or 0
        sizes = np.bincount(codes[codes >= 0], minlength=len(groups.names))
        empty = self._empty(cohort, as_of)
        for found in groups.compared([cohort]):
            for code, one in enumerate(found.groups):
                enough = not one.missing_rows
                yield replace(
                    empty,
                    segment=f"{groups.column}={one.group}",
                    metric=one.rate,
                    value=_finite(one.value) if enough else None,
                    lower=_finite(one.lower) if enough else None,
                    upper=_finite(one.upper) if enough else None,
                    rows=int(sizes[code]),
                    labelled=one.rows,
                )
            yield replace(
                empty,
                segment=groups.column,
                metric=difference_of(found.rate),
                value=_finite(found.difference),
                lower=_finite(found.difference_lower),
                upper=_finite(found.difference_upper),
                rows=len(cohort.predictions),
                labelled=cohort.labelled,
            )

    def _empty(self, cohort: Cohort, as_of: int) -> PerformanceRow:
        nothing = Measure("", math.nan, math.nan, math.nan, 0, "", "higher")
        return self._row(cohort, nothing, "", 0, 0, as_of)

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

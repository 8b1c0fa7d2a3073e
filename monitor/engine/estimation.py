"""Performance without labels, as the engine uses it: fitted on the baseline's labelled sample."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from detectors.performance.cbpe import LEAST_ROWS, Cbpe
from detectors.performance.density_ratio import importance
from detectors.performance.dle import Dle
from detectors.performance.metrics import METRICS
from detectors.performance.outcomes import Outcomes
from monitor.engine.outputs import REGRESSION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from detectors.performance.cbpe import FittedCbpe
    from detectors.performance.dle import FittedDle
    from detectors.performance.estimate import Estimate
    from detectors.profile.sample import Sample
    from monitor.engine.outputs import Outputs, Read
    from monitor.model import PerformanceSpec


ABSOLUTE: Final = "mae"
ESTIMABLE: Final = (ABSOLUTE, "rmse", "mape", "quantile_loss")
"""Metrics of a regression that can be estimated without labels."""


class Estimator(Protocol):
    """Knows the baseline; says from scores or features how good predictions are."""

    def expected(self, rows: Read) -> NDArray[np.float64]:
        """Expected loss of every row, float64 `(k,)`; NaN where unknown."""
        ...

    def estimate(self, rows: Read, names: Sequence[str]) -> tuple[Estimate, ...]:
        """Estimates of those of the named metrics that can be estimated."""
        ...


def fit_estimator(outputs: Outputs, sample: Sample, spec: PerformanceSpec) -> Estimator | None:
    """The estimator of the task, from the rows of the baseline whose truth is known.

    None where these are too few, or a classifier has no scores.
    """
    rows = outputs.read(sample)
    known = ~np.isnan(sample.truth)
    labelled = Outcomes(sample.truth[known], rows.predicted[known], rows.scores[known])
    task = outputs.task
    if task.kind == REGRESSION:
        able = tuple(name for name in ESTIMABLE if name in {ABSOLUTE, "rmse", *spec.metrics})
        learned = Dle(metrics=able, quantile=spec.quantile).fit(labelled, _features(rows)[known])
        return None if learned is None else ByLoss(learned, able)
    if not outputs.scored:
        return None
    fit = Cbpe().fit(labelled, task=task.kind, classes=len(task.classes))
    if fit is None:
        return None
    return ByConfidence(fit, (labelled, sample.numeric[known]) if spec.weighted else None)


@dataclass(frozen=True, slots=True, eq=False)
class ByConfidence:
    """A classifier's own calibrated probabilities.

    With the baseline's labelled rows and their numeric columns `(m, f)`, probabilities are
    calibrated anew for every window, on rows that weigh as much as their like has become.
    """

    fit: FittedCbpe
    baseline: tuple[Outcomes, NDArray[np.float64]] | None = None

    def expected(self, rows: Read) -> NDArray[np.float64]:
        """See `Estimator`: the probability that the prediction is wrong."""
        predicted, scored = rows.predicted, np.isfinite(rows.scores).all(axis=1)
        known = np.flatnonzero(np.isfinite(predicted) & scored)
        wrong = np.full(len(predicted), np.nan)
        given = self.fit.probabilities(rows.scores[known])
        wrong[known] = 1 - given[np.arange(len(known)), predicted[known].astype(np.int64)]
        return wrong

    def estimate(self, rows: Read, names: Sequence[str]) -> tuple[Estimate, ...]:
        """See `Estimator`; costs and calibration are measured on labels only."""
        able = [name for name in names if METRICS[name].needs != "cost" and name != "ece"]
        return self._weighted(rows).estimate(rows.predicted, rows.scores, able)

    def _weighted(self, rows: Read) -> FittedCbpe:
        """Calibrated for the mix of these rows, as far as the baseline has their like."""
        if self.baseline is None or not len(rows.sample):
            return self.fit
        labelled, columns = self.baseline
        found = importance(columns, rows.sample.numeric)
        if found.effective < LEAST_ROWS:
            return self.fit
        weighed = replace(labelled, weights=found.weights)
        setting = self.fit.setting
        fit = Cbpe().fit(weighed, task=setting.task, classes=setting.classes)
        return fit or self.fit


@dataclass(frozen=True, slots=True, eq=False)
class ByLoss:
    """A second model of how large a regression's errors are."""

    fit: FittedDle
    able: tuple[str, ...]

    def expected(self, rows: Read) -> NDArray[np.float64]:
        """See `Estimator`: the size of the error."""
        return self.fit.expected(rows.predicted, _features(rows), ABSOLUTE)

    def estimate(self, rows: Read, names: Sequence[str]) -> tuple[Estimate, ...]:
        """See `Estimator`."""
        able = [name for name in names if name in self.able]
        return self.fit.estimate(rows.predicted, _features(rows), able)


def _features(rows: Read) -> NDArray[np.float64]:
    """What the model saw and said, float64 `(k, f)`; categories as codes, unknown as NaN."""
    codes = rows.sample.categorical.astype(np.float64)
    return np.column_stack([rows.sample.numeric, np.where(codes < 0, np.nan, codes)])

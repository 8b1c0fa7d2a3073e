"""Performance without labels, as the engine uses it: fitted on the baseline's labelled sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from detectors.performance.cbpe import Cbpe
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


def fit_estimator(
    outputs: Outputs, sample: Sample, metrics: Sequence[str] = (), quantile: float = 0.5
) -> Estimator | None:
    """The estimator of the task, from the rows of the baseline whose truth is known.

    None where these are too few, or a classifier has no scores. `metrics` and `quantile` are those
    that are asked for of a regression.
    """
    rows = outputs.read(sample)
    known = ~np.isnan(sample.truth)
    labelled = Outcomes(sample.truth[known], rows.predicted[known], rows.scores[known])
    task = outputs.task
    if task.kind == REGRESSION:
        able = tuple(name for name in ESTIMABLE if name in {ABSOLUTE, "rmse", *metrics})
        learned = Dle(metrics=able, quantile=quantile).fit(labelled, _features(rows)[known])
        return None if learned is None else ByLoss(learned, able)
    if not outputs.scored:
        return None
    fit = Cbpe().fit(labelled, task=task.kind, classes=len(task.classes))
    return None if fit is None else ByConfidence(fit)


@dataclass(frozen=True, slots=True, eq=False)
class ByConfidence:
    """A classifier's own calibrated probabilities."""

    fit: FittedCbpe

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
        return self.fit.estimate(rows.predicted, rows.scores, able)


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

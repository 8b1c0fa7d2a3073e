"""What labels say of single predictions: the error of each, and the label itself as a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from monitor.engine.losses import main_loss
from monitor.engine.outputs import MULTICLASS, Outputs, Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor.baseline import Baseline
    from monitor.engine.cohort import Cohort


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """`n` predictions of a version whose truth is known.

    Attributes
    ----------
    times, keys
        Of the predictions, `(n,)` as in `cohort.Predictions`.
    error
        float64 `(n,)`: 1 for a wrong class and 0 for the right one, of numbers the distance; NaN
        where there was no prediction.
    label
        float64 `(n,)`: 1 and 0 of two classes, the number of a regression; NaN of several classes,
        which have no order.
    """

    version: str
    times: NDArray[np.int64]
    keys: NDArray[np.uint64]
    error: NDArray[np.float64]
    label: NDArray[np.float64]

    @classmethod
    def of(cls, task: Task, cohort: Cohort) -> Labelled:
        """The labelled predictions of a cohort."""
        known, made = ~np.isnan(cohort.truth), cohort.predictions
        said = _said(task, cohort.truth[known], made.predicted[known])
        return cls(cohort.version, made.times[known], made.keys[known], *said)


def usual(baseline: Baseline) -> dict[str, NDArray[np.float64]]:
    """Errors and labels of the baseline's sampled rows, `(k,)` each; without what it lacks."""
    performance, sample = baseline.whole.performance, baseline.whole.sample
    known = ~np.isnan(sample.truth)
    if performance is None or not known.any():
        return {}
    task = Task(performance.task, performance.classes)
    rows = Outputs(task, baseline.frame).read(sample.take(known))
    error, label = _said(task, sample.truth[known], rows.predicted)
    said = {"error": error, "label": label}
    return {name: values for name, values in said.items() if np.isfinite(values).any()}


def _said(
    task: Task, truth: NDArray[np.float64], predicted: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    error = main_loss(task, truth, predicted)
    return error, np.full(len(truth), np.nan) if task.kind == MULTICLASS else truth

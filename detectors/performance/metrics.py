"""All metrics by name, and measuring several at once.

Definitions are scikit-learn's. Rows without what a metric needs (prediction, scores) are left out
of that metric alone; `rows` says how many remained. What is not defined is NaN with a reason.
Values are given to 13 digits, so that they are the same wherever they are computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from detectors.errors import InputError, ParameterError
from detectors.performance import classification, probabilistic, ranking, regression
from detectors.performance.measure import Better, Measure, Reading, short
from detectors.performance.outcomes import TASKS, Outcomes, require_task
from detectors.performance.setting import Setting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["METRICS", "Measure", "Metric", "defaults_for", "measure", "row_losses"]

CLASSES = frozenset({"binary", "multiclass"})
NUMBERS = frozenset({"regression"})


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes
    ----------
    name
        How it is called in configuration and output.
    title
        How it is called for people.
    tasks
        Tasks it is defined for.
    better
        Which direction is good.
    needs
        What rows must have: `predictions`, `scores` or `cost` (predictions and a cost matrix).
    low, high
        Ends of its range, infinite where it has none.
    read
        Computes it.
    """

    name: str
    title: str
    tasks: frozenset[str]
    better: Better
    needs: str
    low: float
    high: float
    read: Callable[[Outcomes, Setting], Reading]


def _metrics(*rows: Metric) -> Mapping[str, Metric]:
    return MappingProxyType({row.name: row for row in rows})


_INF = float("inf")
METRICS: Mapping[str, Metric] = _metrics(
    Metric("accuracy", "accuracy", CLASSES, "higher", "predictions", 0, 1, classification.accuracy),
    Metric(
        "balanced_accuracy",
        "balanced accuracy",
        CLASSES,
        "higher",
        "predictions",
        0,
        1,
        classification.balanced_accuracy,
    ),
    Metric(
        "precision", "precision", CLASSES, "higher", "predictions", 0, 1, classification.precision
    ),
    Metric("recall", "recall", CLASSES, "higher", "predictions", 0, 1, classification.recall),
    Metric("f1", "F1", CLASSES, "higher", "predictions", 0, 1, classification.f1),
    Metric("roc_auc", "ROC AUC", CLASSES, "higher", "scores", 0, 1, ranking.roc_auc),
    Metric(
        "average_precision",
        "average precision",
        CLASSES,
        "higher",
        "scores",
        0,
        1,
        ranking.average_precision,
    ),
    Metric("log_loss", "log loss", CLASSES, "lower", "scores", 0, _INF, probabilistic.log_loss),
    Metric("brier", "Brier score", CLASSES, "lower", "scores", 0, 2, probabilistic.brier),
    Metric("ece", "calibration error", CLASSES, "lower", "scores", 0, 1, probabilistic.ece),
    Metric("cost", "cost per record", CLASSES, "lower", "cost", -_INF, _INF, classification.cost),
    Metric("mae", "mean absolute error", NUMBERS, "lower", "predictions", 0, _INF, regression.mae),
    Metric(
        "rmse", "root mean squared error", NUMBERS, "lower", "predictions", 0, _INF, regression.rmse
    ),
    Metric(
        "mape",
        "mean absolute percentage error",
        NUMBERS,
        "lower",
        "predictions",
        0,
        _INF,
        regression.mape,
    ),
    Metric("r2", "R2", NUMBERS, "higher", "predictions", -_INF, 1, regression.r2),
    Metric(
        "quantile_loss",
        "quantile loss",
        NUMBERS,
        "lower",
        "predictions",
        0,
        _INF,
        regression.quantile_loss,
    ),
)
"""Name -> metric, in the order in which they are shown."""

_NOT_BY_ITSELF = frozenset({"cost", "mape", "quantile_loss"})
"""Metrics that need a word of the user: a matrix, a truth that is never near zero, a quantile."""


def defaults_for(task: str) -> tuple[str, ...]:
    """Names of the metrics that make sense for a task without further configuration.

    Raises
    ------
    ParameterError
        If the task is unknown.
    """
    require_task(task)
    return tuple(n for n, m in METRICS.items() if task in m.tasks and n not in _NOT_BY_ITSELF)


def measure(
    outcomes: Outcomes,
    names: Sequence[str],
    *,
    task: str,
    classes: int = 2,
    cost: Sequence[Sequence[float]] | None = None,
    quantile: float = 0.5,
    alpha: float = 0.05,
) -> tuple[Measure, ...]:
    """Measure metrics of labelled rows.

    Parameters
    ----------
    outcomes
        The rows; their order does not matter beyond rounding.
    names
        Keys of `METRICS`.
    task, classes, cost, quantile, alpha
        As in `Setting`. Each interval is at level `alpha` by itself.

    Returns
    -------
    One measure per name, in their order.

    Raises
    ------
    ParameterError
        If a name is unknown or not for the task, or a parameter is out of its domain.
    InputError
        If scores or class indexes do not fit the task and the number of classes.
    """
    setting = Setting(task, classes, cost, quantile, alpha)
    for name in names:
        _require(name, setting)
    _require_fit(outcomes, setting)
    return tuple(_named(METRICS[name], METRICS[name].read(outcomes, setting)) for name in names)


def row_losses(outcomes: Outcomes, task: str, *, squared: bool = False) -> NDArray[np.float64]:
    """Loss of each row: 0 or 1 for a hit or a miss, or the error's size.

    Parameters
    ----------
    outcomes
        The rows.
    task
        One of `TASKS`.
    squared
        For regression: squared error in place of absolute error.

    Returns
    -------
    float64 `(n,)` in the order of the rows; NaN where there is no prediction.

    Raises
    ------
    ParameterError
        If the task is unknown.
    """
    require_task(task)
    known = np.isfinite(outcomes.predicted)
    if task == "regression":
        error = np.abs(np.where(known, outcomes.predicted, np.nan) - outcomes.truth)
        return np.square(error) if squared else error
    return np.where(known, outcomes.predicted != outcomes.truth, np.nan)


def _named(metric: Metric, reading: Reading) -> Measure:
    return Measure(
        metric=metric.name,
        value=short(reading.value),
        lower=short(reading.lower),
        upper=short(reading.upper),
        rows=reading.rows,
        interval=reading.interval,
        better=metric.better,
        reason=reading.reason,
    )


def _require(name: str, setting: Setting) -> None:
    if name not in METRICS:
        raise ParameterError(f"metric {name!r} is unknown; known: {', '.join(METRICS)}")
    metric = METRICS[name]
    if setting.task not in metric.tasks:
        raise ParameterError(f"metric {name} is for {_words(metric.tasks)}, not {setting.task}")
    if metric.needs == "cost":
        setting.cost_matrix()


def _require_fit(outcomes: Outcomes, setting: Setting) -> None:
    if setting.task == "regression":
        return
    width = 1 if setting.task == "binary" else setting.classes
    if outcomes.scores.shape[1] not in {0, width}:
        raise InputError(f"scores must have {width} columns, got {outcomes.scores.shape[1]}")
    for values in (outcomes.truth, outcomes.predicted[np.isfinite(outcomes.predicted)]):
        if ((values < 0) | (values >= setting.classes) | (values != np.floor(values))).any():
            raise InputError(f"classes must be indexes from 0 to {setting.classes - 1}")


def _words(tasks: frozenset[str]) -> str:
    return " and ".join(task for task in TASKS if task in tasks)

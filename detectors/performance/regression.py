"""Metrics of predicted numbers.

Errors have no upper end, so nothing can be promised of their mean from finitely many rows without
further knowledge; intervals hold in the limit and need a finite variance of what is averaged (for
RMSE and R2: of squared errors). For a promise that holds always, bound the loss: `harm.capped`.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from detectors.performance.measure import HEAVY, mapped, of_gain, of_unbounded, undefined

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.performance.measure import Reading
    from detectors.performance.outcomes import Outcomes
    from detectors.performance.setting import Setting


def mae(outcomes: Outcomes, setting: Setting) -> Reading:
    """Mean absolute error."""
    known = outcomes.with_predictions()
    return of_unbounded(np.abs(known.predicted - known.truth), known.weights, setting.alpha)


def rmse(outcomes: Outcomes, setting: Setting) -> Reading:
    """Root of the mean squared error."""
    known = outcomes.with_predictions()
    squared = np.square(known.predicted - known.truth)
    return mapped(of_unbounded(squared, known.weights, setting.alpha), _root, _slope)


def mape(outcomes: Outcomes, setting: Setting) -> Reading:
    """Mean absolute error as a share of the truth, over rows whose truth is not zero."""
    known = outcomes.with_predictions()
    usable = known.truth != 0
    if len(known) and not usable.any():
        return undefined("every truth is zero", len(known))
    known = known.take(usable)
    error = np.abs(known.predicted - known.truth) / np.abs(known.truth)
    return of_unbounded(error, known.weights, setting.alpha)


def r2(outcomes: Outcomes, setting: Setting) -> Reading:
    """Part of the variance of the truth that the predictions explain."""
    known = outcomes.with_predictions()
    weights = _weights(known)
    if len(known) < 2 or not weights.any():  # noqa: PLR2004 - no variance
        return undefined("needs two rows", len(known))
    centred = known.truth - np.average(known.truth, weights=weights)
    variance = float(np.average(np.square(centred), weights=weights))
    if variance == 0:
        return undefined("the truth is constant", len(known))
    squared = np.square(known.predicted - known.truth)
    missed = float(np.average(squared, weights=weights)) / variance
    gain = (missed * np.square(centred) - squared) / variance
    reading = of_gain(1 - missed, gain, known.weights, setting.alpha, high=1.0)
    return reading if math.isnan(reading.lower) else replace(reading, interval=HEAVY)


def quantile_loss(outcomes: Outcomes, setting: Setting) -> Reading:
    """Mean pinball loss of a predicted quantile."""
    known = outcomes.with_predictions()
    over = known.truth - known.predicted
    loss = np.maximum(setting.quantile * over, (setting.quantile - 1) * over)
    return of_unbounded(loss, known.weights, setting.alpha)


def _root(squared: float) -> float:
    return math.sqrt(squared) if squared >= 0 else math.nan


def _slope(squared: float) -> float:
    return 0.5 / math.sqrt(squared) if squared > 0 else 0.0


def _weights(known: Outcomes) -> NDArray[np.float64]:
    return np.ones(len(known)) if known.weights is None else known.weights

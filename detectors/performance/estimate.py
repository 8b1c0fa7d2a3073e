"""What an estimate of performance without labels says, and how far it can be off."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scipy.special import ndtri

from detectors.performance.measure import short

if TYPE_CHECKING:
    from detectors.performance.measure import Better

_DIGITS = 9
"""Digits that are given: models of loss come from linear algebra, see `measure.short`."""


@dataclass(frozen=True)
class Estimate:
    """One metric, estimated without labels.

    Attributes
    ----------
    metric
        Name in `METRICS`.
    value
        The estimate; NaN where it is not defined.
    lower, upper
        Where the metric will be, once all labels of these rows are known, in `1 - alpha` of cases;
        for this one look, while the truth given the inputs is what it was in the baseline.
    sampling_error
        Standard deviation of the realised metric around the estimate that comes from the labels of
        these rows being random.
    model_error
        Standard deviation that comes from the baseline being finite.
    rows
        Rows that it rests on.
    better
        Which direction is good.
    reason
        Why there is no value; empty otherwise.
    """

    metric: str
    value: float
    lower: float
    upper: float
    sampling_error: float
    model_error: float
    rows: int
    better: Better
    reason: str = ""

    @property
    def error(self) -> float:
        """Both errors together, a standard deviation."""
        return math.hypot(self.sampling_error, self.model_error)


def estimated(
    metric: str,
    value: float,
    errors: tuple[float, float],
    *,
    rows: int,
    better: Better,
    ends: tuple[float, float],
    alpha: float,
) -> Estimate:
    """Give an estimate its interval; `errors` of sampling and model, `ends` of the metric."""
    half = float(ndtri(1 - alpha / 2)) * math.hypot(*errors)
    lower, upper = max(value - half, ends[0]), min(value + half, ends[1])
    return Estimate(
        metric,
        value=short(value, _DIGITS),
        lower=short(lower, _DIGITS),
        upper=short(upper, _DIGITS),
        sampling_error=short(errors[0], _DIGITS),
        model_error=short(errors[1], _DIGITS),
        rows=rows,
        better=better,
    )


def not_estimated(metric: str, better: Better, rows: int, reason: str) -> Estimate:
    """No estimate, and why."""
    nan = math.nan
    return Estimate(metric, nan, nan, nan, nan, nan, rows, better, reason)

"""A number with its interval and what the interval promises."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from detectors.performance.confidence import LEAST_ROWS, asymptotic_radius, mean_bounds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

Better: TypeAlias = Literal["higher", "lower"]

EXACT = "holds at every look; assumes independent rows"
LIMIT = "holds at every look in the limit of many rows; assumes independent rows"
HEAVY = f"{LIMIT} with finite variance"
NOWHERE = "no interval"


@dataclass(frozen=True)
class Measure:
    """One metric of one set of rows.

    Attributes
    ----------
    metric
        Name in `METRICS`.
    value
        The metric; NaN where it is not defined.
    lower, upper
        Its interval; NaN where there is none.
    rows
        Rows that it rests on: those with what it needs.
    interval
        What the interval promises, in words.
    better
        Which direction is good.
    reason
        Why there is no value or no interval, or which rows were left out; empty otherwise.
    """

    metric: str
    value: float
    lower: float
    upper: float
    rows: int
    interval: str
    better: Better
    reason: str = ""


@dataclass(frozen=True)
class Reading:
    """A `Measure` that does not know yet what it is called; fields as there."""

    value: float
    lower: float
    upper: float
    rows: int
    interval: str
    reason: str = ""


def undefined(reason: str, rows: int = 0) -> Reading:
    """No value, and why."""
    return Reading(math.nan, math.nan, math.nan, rows, NOWHERE, reason)


def of_bounded(
    values: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
    alpha: float,
    low: float = 0.0,
    high: float = 1.0,
) -> Reading:
    """Mean of values `(n,)` in `[low, high]`; with weights the interval holds in the limit only."""
    if not len(values) or (weights is not None and not weights.any()):
        return undefined("no rows" if not len(values) else "all weights are zero", len(values))
    if weights is None:
        lower, upper = mean_bounds(values, alpha, low, high)
        return Reading(float(values.mean()), lower, upper, len(values), EXACT)
    value, influence = _weighted(values, weights)
    floor = (high - low) ** 2 * least_variance(_effective(weights))
    return of_influence(value, influence, alpha, low=low, high=high, floor=floor)


def of_unbounded(
    values: NDArray[np.float64], weights: NDArray[np.float64] | None, alpha: float
) -> Reading:
    """Mean of nonnegative values `(n,)` without an upper end."""
    if not len(values) or (weights is not None and not weights.any()):
        return undefined("no rows" if not len(values) else "all weights are zero", len(values))
    value, influence = _weighted(values, weights)
    return replace(of_influence(value, influence, alpha, low=0.0), interval=HEAVY)


def of_influence(
    value: float,
    influence: NDArray[np.float64],
    alpha: float,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    floor: float = 0.0,
) -> Reading:
    """Read an estimate that is about the truth plus a mean of influences.

    Parameters
    ----------
    value
        The estimate.
    influence
        float64 `(n,)`: what each row adds, mean about 0.
    low, high
        Ends that the estimate cannot leave; the interval is cut there.
    floor
        Least variance to believe.
    """
    rows = len(influence)
    variance = max(float(np.mean(np.square(influence))), floor)
    radius = asymptotic_radius(variance, rows, alpha)
    if math.isnan(radius):
        reason = f"an interval needs {LEAST_ROWS - rows} more rows"
        return Reading(value, math.nan, math.nan, rows, NOWHERE, reason)
    return Reading(value, max(value - radius, low), min(value + radius, high), rows, LIMIT)


def least_variance(rows: float) -> float:
    """Variance of a share after `rows` rows of which half a one went the other way.

    Rows that all agree have no variance, and yet their share is not known exactly.
    """
    odd = 0.5 / (rows + 1)
    return odd * (1 - odd)


def averaged(readings: Sequence[Reading], rows: int) -> Reading:
    """Plain average of readings whose levels add up to the level that is wanted."""
    known = [reading for reading in readings if not math.isnan(reading.value)]
    if not known:
        return undefined(readings[0].reason if readings else "no rows", rows)
    weakest = min(known, key=lambda reading: (NOWHERE, HEAVY, LIMIT, EXACT).index(reading.interval))
    left = len(readings) - len(known)
    return Reading(
        value=sum(reading.value for reading in known) / len(known),
        lower=sum(reading.lower for reading in known) / len(known),
        upper=sum(reading.upper for reading in known) / len(known),
        rows=rows,
        interval=weakest.interval,
        reason=f"{left} classes without rows are left out" if left else weakest.reason,
    )


def mapped(reading: Reading, rising: Callable[[float], float]) -> Reading:
    """Apply a function that never falls to value and bounds."""
    ends = (rising(end) for end in (reading.value, reading.lower, reading.upper))
    value, lower, upper = ends
    return replace(reading, value=value, lower=lower, upper=upper)


def _weighted(
    values: NDArray[np.float64], weights: NDArray[np.float64] | None
) -> tuple[float, NDArray[np.float64]]:
    if weights is None:
        mean = float(values.mean())
        return mean, values - mean
    mean = float(np.average(values, weights=weights))
    return mean, (values - mean) * (weights / weights.mean())


def _effective(weights: NDArray[np.float64]) -> float:
    """Rows of equal weight that would tell as much (Kish)."""
    return float(weights.sum() ** 2 / np.square(weights).sum())

"""A number with its interval and what the interval promises."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
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


@dataclass(frozen=True, eq=False)
class Reading:
    """A `Measure` that does not know yet what it is called; fields as there.

    `gain` `(n,)` is the influence of each row that has what the metric needs: the value is about
    the truth plus the weighted mean of `gain`, which is about 0.
    """

    value: float
    lower: float
    upper: float
    rows: int
    interval: str
    reason: str = ""
    gain: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))


def undefined(reason: str, rows: int = 0) -> Reading:
    """No value, and why."""
    return Reading(math.nan, math.nan, math.nan, rows, NOWHERE, reason)


def of_bounded(
    values: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
    alpha: float,
    low: float = 0.0,
    high: float = 1.0,
    chosen: NDArray[np.bool_] | None = None,
) -> Reading:
    """Mean of values `(n,)` in `[low, high]` over the chosen rows, all when None.

    With weights the interval holds in the limit only.
    """
    part = values if chosen is None else values[chosen]
    share = weights if weights is None or chosen is None else weights[chosen]
    if not _any(part, share):
        return _nothing(part)
    value, gain = _linear(values, weights, chosen)
    if weights is None or share is None:
        lower, upper = mean_bounds(part, alpha, low, high)
        return Reading(value, lower, upper, len(part), EXACT, gain=gain)
    least = (high - low) ** 2 * least_variance(_effective(share)) * len(values) / len(part)
    reading = of_gain(value, gain, weights, alpha, low=low, high=high, floor=least)
    return replace(reading, rows=len(part))


def of_unbounded(
    values: NDArray[np.float64], weights: NDArray[np.float64] | None, alpha: float
) -> Reading:
    """Mean of nonnegative values `(n,)` without an upper end."""
    if not _any(values, weights):
        return _nothing(values)
    value, gain = _linear(values, weights, None)
    reading = of_gain(value, gain, weights, alpha, low=0.0)
    return replace(reading, interval=NOWHERE if math.isnan(reading.lower) else HEAVY)


def of_gain(
    value: float,
    gain: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
    alpha: float,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    floor: float = 0.0,
) -> Reading:
    """Read an estimate that is about the truth plus a weighted mean of influences.

    Parameters
    ----------
    value
        The estimate.
    gain, weights
        float64 `(n,)`: influence and weight of each row.
    alpha
        Level of the interval.
    low, high
        Ends that the estimate cannot leave; the interval is cut there.
    floor
        Least variance to believe.
    """
    rows = len(gain)
    influence = gain if weights is None else gain * (weights / weights.mean())
    variance = max(float(np.mean(np.square(influence))), floor)
    radius = asymptotic_radius(variance, rows, alpha)
    if math.isnan(radius):
        reason = f"an interval needs {LEAST_ROWS - rows} more rows"
        return Reading(value, math.nan, math.nan, rows, NOWHERE, reason, gain)
    lower, upper = max(value - radius, low), min(value + radius, high)
    return Reading(value, lower, upper, rows, LIMIT, "", gain)


def short(value: float, digits: int = 13) -> float:
    """A number to so many digits: the last bits of a sum depend on BLAS, its threads and the CPU.

    Figures are replayed to the byte; what differs there must not matter. NaN and infinities stay.
    """
    return float(f"{value:.{digits}g}")


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
        gain=np.sum([reading.gain for reading in known], axis=0) / len(known),
    )


def mapped(
    reading: Reading, rising: Callable[[float], float], slope: Callable[[float], float]
) -> Reading:
    """Apply a function that never falls to value and bounds, and its derivative to gains."""
    if math.isnan(reading.value):
        return reading
    return replace(
        reading,
        value=rising(reading.value),
        lower=rising(reading.lower),
        upper=rising(reading.upper),
        gain=reading.gain * slope(reading.value),
    )


def _any(values: NDArray[np.float64], weights: NDArray[np.float64] | None) -> bool:
    return bool(len(values)) and (weights is None or bool(weights.any()))


def _nothing(values: NDArray[np.float64]) -> Reading:
    return undefined("all weights are zero" if len(values) else "no rows", len(values))


def _linear(
    values: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
    chosen: NDArray[np.bool_] | None,
) -> tuple[float, NDArray[np.float64]]:
    """Weighted mean over the chosen rows and the influence of every row."""
    if chosen is None:
        mean = float(np.average(values, weights=weights))
        return mean, values - mean
    share = float(np.average(chosen, weights=weights))
    part = values[chosen]
    mean = float(np.average(part, weights=None if weights is None else weights[chosen]))
    return mean, np.where(chosen, values - mean, 0.0) / share


def _effective(weights: NDArray[np.float64]) -> float:
    """Rows of equal weight that would tell as much (Kish)."""
    return float(weights.sum() ** 2 / np.square(weights).sum())

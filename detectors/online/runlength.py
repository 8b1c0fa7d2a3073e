"""Average run lengths of control charts, computed and not looked up.

A chart is a Markov chain on `[low, high]`: from `x` a record with score `z` leads to `t(x, z)`, and
the chart alarms outside. The mean number of records `L(x)` until then solves Page's equation

    L(x) = 1 + sum_z p(z) L(t(x, z))  over the t that stay inside

(Page 1954; as a chain, Brook & Evans 1972). `L` is taken as linear between the points of a grid,
which preserves the mean of every step and makes the error of second order in the grid's width.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detectors.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

MAX_ATOMS = 256
MIN_RUN_LENGTH = 10.0
MAX_RUN_LENGTH = 1e12
"""Beyond this the equations lose the digits that would be needed."""
HIGHEST = 200.0
TOLERANCE = 1e-3
MAX_STEPS = 60


@dataclass(frozen=True, eq=False)
class Steps:
    """A distribution of scores: values `(k,)` and shares `(k,)`, which sum to 1."""

    values: NDArray[np.float64]
    shares: NDArray[np.float64]

    @classmethod
    def of(cls, values: NDArray[np.float64], shares: NDArray[np.float64]) -> Steps:
        """At most `MAX_ATOMS` values; neighbours are joined at their mean, which keeps the mean."""
        if len(values) <= MAX_ATOMS:
            return cls(values, shares)
        order = np.argsort(values, kind="stable")
        values, shares = values[order], shares[order]
        # Half by share, half by distance: the body and the tails are both resolved.
        place = (np.cumsum(shares) + (values - values[0]) / np.ptp(values)) / 2
        group = np.minimum((place * MAX_ATOMS).astype(np.int64), MAX_ATOMS - 1)
        share = np.bincount(group, shares, MAX_ATOMS).astype(np.float64)
        total = np.bincount(group, shares * values, MAX_ATOMS)
        used = share > 0
        means: NDArray[np.float64] = total[used] / share[used]
        return cls(means, share[used])

    def shifted(self, by: float) -> Steps:
        """The same scores after a shift of the mean."""
        return Steps(self.values + by, self.shares)


def mean_run_length(
    grid: NDArray[np.float64], target: NDArray[np.float64], shares: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Mean records until the chart leaves the grid.

    Parameters
    ----------
    grid
        float64 `(m,)`, evenly spaced and increasing: states inside, both ends included.
    target
        float64 `(m, k)`: where each score leads from each state; outside of the grid is an alarm.
    shares
        float64 `(k,)`: how often each score comes.

    Returns
    -------
    float64 `(m,)`: from each state; inf where no alarm can be reached.
    """
    m = len(grid)
    place = (target - grid[0]) * ((m - 1) / (grid[-1] - grid[0]))
    inside = (place >= 0) & (place <= m - 1)
    low = np.clip(np.floor(place), 0, m - 2).astype(np.int64)
    upper = np.where(inside, place - low, 0.0)
    weight = np.where(inside, shares, 0.0)
    row = np.arange(m)[:, None] * m
    chain = np.bincount((row + low).ravel(), (weight * (1 - upper)).ravel(), m * m)
    chain += np.bincount((row + low + 1).ravel(), (weight * upper).ravel(), m * m)
    system = np.eye(m) - chain.reshape(m, m)
    try:
        length = np.linalg.solve(system, np.ones(m))
    except np.linalg.LinAlgError:
        return np.full(m, np.inf)
    # Rounding in a chain that hardly ever alarms can turn a huge answer negative.
    known = (length > 0) & (length <= 100 * MAX_RUN_LENGTH)
    return np.where(known, length, np.inf).astype(np.float64)


def smallest_limit(length: Callable[[float], float], wanted: float) -> float:
    """The limit at which a chart's mean run length reaches `wanted`.

    `length` must not decrease. Where it jumps, as for records with few different scores, the
    answer lies on the high side. At most `HIGHEST`, so inf for a chart that never alarms.
    """
    low, high = 0.0, 1.0
    while length(high) < wanted:
        low, high = high, 2 * high
        if high > HIGHEST:
            return math.inf
    for _ in range(MAX_STEPS):
        reached = length(high)
        if reached <= wanted * (1 + TOLERANCE) or high - low <= TOLERANCE**2 * high:
            break
        middle = _between(low, high, length(low) if low else 1.0, reached, wanted)
        low, high = (low, middle) if length(middle) >= wanted else (middle, high)
    return high


def check_run_length(wanted: float) -> None:
    """Refuse a run length that no chart is made for.

    Raises
    ------
    ParameterError
        Names the domain.
    """
    if not MIN_RUN_LENGTH <= wanted <= MAX_RUN_LENGTH:
        domain = f"[{MIN_RUN_LENGTH:g}, {MAX_RUN_LENGTH:g}]"
        raise ParameterError(f"run_length must be in {domain} records, got {wanted:g}")


def _between(low: float, high: float, at_low: float, at_high: float, wanted: float) -> float:
    """A limit to try: the logarithm of the run length is nearly linear in it."""
    if not math.isfinite(at_high) or at_high <= at_low:
        return (low + high) / 2
    part = math.log(wanted * (1 + TOLERANCE / 2) / at_low) / math.log(at_high / at_low)
    return low + (high - low) * min(max(part, 0.05), 0.95)

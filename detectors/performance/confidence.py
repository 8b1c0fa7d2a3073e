"""Intervals that hold at every look, because metrics are restated while labels arrive.

**Means of bounded values.** Against the claim that the mean is at most `m`, a gambler stakes the
constant part `f` of the largest safe stake `1 / m` on every value: the wealth
`K_f(m) = prod (1 + f (x_i / m - 1))` is a nonnegative supermartingale if the claim is true, so the
average over a fixed ladder of `f` ever exceeds `1 / alpha` with probability at most `alpha`
(Ville). All `m` whose wealth is over that are refuted; wealth falls in `m`: bisection finds the
bound.
This is the betting approach of Waudby-Smith & Ramdas (Estimating means of bounded random variables
by betting, JRSS-B 2024) with a mixture in place of their predictable stakes, because wealth is then
a function of the set of values: the order of labels inside a look cannot matter.

Values enter as weights on a fixed grid of points: a value between two points is split between them
so that its mean stays. `log` is concave, so this lowers the wealth and keeps the promise; values in
{0, 1} are not changed by it at all.

**Everything else** that is asymptotically a mean of influences with variance `s2` gets the time-
uniform central limit theorem of Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (Annals of Statistics
2024, theorem 2.2): `s sqrt(2 (n r2 + 1) / (n^2 r2) log(sqrt(n r2 + 1) / alpha))`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from detectors.errors import InputError, ParameterError

if TYPE_CHECKING:
    from numpy.typing import NDArray

TUNED_FOR = 1_000
"""Rows at which asymptotic intervals are tightest; fixed in advance, or they would not hold."""
LEAST_ROWS = 30
"""Rows from which on a central limit theorem is trusted at all."""

_STAKES = 0.99 * 2.0 ** -np.arange(16.0)
_TAIL = np.geomspace(1e-6, 1 / 256, 48)
_POINTS = np.unique(np.concatenate([np.linspace(0, 1, 257), _TAIL, 1 - _TAIL]))
_TINY = 1e-12
_SECTIONS = 8
_ROUNDS = 10
"""Bounds are found to 8^-10 of their bracket, on the safe side."""


def mean_bounds(
    values: NDArray[np.float64],
    alpha: float = 0.05,
    low: float = 0.0,
    high: float = 1.0,
    zeros: int = 0,
) -> tuple[float, float]:
    """Bounds of the mean of bounded values, uniformly over all looks.

    Parameters
    ----------
    values
        float64 `(n,)` in `[low, high]`, without NaN; any order.
    alpha
        Probability in (0, 1) that the interval ever misses.
    low, high
        What the values cannot leave, known in advance.
    zeros
        So many further values are 0; only between `low` and `high`.

    Returns
    -------
    Lower and upper bound; `(low, high)` without values.

    Raises
    ------
    InputError
        If a value is outside `[low, high]` or NaN.
    ParameterError
        If `alpha` is not in (0, 1) or `low` not under `high`.
    """
    if not low < high:
        raise ParameterError(f"low must be under high, got {low:g} and {high:g}")
    scaled = (values - low) / (high - low)
    if not ((scaled >= 0) & (scaled <= 1)).all():
        raise InputError(f"values must be in [{low:g}, {high:g}]")
    points, counts = _compressed(scaled)
    if zeros:
        points, counts = np.append(points, -low / (high - low)), np.append(counts, float(zeros))
    lower, upper = _bounds(points, counts[None, :], alpha)
    span = high - low
    return float(low + span * lower[0]), float(low + span * upper[0])


def share_bounds(
    hits: NDArray[np.float64], trials: NDArray[np.float64], alpha: float = 0.05
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bounds of many shares at once, as `mean_bounds` of zeros and ones.

    Parameters
    ----------
    hits, trials
        `(s,)`, `0 <= hits <= trials`.
    alpha
        Probability in (0, 1) that one interval ever misses.

    Returns
    -------
    Lower and upper bounds, float64 `(s,)`; 0 and 1 where there are no trials.

    Raises
    ------
    InputError
        If there are more hits than trials or a negative number.
    ParameterError
        If `alpha` is not in (0, 1).
    """
    counts = np.stack([trials - hits, hits], axis=-1)
    if (counts < 0).any():
        raise InputError("hits must be between 0 and trials")
    return _bounds(np.array([0.0, 1.0]), counts, alpha)


def asymptotic_radius(variance: float, rows: float, alpha: float = 0.05) -> float:
    """Half width of the interval around an asymptotically linear estimate, over all looks.

    Parameters
    ----------
    variance
        Variance of one row's influence on the estimate.
    rows
        Number of rows.
    alpha
        Probability in (0, 1) that the interval ever misses, in the limit of many rows.

    Returns
    -------
    The half width; NaN with fewer than `LEAST_ROWS` rows.

    Raises
    ------
    ParameterError
        If `alpha` is not in (0, 1).
    """
    _require_level(alpha)
    if rows < LEAST_ROWS:
        return math.nan
    spread = rows * _mixing(alpha) + 1
    scale = 2 * spread * math.log(math.sqrt(spread) / alpha) / (rows * (spread - 1))
    return math.sqrt(variance * scale)


def _mixing(alpha: float) -> float:
    """Variance of the mixing law that is about best after `TUNED_FOR` rows."""
    level = -2 * math.log(alpha)
    return (level + math.log1p(level)) / TUNED_FOR


def _require_level(alpha: float) -> None:
    if not 0 < alpha < 1:
        raise ParameterError(f"alpha must be in (0, 1), got {alpha}")


def _compressed(
    values: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    ones = float(np.count_nonzero(values == 1))
    zeros = float(np.count_nonzero(values == 0))
    if ones + zeros == len(values):
        return np.array([0.0, 1.0]), np.array([zeros, ones])
    # sorted: a sum of the same numbers in another order could differ in its last bit
    values = np.sort(values)
    left = np.clip(np.searchsorted(_POINTS, values, side="right") - 1, 0, len(_POINTS) - 2)
    part = (values - _POINTS[left]) / (_POINTS[left + 1] - _POINTS[left])
    counts = np.bincount(left, weights=1 - part, minlength=len(_POINTS)).astype(np.float64)
    counts += np.bincount(left + 1, weights=part, minlength=len(_POINTS))
    used = counts > 0
    return _POINTS[used], counts[used]


def _bounds(
    points: NDArray[np.float64], counts: NDArray[np.float64], alpha: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    _require_level(alpha)
    upper: NDArray[np.float64] = 1 - _lower(1 - points, counts, alpha / 2)
    return _lower(points, counts, alpha / 2), upper


def _lower(
    points: NDArray[np.float64], counts: NDArray[np.float64], alpha: float
) -> NDArray[np.float64]:
    """Largest mean `(s,)` that is refuted from below, at most the mean of the values."""
    total = counts.sum(axis=1)
    mean = np.divide(counts @ points, total, out=np.zeros(len(counts)), where=total > 0)
    low, high = np.zeros(len(counts)), mean
    steps = np.arange(1, _SECTIONS) / _SECTIONS
    for _ in range(_ROUNDS):
        tried = low[:, None] + (high - low)[:, None] * steps
        refuted = _log_wealth(tried, points, counts) >= -math.log(alpha)
        ends = np.concatenate([low[:, None], tried, high[:, None]], axis=1)
        count = refuted.sum(axis=1)  # wealth falls in the mean: the refuted ones come first
        rows = np.arange(len(counts))
        low, high = ends[rows, count], ends[rows, count + 1]
    refuted_up_to: NDArray[np.float64] = low
    return refuted_up_to


def _log_wealth(
    means: NDArray[np.float64], points: NDArray[np.float64], counts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Logarithm `(s, q)` of the mixture wealth against means `(s, q)`."""
    claims = np.maximum(means, _TINY)  # a greater claim is refuted less easily: still honest
    gains = points / claims[:, :, None] - 1  # (s, q, K)
    logs = np.log1p(_STAKES[:, None] * gains[:, :, None, :])  # (s, q, J, K)
    wealth = np.einsum("sqjk,sk->sqj", logs, counts)
    peak = wealth.max(axis=2, keepdims=True)  # scipy's logsumexp takes ten times as long
    mixed = np.log(np.exp(wealth - peak).mean(axis=2)) + peak[:, :, 0]
    return np.where(means > 0, mixed, 0.0)

"""How innovations scatter: scale, heaviness of tails, skewness, and growth over horizons.

Scale and degrees of freedom are fitted together by Student-t likelihood, so that a storm makes the
tails heavier instead of everything wider; the likelihood ratio then has expectation 1 under the law
that was fitted. Slow wandering shows as variance of sums that grows faster than their length (Lo &
MacKinlay 1988); it shrinks evidence at matching horizons.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaln

from detectors.sequential.regression import CLIP, SCALE_FLOOR

if TYPE_CHECKING:
    from numpy.typing import NDArray

FREEDOMS = (60.0, 20.0, 10.0, 6.0, 4.0, 3.0)
"""Degrees of freedom to choose from; 60 is as good as normal."""
HORIZONS = np.array([1, 2, 4, 8, 16, 30])
POOLING = 3.0
"""A series' own tails count once, the average of its kind this many times."""
VISIBLE = 3.0
"""Nats that heavier tails must gain over normal ones, in one series or all of its kind."""
TYPICAL = 48
_ROUNDS = 30


def fit_freedom(
    innovations: NDArray[np.float64], kind: NDArray[np.int64], column: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Degrees of freedom per series `(S,)`, shrunk to what all series of its kind say.

    Tails that are visibly heavier than normal get two steps less than the likelihood says: shocks
    come on top of sampling noise, so the many small ones look more normal than the rare large ones.
    A storm that hits one component of a column hits the others too, if less: they are at most one
    step behind the heaviest. Columns that live in one stream meet the same storms: none is taken
    to be calmer than most are.

    Parameters
    ----------
    innovations
        `(n, S)`, NaN where unknown.
    kind, column
        `(S,)`: what a series measures, and its column, as small integers.
    """
    own = np.stack([_profile_likelihood(innovations, nu) for nu in FREEDOMS])
    own -= own[0]
    together = np.stack([np.bincount(kind, gain) for gain in own])
    pooled = together / np.maximum(np.bincount(kind), 1)
    best = (own + POOLING * pooled[:, kind]).argmax(axis=0)
    series = np.arange(len(kind))
    visible = (own[best, series] >= VISIBLE) | (together[best, kind] >= VISIBLE)
    best = np.where(visible, best, 0)
    wary = np.minimum(best + 2 * (best > 0), len(FREEDOMS) - 1)
    heaviest = np.zeros(column.max(initial=0) + 1, dtype=np.int64)
    np.maximum.at(heaviest, column, wary)
    watched = np.bincount(column, minlength=len(heaviest)) > 0
    most = np.quantile(heaviest[watched], 0.5, method="lower") if watched.any() else 0
    heaviest = np.maximum(heaviest, most)
    freedoms: NDArray[np.float64] = np.array(FREEDOMS)[np.maximum(wary, heaviest[column] - 1)]
    return freedoms


def at_most_freedom(freedom: NDArray[np.float64]) -> NDArray[np.float64]:
    """The largest of FREEDOMS that is at most `freedom`, else the smallest."""
    ordered = np.array(FREEDOMS[::-1])
    place = np.searchsorted(ordered, freedom, side="right") - 1
    chosen: NDArray[np.float64] = ordered[np.maximum(place, 0)]
    return chosen


def student_scale(
    values: NDArray[np.float64], nu: NDArray[np.float64] | float
) -> NDArray[np.float64]:
    """Maximum-likelihood scale `(S,)` of a centred Student-t law with `nu` degrees of freedom.

    NaN is ignored; a series without values has scale 0.
    """
    squared = np.nan_to_num(values) ** 2
    count = np.maximum((~np.isnan(values)).sum(axis=0), 1)
    scale2 = np.maximum(squared.sum(axis=0) / count, 1e-12)
    for _ in range(_ROUNDS):
        weight = (nu + 1) / (nu + squared / scale2)
        scale2 = np.maximum((weight * squared).sum(axis=0) / count, 1e-12)
    return np.sqrt(np.where(squared.any(axis=0), scale2, 0.0))


def side_scales(
    standard: NDArray[np.float64], nu: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Scales `(S,)` of the upper and lower side of standardised innovations, at least 1."""
    upper = student_scale(np.where(standard > 0, standard, np.nan), nu)
    lower = student_scale(np.where(standard < 0, standard, np.nan), nu)
    return np.maximum(upper, 1.0), np.maximum(lower, 1.0)


def variance_ratios(standard: NDArray[np.float64]) -> NDArray[np.float64]:
    """Variance ratios `(6, S)` at HORIZONS, at least 1, halfway to the median of all series.

    Overlapping sums about the mean with the small-sample correction `1 - h/n`; horizons beyond a
    fifth of the history repeat the last that is shorter. Wild values are pulled in. A series that
    varies less than its floored scale may grow up to it.
    """
    windows, series = standard.shape
    if not series:
        return np.ones((len(HORIZONS), 0))
    centred = np.clip(np.nan_to_num(standard), -CLIP, CLIP)
    centred = centred - centred.mean(axis=0)
    variance = np.maximum(centred.var(axis=0), 1.0)
    sums = np.cumsum(np.vstack([np.zeros(series), centred]), axis=0)
    ratios = np.ones((len(HORIZONS), series))
    for i, h in enumerate(HORIZONS[1:], start=1):
        if h > windows // 5:
            ratios[i] = ratios[i - 1]
            continue
        steps = sums[h:] - sums[:-h]
        scale = h * (windows - h + 1) * (1 - h / windows)
        raw = (steps**2).sum(axis=0) / scale / variance
        ratios[i] = np.maximum(1.0, (raw + np.median(raw)) / 2)
    return ratios


def typical_values(standard: NDArray[np.float64]) -> NDArray[np.float64]:
    """Equally likely values `(q, S)` of standardised innovations `(n, S)`, increasing.

    Means of `q = min(n, TYPICAL)` runs of sorted values, so that rare ones count too. NaN is left
    out; a series without values has zeros.
    """
    count = min(len(standard), TYPICAL)
    values = np.zeros((count, standard.shape[1]))
    for s, column in enumerate(standard.T):
        known = np.sort(column[~np.isnan(column)])
        if len(known):
            place = np.arange(count + 1, dtype=np.float64) * (len(known) / count)
            values[:, s] = np.diff(_integral(known, place)) * (count / len(known))
    return values


def _integral(known: NDArray[np.float64], place: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum of the first `place` values, fractions of a value included."""
    sums = np.concatenate([[0.0], np.cumsum(known)])
    total: NDArray[np.float64] = np.interp(place, np.arange(len(sums)), sums)
    return total


def floored(scale: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scales that are at least SCALE_FLOOR."""
    return np.maximum(scale, SCALE_FLOOR)


def _profile_likelihood(innovations: NDArray[np.float64], nu: float) -> NDArray[np.float64]:
    """Log likelihood `(S,)` of a Student-t law at its best scale, floored as the monitor's is."""
    scale = floored(student_scale(innovations, nu))
    density = -(nu + 1) / 2 * np.log1p((innovations / scale) ** 2 / nu)
    constant = gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * np.log(nu)
    count = (~np.isnan(innovations)).sum(axis=0)
    result: NDArray[np.float64] = np.nansum(density, axis=0) + count * (constant - np.log(scale))
    return result

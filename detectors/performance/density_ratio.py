"""How much more likely a row is now than in the baseline, from a small classifier.

If a classifier gives the probability `q(x)` that a row of the two sets together is a live one, then
`p_live(x) / p_baseline(x) = q / (1 - q) * m / n` with m baseline and n live rows. Here it is a
logistic regression on standardised columns and their squares, which is exact for normal columns
that shift and stretch. Weights are cut at a quantile of themselves, because a few huge ones would
decide everything; the effective sample size says how much of the baseline is left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

from detectors.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

CUT = 0.99
"""Weights above this quantile of the weights are lowered to it."""
_RIDGE = 1.0
_STEPS = 25
_SETTLED = 1e-8


@dataclass(frozen=True, eq=False)
class Importance:
    """Importance of baseline rows.

    Attributes
    ----------
    weights
        float64 `(m,)`, mean 1.
    effective
        Rows of equal weight that would tell as much (Kish); far below m: the sets hardly overlap.
    """

    weights: NDArray[np.float64]
    effective: float


def importance(baseline: NDArray[np.float64], live: NDArray[np.float64]) -> Importance:
    """Weigh baseline rows so that their mix of inputs is the live one.

    Parameters
    ----------
    baseline, live
        float64 `(m, f)` and `(n, f)`, columns alike; NaN is missing and becomes a column of its own
        where the baseline or the live rows have any. Infinities count as missing.

    Raises
    ------
    InputError
        If there are no rows or the columns differ.
    """
    if baseline.ndim != 2 or live.ndim != 2 or baseline.shape[1] != live.shape[1]:  # noqa: PLR2004
        raise InputError(f"columns differ: {baseline.shape} and {live.shape}")
    if not len(baseline) or not len(live):
        raise InputError("importance needs rows on both sides")
    features = _features(np.concatenate([baseline, live]))
    is_live = np.arange(len(features)) >= len(baseline)
    odds = np.exp(features[: len(baseline)] @ _logistic(features, is_live))
    raw = odds * len(baseline) / len(live)
    cut = np.minimum(raw, np.quantile(raw, CUT))
    weights = cut / cut.mean()
    return Importance(weights, float(weights.sum() ** 2 / np.square(weights).sum()))


def _features(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    known = np.isfinite(rows)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, rows, 0.0).sum(axis=0) / count
    centred = np.where(known, rows - mean, 0.0)
    scale = np.sqrt(np.square(centred).sum(axis=0) / count)
    standard = np.clip(centred / np.where(scale > 0, scale, 1.0), -5, 5)
    missing = (~known[:, ~known.all(axis=0)]).astype(np.float64)
    ones = np.ones((len(rows), 1))
    return np.concatenate([ones, standard, np.square(standard), missing], axis=1)


def _logistic(features: NDArray[np.float64], live: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Coefficients by Newton steps with a small ridge on all but the first."""
    ridge = np.full(features.shape[1], _RIDGE)
    ridge[0] = 1e-9
    coefficients = np.zeros(features.shape[1])
    for _ in range(_STEPS):
        chance = expit(features @ coefficients)
        slope = features.T @ (live - chance) - ridge * coefficients
        curve = (features * (chance * (1 - chance))[:, None]).T @ features + np.diag(ridge)
        step = np.linalg.solve(curve, slope)
        coefficients = coefficients + step
        if np.abs(step).max() < _SETTLED:
            break
    return coefficients

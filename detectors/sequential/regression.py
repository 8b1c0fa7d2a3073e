"""Season and level by ridge regression, robust to single wild windows, and its recursive update.

The gain is shared by all series because they share the regressors. Recursive residuals
`(y - x'B) / sqrt(1 + x'Px)` are exactly iid under the linear model (Brown, Durbin & Evans 1975), so
the estimation error of a short baseline is accounted for; against a frozen baseline it is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

PRIOR_SD = 10.0
"""Prior standard deviation of seasonal terms, in iid standard deviations of a component."""
LEVEL_PRECISION = 1e-9
CLIP = 4.0
"""Errors beyond this many scales count as this large where the model learns from them."""
SCALE_FLOOR = 1.0
"""What independent rows give; a change within sampling noise is never evidence, however regular a
schedule made the baseline (fixed timetables vary far less than independent rows)."""
_MAD_TO_SD = 1.4826
_ROUNDS = 10


def prior_precision(terms: int) -> NDArray[np.float64]:
    """Ridge matrix `(terms, terms)`: flat for the constant, PRIOR_SD for the seasonal terms."""
    diagonal = np.full(terms, PRIOR_SD**-2)
    diagonal[0] = LEVEL_PRECISION
    return np.diag(diagonal)


def robust_scale(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median absolute value as a standard deviation, per series `(R, S) -> (S,)`, floored.

    NaN is ignored; a series without values has the floor.
    """
    absolute = np.abs(values)
    absent = np.isnan(absolute)
    middle = np.nanmedian(np.where(absent.all(axis=0), 0.0, absolute), axis=0)
    scale: NDArray[np.float64] = np.maximum(_MAD_TO_SD * middle, SCALE_FLOOR)
    return scale


def fit_level(
    y: NDArray[np.float64], x: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coefficients `(d, S)` and covariance factor `(d, d)` of a robust ridge regression.

    Huber's M-estimate by pseudo-observations: residuals beyond CLIP scales are pulled in and the
    regression repeated. Without such residuals it is plain ridge regression. Series with NaN use
    their own windows; the shared factor counts every window.

    Parameters
    ----------
    y
        `(R, S)`, NaN where not observed.
    x
        `(R, d)`, first column constant.
    """
    covariance = np.linalg.inv(x.T @ x + prior_precision(x.shape[1])).astype(np.float64)
    pulled = y
    for _ in range(_ROUNDS):
        coefficients = _ridge(pulled, x, covariance)
        fitted = x @ coefficients
        bound = CLIP * robust_scale(y - fitted)
        pulled, before = fitted + np.clip(y - fitted, -bound, bound), pulled
        if np.allclose(pulled, before, rtol=0.0, atol=1e-9, equal_nan=True):
            break
    return coefficients, covariance


def _ridge(
    y: NDArray[np.float64], x: NDArray[np.float64], covariance: NDArray[np.float64]
) -> NDArray[np.float64]:
    observed = ~np.isnan(y)
    coefficients: NDArray[np.float64] = covariance @ (x.T @ np.where(observed, y, 0.0))
    gaps = np.flatnonzero(~observed.all(axis=0))
    for s in gaps:
        seen = x[observed[:, s]]
        normal = seen.T @ seen + prior_precision(x.shape[1])
        coefficients[:, s] = np.linalg.solve(normal, seen.T @ y[observed[:, s], s])
    return coefficients

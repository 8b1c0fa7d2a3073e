"""Autoregression of window residuals, corrected for the bias that fitted regressors cause.

Residuals of a regression on a level and a season look less autocorrelated than the errors are. The
expected residual autocorrelations under AR(1) errors are known in closed form, so the observed ones
are inverted through that table (indirect inference) before the Yule-Walker equations are solved.
Left out, wandering means alarm several times a month.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaincinv

if TYPE_CHECKING:
    from numpy.typing import NDArray

WINDOWS_FOR_ORDER_3 = 168
WINDOWS_FOR_ORDER_1 = 24
EVIDENCE = 0.99
"""A series is whitened when its portmanteau statistic exceeds this chi-square quantile."""
MAX_SUM = 0.98
"""Largest sum of coefficients: a level step must stay visible after whitening."""
_MAX_CORRELATION = 0.985
_RIDGE = 1e-3
_GRID = np.array([0, 0.2, 0.4, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.96, 0.98, 0.99])
_TABLE_WINDOWS = 1000
"""The table is computed for at most this many windows; beyond, the bias is negligible."""


def order_for(windows: int) -> int:
    """Autoregressive order that a history of this length supports."""
    if windows >= WINDOWS_FOR_ORDER_3:
        return 3
    return 1 if windows >= WINDOWS_FOR_ORDER_1 else 0


def fit_autoregression(
    residuals: NDArray[np.float64],
    x: NDArray[np.float64],
    consecutive: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """Coefficients `(p, S)`, lag 1 first; zero for series without evidence of dependence.

    Negative dependence is never believed: windows of a service do not alternate, a few series out
    of hundreds only seem to, and whitening those would make their scores positively dependent.

    Parameters
    ----------
    residuals
        `(R, S)` of the regression on `x`, wild values pulled in; NaN where not observed.
    x
        `(R, d)` regressors.
    consecutive
        bool `(R,)`: windows that follow the one before without a gap; all of them by default.
    """
    windows, series = residuals.shape
    order = order_for(windows)
    phi = np.zeros((order, series))
    if order == 0:
        return phi
    if consecutive is None:
        consecutive = np.ones(windows, dtype=np.bool_)
    raw, pairs = _lag_sums(residuals, order, lags_broken(consecutive, order))
    dependent = (pairs * raw**2).sum(axis=0) > _chi2_quantile(EVIDENCE, order)
    if dependent.any():
        corrected = _unbiased(raw[:, dependent], residual_correlations(x[-_TABLE_WINDOWS:], order))
        phi[:, dependent] = yule_walker(corrected)
    return np.where(phi.sum(axis=0) > 0, phi, 0.0)


def lags_broken(consecutive: NDArray[np.bool_], order: int) -> NDArray[np.bool_]:
    """Whether a gap lies between a window and the one `k` before it, `(order, R)` for k = 1..."""
    broken = np.ones((order, len(consecutive)), dtype=np.bool_)
    for k in range(1, order + 1):
        gaps = [~consecutive[k - j : len(consecutive) - j] for j in range(k)]
        broken[k - 1, k:] = np.any(gaps, axis=0)
    return broken


def autocorrelations(residuals: NDArray[np.float64], order: int) -> NDArray[np.float64]:
    """Sample autocorrelations at lags 1..order, `(order, S)`, about 0; NaN pairs are skipped."""
    unbroken = lags_broken(np.ones(len(residuals), dtype=np.bool_), order)
    return _lag_sums(residuals, order, unbroken)[0]


def _lag_sums(
    residuals: NDArray[np.float64], order: int, broken: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Autocorrelations `(order, S)` and the pairs behind them."""
    filled = np.nan_to_num(residuals)
    seen = ~np.isnan(residuals)
    variance = np.maximum((filled**2).sum(axis=0) / np.maximum(seen.sum(axis=0), 1), 1e-12)
    lags, counts = [], []
    for k in range(1, order + 1):
        joined = seen[k:] & seen[:-k] & ~broken[k - 1, k:, None]
        pairs = joined.sum(axis=0)
        products = np.where(joined, filled[k:] * filled[:-k], 0.0).sum(axis=0)
        shrink = 1 - k / len(residuals)
        lags.append(shrink * products / np.maximum(pairs, 1) / variance)
        counts.append(pairs)
    return np.clip(np.stack(lags), -1.0, 1.0), np.stack(counts).astype(np.float64)


def yule_walker(correlations: NDArray[np.float64]) -> NDArray[np.float64]:
    """AR coefficients `(p, S)` from autocorrelations `(p, S)`; their sum is held below MAX_SUM."""
    order = len(correlations)
    lags = np.vstack([np.ones(correlations.shape[1]), correlations])
    index = np.abs(np.subtract.outer(np.arange(order), np.arange(order)))
    matrices = lags[index].transpose(2, 0, 1) + (_RIDGE if order > 1 else 0.0) * np.eye(order)
    phi = np.linalg.solve(matrices, correlations.T[..., None])[..., 0].T.astype(np.float64)
    total = phi.sum(axis=0)
    scaled: NDArray[np.float64] = phi * np.where(
        total > MAX_SUM, MAX_SUM / np.maximum(total, 1e-9), 1
    )
    return scaled


def residual_correlations(x: NDArray[np.float64], order: int) -> NDArray[np.float64]:
    """Autocorrelations `(grid, order)` to be expected in least-squares residuals of AR(1) errors.

    With `M = I - X X^+` and error covariance `C`, lag sums of `M C M` over its trace.
    """
    basis = np.linalg.qr(x)[0]
    apart = np.abs(np.subtract.outer(np.arange(len(x)), np.arange(len(x))))
    table = np.empty((len(_GRID), order))
    for g, a in enumerate(_GRID):
        covariance = (a ** np.arange(len(x)))[apart]
        half = basis @ (basis.T @ covariance)
        residual = covariance - half - half.T + (half @ basis) @ basis.T
        variance = np.trace(residual)
        table[g] = [np.trace(residual, offset=k) / variance for k in range(1, order + 1)]
    return table


def _unbiased(raw: NDArray[np.float64], table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correct all lags by the bias at the AR(1) coefficient that lag 1 implies."""
    implied = np.interp(raw[0], table[:, 0], _GRID)
    lags = np.arange(1, len(raw) + 1)
    bias = np.stack([implied**k - np.interp(implied, _GRID, table[:, k - 1]) for k in lags])
    return np.clip(raw + np.where(implied > 0, bias, 0.0), -_MAX_CORRELATION, _MAX_CORRELATION)


def _chi2_quantile(share: float, degrees: int) -> float:
    # As scipy.stats.chi2.ppf, whose import alone would take the daemon a second to start.
    return float(2.0 * gammaincinv(degrees / 2.0, share))

"""Since when, and how much: the start that the recent scores of a column's leading series favour.

For every start among the recent windows the log likelihood ratios of the leading shift are summed
from it to now; the maximum is where a CUSUM of that shift would have restarted. Starts within
`MARGIN` of the maximum form the interval. The same windows give the size of the change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detectors.sequential.dispersion import HORIZONS
from detectors.sequential.evidence import SHIFTS, SIGNS, log_likelihood_ratio

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.sequential.calibration import Calibration

SURE = 3.0
"""Standard errors of independent rows that an effect must exceed to matter."""
MARGIN = 2.0
"""Starts whose log likelihood is this close to the best remain plausible."""


@dataclass(frozen=True, eq=False)
class Leader:
    """Where a column's evidence comes from; all `(F,)`, -1 for columns without series.

    Attributes
    ----------
    series
        int64: the series with the largest weighted evidence.
    sign
        int64: +1 when the component rose, -1 when it fell, 0 without series.
    shift
        int64: index into `evidence.SHIFTS`.
    step
        bool: whether the step shape leads (a level step seen through whitening).
    """

    series: NDArray[np.int64]
    sign: NDArray[np.int64]
    shift: NDArray[np.int64]
    step: NDArray[np.bool_]

    @classmethod
    def none(cls, columns: int) -> Leader:
        """No series in any of `columns` columns."""
        nobody = np.full(columns, -1, dtype=np.int64)
        return cls(nobody, 0 * nobody, nobody, np.zeros(columns, dtype=bool))


@dataclass(frozen=True, eq=False)
class Change:
    """When a column changed and by how much; all `(F,)`.

    Attributes
    ----------
    start, low, high
        int64: windows before this one at which the change began (0: in this one), and the latest
        and earliest plausible start (`low <= start <= high`); -1 without evidence.
    shift
        Size in innovation standard deviations of the leading series, signed.
    deviation
        The same as an effect per row: what the series deviates from its season's prediction.
    effect, effect_error
        Mean effect per row of the leading series since `start`, and its standard error as windows
        of the baseline vary. Compare with `SeriesBank.pooled`.
    noise
        What independent rows alone would give as standard error of `effect`.
    """

    start: NDArray[np.int64]
    low: NDArray[np.int64]
    high: NDArray[np.int64]
    shift: NDArray[np.float64]
    deviation: NDArray[np.float64]
    effect: NDArray[np.float64]
    effect_error: NDArray[np.float64]
    noise: NDArray[np.float64]

    def matters(self, pooled: NDArray[np.float64], min_effect: float) -> NDArray[np.bool_]:
        """Whether the effect since the change is far enough from the whole baseline's, `(F,)`.

        The difference less its uncertainty must reach `min_effect`. Uncertainty is one standard
        error as the baseline's windows vary, and at least `SURE` of independent rows: the leading
        series is the most striking of many, and its change point was chosen to be striking.

        Parameters
        ----------
        pooled
            `(F,)`: `SeriesBank.pooled` of the leading series.
        min_effect
            In standard deviations of a row, or Cohen's h.
        """
        uncertainty = np.maximum(self.effect_error, SURE * self.noise)
        matters: NDArray[np.bool_] = np.abs(self.effect - pooled) - uncertainty >= min_effect
        return matters

    @classmethod
    def none(cls, columns: int) -> Change:
        """No change in any of `columns` columns."""
        never, unknown = np.full(columns, -1, dtype=np.int64), np.full(columns, np.nan)
        return cls(never, never, never, unknown, unknown, unknown, unknown, unknown)


def leaders(
    calibration: Calibration, constant: NDArray[np.float64], stepped: NDArray[np.float64]
) -> Leader:
    """Leading series, sign, shift and shape per column of evidence `(2, S, D)`, `(2, Z, D)`."""
    if not len(calibration.column):
        return Leader.none(calibration.columns)
    weighted = calibration.weight * calibration.likelihood.by_series(constant, stepped)
    series = _last_of_column(calibration, np.lexsort((weighted, calibration.column)))
    both = np.zeros((2, *constant.shape))
    both[0] = constant
    both[1][:, calibration.likelihood.stepping] = stepped
    terms = both[:, :, series].transpose(2, 0, 1, 3)
    best = terms.reshape(len(series), -1).argmax(axis=1)
    shape, sign, shift = np.unravel_index(best, terms.shape[1:])
    absent = series < 0
    return Leader(
        series=series,
        sign=np.where(absent, 0, SIGNS[sign]).astype(np.int64),
        shift=np.where(absent, -1, shift).astype(np.int64),
        step=(shape == 1) & ~absent,
    )


def locate(
    calibration: Calibration,
    leader: Leader,
    *,
    scores: NDArray[np.float32],
    effects: NDArray[np.float32],
    age: NDArray[np.int64],
    rows: float,
) -> Change:
    """Date and size the change of every column.

    Parameters
    ----------
    scores, effects
        `(W, S)` of the recent windows, newest first; NaN where not observed.
    age
        `(F,)`: older windows than a column's evidence are no candidates.
    rows
        Rows of the newest window.
    """
    if not len(calibration.column):
        return Change.none(calibration.columns)
    z = scores[:, leader.series].astype(np.float64)
    ago = np.arange(len(z))[:, None]
    possible = ~np.isnan(z) & (ago < age) & (leader.series >= 0)
    total = np.where(possible, _restarts(calibration, leader, np.nan_to_num(z)), -np.inf)
    start = total.argmax(axis=0)
    plausible = possible & (total >= total.max(axis=0) - MARGIN)
    some = plausible.any(axis=0)
    low = plausible.argmax(axis=0)
    high = len(z) - 1 - plausible[::-1].argmax(axis=0)
    since = (ago <= start) & possible
    shift, deviation = _sizes(calibration, leader, z, since, start=start, rows=rows)
    e = effects[:, leader.series].astype(np.float64)
    count = np.maximum(since.sum(axis=0), 1)
    effect = np.where(since, e, 0.0).sum(axis=0) / count
    return Change(
        start=np.where(some, start, -1),
        low=np.where(some, low, -1),
        high=np.where(some, high, -1),
        shift=np.where(some, shift, np.nan),
        deviation=np.where(some, deviation, np.nan),
        effect=np.where(some, effect, np.nan),
        effect_error=np.where(some, _error(calibration, leader, count, rows), np.nan),
        noise=np.where(some, 1 / np.sqrt(max(rows, 1.0) * count), np.nan),
    )


def _restarts(
    calibration: Calibration, leader: Leader, z: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Log likelihood `(W, F)` that the change began in each window, newest first."""
    model, s = calibration.likelihood, leader.series
    v = leader.sign * z - model.gate[s, 0]
    size, nu = SHIFTS[leader.shift], model.nu[s, 0]
    onset = log_likelihood_ratio(v, size, nu)
    factor = model.constant[s, leader.shift]
    later = log_likelihood_ratio(v * factor, size, nu)
    left = log_likelihood_ratio(v, size * model.remains[s], nu)
    later = np.where(leader.step, left, later)
    onset = np.where(leader.step, onset, later)
    since = np.cumsum(later, axis=0)
    restarts: NDArray[np.float64] = since - later + onset
    return restarts


def _sizes(
    calibration: Calibration,
    leader: Leader,
    z: NDArray[np.float64],
    since: NDArray[np.bool_],
    *,
    start: NDArray[np.int64],
    rows: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least-squares size of the leading shape, in innovation sd and as an effect per row."""
    remains = calibration.likelihood.remains[leader.series]
    ago = np.arange(len(z))[:, None]
    shape = np.where(leader.step & (ago < start), remains, 1.0)
    weight = np.where(since, shape, 0.0)
    shift = (weight * np.nan_to_num(z)).sum(axis=0) / np.maximum((weight**2).sum(axis=0), 1e-12)
    level = np.where(leader.step, shift, shift / remains)
    return shift, level * calibration.scale[leader.series] / np.sqrt(max(rows, 1.0))


def _error(
    calibration: Calibration, leader: Leader, count: NDArray[np.int64], rows: float
) -> NDArray[np.float64]:
    """Standard error of a mean over `count` windows, by the baseline's variance at that horizon."""
    s = leader.series
    horizon = np.abs(np.log(HORIZONS[:, None] / count)).argmin(axis=0)
    long_run = (calibration.scale / calibration.likelihood.remains)[s] ** 2
    variance = np.minimum(
        calibration.spread[s] ** 2, long_run * calibration.ratios[horizon, s] / count
    )
    error: NDArray[np.float64] = np.sqrt(variance / max(rows, 1.0))
    return error


def _last_of_column(calibration: Calibration, order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Last series of every column in an order sorted by column; -1 for columns without series."""
    last = np.full(calibration.columns, -1, dtype=np.int64)
    last[calibration.column[order]] = order
    return last

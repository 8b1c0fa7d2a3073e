"""Since when, and how much: the start that the recent scores of a column's leading series favour.

For every start among the recent windows, every shift and both shapes the log likelihood ratios are
summed from the start to now; the maximum over starts is where a CUSUM of that shift would have
restarted, the best shift and shape date the change. Starts within `MARGIN` of the maximum form the
interval. The same windows give the size of the change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detectors.sequential.dispersion import HORIZONS
from detectors.sequential.evidence import SHIFTS, STEP_BELOW, log_likelihood_ratio

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
    """

    series: NDArray[np.int64]
    sign: NDArray[np.int64]

    @classmethod
    def none(cls, columns: int) -> Leader:
        """No series in any of `columns` columns."""
        nobody = np.full(columns, -1, dtype=np.int64)
        return cls(nobody, 0 * nobody)


@dataclass(frozen=True, eq=False)
class Change:
    """When a column changed and by how much; all `(F,)`.

    Attributes
    ----------
    start, low, high
        int64: windows before this one at which the change began (0: in this one), and the latest
        and earliest plausible start (`low <= start <= high`); -1 away from the line, where the
        other values are NaN and False.
    step
        bool: whether it looks like a level step seen through whitening.
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
    step: NDArray[np.bool_]
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
        start, low, high = (np.full(columns, -1, dtype=np.int64) for _ in range(3))
        sizes = {
            name: np.full(columns, np.nan)
            for name in ("shift", "deviation", "effect", "effect_error", "noise")
        }
        return cls(start, low, high, np.zeros(columns, dtype=bool), **sizes)


def leaders(
    calibration: Calibration, constant: NDArray[np.float64], stepped: NDArray[np.float64]
) -> Leader:
    """Leading series and sign per column of evidence `(2, S, D)`, `(2, Z, D)`."""
    if not len(calibration.column):
        return Leader.none(calibration.columns)
    weighted = calibration.weight * calibration.likelihood.by_series(constant, stepped)
    series = _last_of_column(calibration, np.lexsort((weighted, calibration.column)))
    rising, falling = constant[:, series].sum(axis=-1)
    sign = np.where(rising >= falling, 1, -1)
    return Leader(series, np.where(series < 0, 0, sign))


def locate(
    calibration: Calibration,
    leader: Leader,
    near: NDArray[np.bool_],
    *,
    scores: NDArray[np.float32],
    effects: NDArray[np.float32],
    age: NDArray[np.int64],
    rows: float,
) -> Change:
    """Date and size the change of every column that is near its line.

    Parameters
    ----------
    near
        bool `(F,)`: columns to look at; the others have no change.
    scores, effects
        `(W, S)` of the recent windows, newest first; NaN where not observed.
    age
        `(F,)`: older windows than a column's evidence are no candidates.
    rows
        Rows of the newest window.
    """
    change = Change.none(calibration.columns)
    columns = np.flatnonzero(near & (leader.series >= 0))
    if not len(columns):
        return change
    series, sign = leader.series[columns], leader.sign[columns]
    z: NDArray[np.float64] = scores[:, series].astype(np.float64)
    ago = np.arange(len(z))[:, None]
    possible = ~np.isnan(z) & (ago < age[columns])
    total, step = _restarts(calibration, series, np.nan_to_num(z) * sign, possible)
    start = total.argmax(axis=0)
    plausible = possible & (total >= total.max(axis=0) - MARGIN)
    since = (ago <= start) & possible
    count = np.maximum(since.sum(axis=0), 1)
    seen_effects = np.where(since, effects[:, series].astype(np.float64), 0.0)
    shift, deviation = _sizes(calibration, series, np.where(since, z, 0.0), start, step)
    per_row = 1 / np.sqrt(max(rows, 1.0))
    found = {
        "start": start,
        "low": plausible.argmax(axis=0),
        "high": len(z) - 1 - plausible[::-1].argmax(axis=0),
        "step": step,
        "shift": shift,
        "deviation": deviation * per_row,
        "effect": seen_effects.sum(axis=0) / count,
        "effect_error": standard_error(calibration, series, count) * per_row,
        "noise": per_row / np.sqrt(count),
    }
    for name, values in found.items():
        getattr(change, name)[columns] = values
    return change


def _restarts(
    calibration: Calibration,
    series: NDArray[np.int64],
    z: NDArray[np.float64],
    possible: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Log likelihood `(W, n)` of each start, newest first, for the shape and shift that fit best.

    `z` `(W, n)` counts in the direction of the change. Also whether the step shape fits best.
    """
    model = calibration.likelihood
    nu, remains = model.nu[series], model.remains[series, None]
    v = z[..., None] - model.gate[series]
    lasting = log_likelihood_ratio(v * model.constant[series], SHIFTS, nu)
    onset = log_likelihood_ratio(v, SHIFTS, nu)
    left = log_likelihood_ratio(v, SHIFTS * remains, nu)
    later = np.concatenate([lasting, left], axis=-1)
    first = np.concatenate([lasting, np.where(remains < STEP_BELOW, onset, -np.inf)], axis=-1)
    total = np.cumsum(later, axis=0) - later + first
    total = np.where(possible[..., None], total, -np.inf)
    best = total.max(axis=0).argmax(axis=-1)
    chosen = np.take_along_axis(total, best[None, :, None], axis=-1)[..., 0]
    return chosen, best >= len(SHIFTS)


def _sizes(
    calibration: Calibration,
    series: NDArray[np.int64],
    z: NDArray[np.float64],
    start: NDArray[np.int64],
    step: NDArray[np.bool_],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Least-squares size of the change in innovation sd, and of the level in component units."""
    remains = calibration.likelihood.remains[series]
    ago = np.arange(len(z))[:, None]
    shape = np.where(step & (ago < start), remains, 1.0) * (ago <= start)
    shift = (shape * z).sum(axis=0) / (shape**2).sum(axis=0)
    level = np.where(step, shift, shift / remains)
    return shift, level * calibration.scale[series]


def standard_error(
    calibration: Calibration, series: NDArray[np.int64], count: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Standard error `(n,)` of a component's mean over `count` windows of the baseline's kind."""
    horizon = np.abs(np.log(HORIZONS[:, None] / count)).argmin(axis=0)
    long_run = (calibration.scale / calibration.likelihood.remains)[series] ** 2
    variance = long_run * calibration.ratios[horizon, series] / count
    error: NDArray[np.float64] = np.sqrt(np.minimum(calibration.spread[series] ** 2, variance))
    return error


def _last_of_column(calibration: Calibration, order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Last series of every column in an order sorted by column; -1 for columns without series."""
    last = np.full(calibration.columns, -1, dtype=np.int64)
    last[calibration.column[order]] = order
    return last

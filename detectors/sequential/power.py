"""How small a change would have been seen: what silence means.

For each column the series that weighs most is followed. The size at which the evidence of its
*expected* scores reaches the line within `N` windows would be missed about every second time; the
sum over those windows has standard deviation `1`, so that a change larger by `QUANTILE` of it is
found nine times in ten. Everything depends on calibration and line alone, except for the number of
rows; it is computed once and divided by `sqrt(rows)` at every window.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detectors.errors import InputError
from detectors.sequential.changepoint import SURE, standard_error
from detectors.sequential.evidence import SHIFTS, Likelihood

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from detectors.sequential.calibration import Calibration

PROBABILITY = 0.9
QUANTILE = 1.2815515655446004
"""The standard normal quantile of PROBABILITY."""
WITHIN = (1, 7)
"""Windows within which a change is to be found: this one alone, and a week of days."""
LARGEST = 1e4
"""Scores that would have to be larger than this are never reached."""
_ROUNDS = 10
"""Bisections of an interval whose end is twice its beginning: exact to a thousandth."""


@dataclass(frozen=True, eq=False)
class Power:
    """Smallest changes that are found, per column and time allowed.

    Attributes
    ----------
    within
        `H` numbers of windows.
    series
        int64 `(F,)`: the series that is followed; -1 for columns without one.
    size, error
        float64 `(F, H)`, in units of a component (divide by `sqrt(rows)` for units per row): the
        change whose evidence reaches the line with PROBABILITY, inf when none does; and the
        standard error of its estimate. NaN without a series.
    """

    within: tuple[int, ...]
    series: NDArray[np.int64]
    size: NDArray[np.float64]
    error: NDArray[np.float64]

    def per_row(self, rows: float, min_effect: float = 0.0) -> NDArray[np.float64]:
        """Smallest change `(F, H)` that is found in windows of `rows` rows.

        In baseline standard deviations of a location, or Cohen's h of a share. With `min_effect`
        it must also be large enough, less its uncertainty, to be called drift.
        """
        unit = np.sqrt(max(rows, 1.0))
        noise = 1 / np.sqrt(np.array(self.within, dtype=np.float64))
        uncertain = np.maximum(self.error, SURE * noise) + QUANTILE * self.error
        found: NDArray[np.float64] = np.maximum(self.size, min_effect * unit + uncertain) / unit
        return found


def power(
    calibration: Calibration, lines: NDArray[np.float64], within: Sequence[int] = WITHIN
) -> Power:
    """Say what the monitor of a stream finds.

    Parameters
    ----------
    lines
        float64 `(F,)`: evidence at which each column alarms.
    within
        Windows allowed, at least 1 each.

    Raises
    ------
    InputError
        If `lines` has another shape, or a time allowed is not positive.
    """
    if lines.shape != (calibration.columns,) or min(within, default=0) < 1:
        raise InputError(f"power needs lines ({calibration.columns},) and windows of at least 1")
    series = leading_series(calibration)
    watched = np.flatnonzero(series >= 0)
    size = np.full((calibration.columns, len(within)), np.nan)
    error = np.full_like(size, np.nan)
    followed = series[watched]
    runner = _Runner(calibration, followed)
    for h, windows in enumerate(within):
        z = _critical(runner, lines[watched], windows)
        signal = np.sqrt(1 + (windows - 1) * calibration.likelihood.remains[followed] ** 2)
        wide = np.maximum(calibration.upper, calibration.lower)[followed]
        size[watched, h] = (z + QUANTILE / signal) * calibration.scale[followed] * wide
        count = np.full(len(followed), windows)
        error[watched, h] = standard_error(calibration, followed, count)
    return Power(tuple(within), series, size, error)


def delays(
    calibration: Calibration,
    lines: NDArray[np.float64],
    shifts: Sequence[float],
    rows: float,
    most: int = 200,
) -> NDArray[np.float64]:
    """Windows `(F, k)` until constant changes of `shifts` per row are found; inf beyond `most`.

    As `delay.expected_delay`, for the heaviest series of every column at once: about the median.
    NaN for columns without series.
    """
    series = leading_series(calibration)
    watched = np.flatnonzero(series >= 0)
    followed = np.repeat(series[watched], len(shifts))
    wide = np.maximum(calibration.upper, calibration.lower)[followed]
    size = np.tile(np.abs(shifts), len(watched)) * np.sqrt(max(rows, 1.0))
    size /= calibration.scale[followed] * wide
    line = np.repeat(lines[watched], len(shifts))
    found = np.full(len(followed), np.inf)
    runner = _Runner(calibration, followed)
    for window in range(1, most + 1):
        over = runner.step(size) >= line
        found = np.where(over, np.minimum(found, window), found)
        if over.all():
            break
    result = np.full((calibration.columns, len(shifts)), np.nan)
    result[watched] = found.reshape(len(watched), len(shifts))
    return result


def leading_series(calibration: Calibration) -> NDArray[np.int64]:
    """The heaviest series of every column `(F,)`, the first of several; -1 without any."""
    order = np.lexsort((-np.arange(len(calibration.column)), calibration.weight))
    order = order[np.argsort(calibration.column[order], kind="stable")]
    last = np.full(calibration.columns, -1, dtype=np.int64)
    last[calibration.column[order]] = order
    return last


class _Runner:
    """Evidence of some series on the expected scores of a constant change."""

    def __init__(self, calibration: Calibration, series: NDArray[np.int64]) -> None:
        nu = np.minimum(calibration.nu[calibration.column], calibration.tails)[series]
        gate = calibration.gate[calibration.column][series]
        phi, ratios = calibration.phi[:, series], calibration.ratios[:, series]
        typical = calibration.typical[:, series]
        self._model = Likelihood.build(nu, gate, phi, ratios, typical)
        self._weight = calibration.weight[series]
        self.restart()

    def restart(self) -> None:
        """Forget the windows so far; what the ratios need is dear and stays."""
        self._constant = np.zeros((2, len(self._weight), len(SHIFTS)))
        self._stepped = np.zeros((2, len(self._model.stepping), len(SHIFTS)))
        self._first = True

    def step(self, size: NDArray[np.float64]) -> NDArray[np.float64]:
        """Evidence after one more window of a change of `size` standard deviations."""
        z = size if self._first else size * self._model.remains
        self._first = False
        self._constant, self._stepped = self._model.update(self._constant, self._stepped, z)
        return self._weight * self._model.by_series(self._constant, self._stepped)


def _critical(runner: _Runner, lines: NDArray[np.float64], windows: int) -> NDArray[np.float64]:
    """Size in scores at which each series reaches its line in `windows`; inf when it never does."""

    def reaches(size: NDArray[np.float64]) -> NDArray[np.bool_]:
        runner.restart()
        best = np.zeros(len(lines))
        for _ in range(windows):
            best = np.maximum(best, runner.step(size))
        reached: NDArray[np.bool_] = best >= lines
        return reached

    # Evidence is not monotone far out (heavy tails forgive wild scores), so the upper end of the
    # search is the first power of two that suffices.
    low, high = np.zeros(len(lines)), np.full(len(lines), np.inf)
    size = 1.0
    while size <= LARGEST and not np.isfinite(high).all():
        enough = reaches(np.full(len(lines), size))
        low = np.where(enough | np.isfinite(high), low, size)
        high = np.where(enough & ~np.isfinite(high), size, high)
        size *= 2
    known = np.isfinite(high)
    for _ in range(_ROUNDS):
        middle = np.where(known, (low + np.where(known, high, 0.0)) / 2, 1.0)
        enough = reaches(middle)
        low, high = np.where(known & ~enough, middle, low), np.where(known & enough, middle, high)
    return high

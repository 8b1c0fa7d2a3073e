"""How many records a window holds, against the baseline's windows of the same phase.

A phase is what the caller says repeats: the hour of the day, the day of the week. The count is
negative binomial: its mean is that of the phase's windows, its over-dispersion is estimated from
the phase's windows about it, drawn towards that of all windows. Nothing arrives as a Poisson
stream, and nights are not as regular as days.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betainc, betaincc

from detectors.errors import InputError, ParameterError
from detectors.quality.wording import plain
from detectors.result import QualityFinding, QualityKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_DISPERSION = 0.01
"""Volumes vary by a tenth even where the history does not show it."""
PSEUDO_WINDOWS = 4
"""Weight of the dispersion of all windows against a phase's own, in windows."""
LEAST_EXPECTED = 5.0
"""Below this many expected records an empty window is no news."""
BROKEN_RATIO = 5.0


@dataclass(frozen=True)
class Volume:
    """Usual volumes. Build it with `Volume.of`.

    `means` maps a phase to the mean records of its windows and their number, `spreads` to their
    squared coefficient of variation; `overall` is the mean of all windows, `dispersion` the squared
    coefficient of variation about phase means.
    """

    means: dict[int, tuple[float, int]]
    spreads: dict[int, float]
    overall: float
    dispersion: float
    alpha: float
    ratio: float

    @classmethod
    def of(
        cls,
        rows: NDArray[np.int64],
        phases: NDArray[np.int64],
        alpha: float = 1e-6,
        ratio: float = 2.0,
    ) -> Volume:
        """Learn from the baseline's windows.

        Parameters
        ----------
        rows, phases
            int64 `(R,)`: records and phase of each window.
        alpha
            Probability of such a volume below which there is a finding, per direction; in (0, 1).
        ratio
            The volume must be this many times the expected one, or the reciprocal; at least 1.

        Raises
        ------
        InputError
            If there is no window, or the arrays differ in shape.
        ParameterError
            If `alpha` or `ratio` is outside its domain.
        """
        if not len(rows) or rows.shape != phases.shape:
            raise InputError("volumes need at least one window, each with a phase")
        if not 0 < alpha < 1 or ratio < 1:
            raise ParameterError(f"alpha must be in (0, 1), ratio >= 1, got {alpha}, {ratio}")
        distinct, place, sizes = np.unique(phases, return_inverse=True, return_counts=True)
        means = np.bincount(place, weights=rows) / sizes
        pairs = zip(means.tolist(), sizes.tolist(), strict=True)
        dispersion = _dispersion(rows, means[place], len(rows) - len(distinct))
        spreads = _spreads(rows, place, means, sizes, dispersion)
        return cls(
            means=dict(zip(distinct.tolist(), pairs, strict=True)),
            spreads=dict(zip(distinct.tolist(), spreads.tolist(), strict=True)),
            overall=float(rows.mean()),
            dispersion=dispersion,
            alpha=alpha,
            ratio=ratio,
        )

    def find(self, rows: int, phase: int) -> tuple[QualityFinding, ...]:
        """Judge the records of one window; one finding at most."""
        mean, windows = self.means.get(phase, (self.overall, 1))
        dispersion = self.spreads.get(phase, self.dispersion)
        shape = 1 / (dispersion * (1 + 1 / windows) + 1 / max(mean * windows, 1))
        if rows == 0 and mean >= LEAST_EXPECTED:
            return (self._finding(rows, mean, broken=True),)
        more, fewer = _tails(rows, mean, shape)
        high = rows >= self.ratio * mean and more < self.alpha
        low = rows * self.ratio <= mean and fewer < self.alpha
        if not high and not low:
            return ()
        severe = rows >= BROKEN_RATIO * mean or rows * BROKEN_RATIO <= mean
        return (self._finding(rows, mean, broken=severe),)

    def _finding(self, rows: int, mean: float, *, broken: bool) -> QualityFinding:
        return QualityFinding(
            column="",
            kind=QualityKind.VOLUME,
            severity="broken" if broken else "warning",
            observed=float(rows),
            expected=mean,
            text=f"{rows or 'no'} records in this window (about {plain(round(mean))} are usual)",
        )


def _dispersion(rows: NDArray[np.int64], means: NDArray[np.float64], freedom: int) -> float:
    """Squared coefficient of variation beyond Poisson, about `means`; wide when unknown."""
    square = float((means**2).sum())
    if freedom < 1 or square == 0:
        return 1.0
    surplus = float(((rows - means) ** 2).sum()) * len(rows) / freedom - float(means.sum())
    return max(surplus / square, LEAST_DISPERSION)


def _spreads(
    rows: NDArray[np.int64],
    place: NDArray[np.int64],
    means: NDArray[np.float64],
    sizes: NDArray[np.int64],
    dispersion: float,
) -> NDArray[np.float64]:
    """`_dispersion` of each phase, `(p,)`, drawn towards that of all by PSEUDO_WINDOWS windows."""
    square = means**2
    apart = np.bincount(place, weights=(rows - means[place]) ** 2)
    # Deviations from a mean of n windows are too small by (n - 1) / n.
    surplus = apart * sizes / np.maximum(sizes - 1, 1) - sizes * means
    surplus = np.where(sizes > 1, surplus, 0.0)
    weight = np.where(sizes > 1, sizes, 0.0) * square
    prior = PSEUDO_WINDOWS * square
    total = np.maximum(weight + prior, np.finfo(np.float64).tiny)
    drawn = np.where(square > 0, (surplus + dispersion * prior) / total, dispersion)
    return np.maximum(drawn, LEAST_DISPERSION)


def _tails(rows: int, mean: float, shape: float) -> tuple[float, float]:
    """Probabilities of at least and of at most so many records."""
    odds = mean / (mean + shape)
    more = betainc(rows, shape, odds) if rows else 1.0
    return float(more), float(betaincc(rows + 1, shape, odds))

"""Scores that turn a column's cells into a few scalars: location, scale, tails and shape.

The frame's cells are joined to about 36 bins between quantiles of the baseline. Every bin gets the
normal score of its mid-rank (van der Waerden 1952: never less efficient than the t test for a
shift), tail indicators, and Legendre polynomials of the mid-rank of order 3 and 4, made orthogonal
to all lower ones (Neyman's smooth components, 1937). What a window needs is then one sum per score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.polynomial import legendre
from scipy.special import ndtri

if TYPE_CHECKING:
    from numpy.typing import NDArray

CUTS = np.concatenate(
    [[0.0005, 0.002, 0.005, 0.01, 0.02], np.linspace(0.04, 0.96, 24), [0.98, 0.99, 0.995, 0.998]]
)
"""Cumulative baseline shares at which cells are cut into bins."""
ATOM = 1.5 / 24
"""A single cell with more than this share of the rows is a bin of its own."""
TAIL = 0.015
"""Bins that lie wholly within this share of an end of the baseline are its tail."""
EXTREME_RANK = 1e-4
BINS_FOR_SCALE = 3
MIN_MOVING = 5.0
DEGENERATE = 1e-3
"""A polynomial that the lower ones explain up to this standard deviation is left out."""
LOCATION, SQUARE, UPPER, LOWER, CUBIC, QUARTIC = range(6)
"""Rows of a score matrix."""


@dataclass(frozen=True, eq=False)
class ColumnScores:
    """Bins of one numeric column and their scores.

    Attributes
    ----------
    starts
        int64 `(b,)`: first cell of every bin, increasing from 0.
    scores
        float64 `(6, b)`: location `a` (mean 0, variance 1 on the baseline), `a*a`, upper and lower
        tail indicators, cubic and quartic shape (orthonormal); a row of zeros is degenerate.
    spread
        Baseline standard deviation of `a*a`; 0 when the scale cannot be judged.
    """

    starts: NDArray[np.int64]
    scores: NDArray[np.float64]
    spread: float


def column_scores(cells: NDArray[np.int64], expected_rows: float) -> ColumnScores:
    """Bins and scores from a column's baseline cells `(cells,)`.

    A column whose windows of `expected_rows` values hold fewer than `MIN_MOVING` outside of its
    most frequent bin (constant, or nearly) has only zero scores.
    """
    total = int(cells.sum())
    share = cells / max(total, 1)
    starts = _starts(share)
    p = np.add.reduceat(share, starts)
    scores = np.zeros((6, len(p)))
    if total == 0 or (1 - p.max()) * expected_rows < MIN_MOVING:
        return ColumnScores(starts, scores, 0.0)
    middle = np.cumsum(p) - p / 2
    a = _unit(ndtri(np.clip(middle, EXTREME_RANK, 1 - EXTREME_RANK)), p, [np.ones_like(p)])
    scores[LOCATION], scores[SQUARE] = a, a * a
    scores[UPPER], scores[LOWER] = _tails(p)
    scores[CUBIC], scores[QUARTIC] = _shapes(p, middle, a)
    occupied = int((p > 0).sum())
    spread = float(np.sqrt(p @ (a * a - 1) ** 2)) if occupied >= BINS_FOR_SCALE else 0.0
    return ColumnScores(starts, scores, spread)


def _starts(share: NDArray[np.float64]) -> NDArray[np.int64]:
    """Cut where the cumulative share passes a cut, and on both sides of an atom."""
    interval = np.searchsorted(CUTS, np.cumsum(share) - 1e-12, side="left")
    atom = share > ATOM
    cut = np.ones(len(share), dtype=bool)
    cut[1:] = (interval[1:] != interval[:-1]) | atom[1:] | atom[:-1]
    return np.flatnonzero(cut).astype(np.int64)


def _tails(p: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Upper and lower tail indicators; zero where the tail holds nobody."""
    upper_end = np.cumsum(p)
    upper = (upper_end - p > 1 - TAIL).astype(np.float64)
    lower = (upper_end < TAIL).astype(np.float64)
    return upper * (p @ upper > 0), lower * (p @ lower > 0)


def _shapes(
    p: NDArray[np.float64], middle: NDArray[np.float64], a: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    basis = [np.ones_like(p), a]
    for order in (2, 3, 4):
        raw = legendre.Legendre.basis(order)(2 * middle - 1)
        basis.append(_unit(raw, p, basis))
    return basis[3], basis[4]


def _unit(
    values: NDArray[np.float64], p: NDArray[np.float64], lower: list[NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Part of `values` orthogonal to `lower`, scaled to variance 1; zeros if nothing is left."""
    rest = values.copy()
    for direction in lower:
        rest -= (p @ (rest * direction)) * direction
    norm = np.sqrt(p @ rest**2)
    return rest / norm if norm > DEGENERATE else np.zeros_like(rest)

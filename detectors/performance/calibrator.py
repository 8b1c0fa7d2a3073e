"""Probabilities that mean what they say: isotonic regression of the truth on the score.

The best rising step function in squared error, found by pooling adjacent violators (Ayer et al.
1955; Zadrozny & Elkan 2002), joined by straight lines between the middles of its steps so that
scores that differ keep their order. A fit that follows noise is worse than none: whether it is
used at all is decided by the squared error on rows that were not used to fit it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detectors.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOLDS = 5


@dataclass(frozen=True, eq=False)
class Calibrator:
    """A rising function on [0, 1]; `knots`, `values` float64 `(k,)`, rising. No knots: identity."""

    knots: NDArray[np.float64]
    values: NDArray[np.float64]

    def __call__(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Calibrated probabilities `(n,)`; NaN stays NaN, ends are level."""
        if not len(self.knots):
            return np.clip(scores, 0.0, 1.0)
        return np.interp(scores, self.knots, self.values)


IDENTITY = Calibrator(np.empty(0), np.empty(0))


def isotonic(
    scores: NDArray[np.float64],
    truth: NDArray[np.float64],
    weights: NDArray[np.float64] | None = None,
) -> Calibrator:
    """Fit to rows.

    Parameters
    ----------
    scores
        float64 `(n,)`, without NaN.
    truth
        float64 `(n,)` in [0, 1].
    weights
        float64 `(n,)`, at least 0; equal when None. Rows of weight 0 are left out.

    Raises
    ------
    InputError
        If no row has weight.
    """
    if weights is not None:
        kept = weights > 0
        scores, truth, weights = scores[kept], truth[kept], weights[kept]
    if not len(scores):
        raise InputError("calibration needs rows")
    knots, group = np.unique(scores, return_inverse=True)
    mass = np.bincount(group, weights, len(knots)).astype(np.float64)
    hits = np.bincount(group, truth if weights is None else truth * weights, len(knots))
    first = _blocks(hits.astype(np.float64), mass)
    size = np.add.reduceat(mass, first)
    middle = np.add.reduceat(knots * mass, first) / size
    return Calibrator(middle, np.add.reduceat(hits, first) / size)


def fitted(
    scores: NDArray[np.float64],
    truth: NDArray[np.float64],
    weights: NDArray[np.float64] | None = None,
) -> Calibrator:
    """Isotonic regression if it predicts rows it has not seen better than the scores do."""
    held = cross_fitted(scores, truth, weights)
    gain = np.square(np.clip(scores, 0.0, 1.0) - truth) - np.square(held - truth)
    return isotonic(scores, truth, weights) if np.average(gain, weights=weights) > 0 else IDENTITY


def cross_fitted(
    scores: NDArray[np.float64],
    truth: NDArray[np.float64],
    weights: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Calibrated probability of each row from the four fifths of the rows it is not among, `(n,)`.

    The fold of a row is its place modulo `FOLDS`; with fewer rows than folds nothing is calibrated.
    """
    fold = np.arange(len(scores)) % FOLDS
    held = np.clip(scores, 0.0, 1.0)
    for one in range(FOLDS if len(scores) > FOLDS else 0):
        rest = fold != one
        part = None if weights is None else weights[rest]
        if part is None or part.any():
            held[fold == one] = isotonic(scores[rest], truth[rest], part)(scores[fold == one])
    return held


def _blocks(hits: NDArray[np.float64], mass: NDArray[np.float64]) -> NDArray[np.int64]:
    """First index of each pooled block: runs that fall are pooled until none is left."""
    first = np.arange(len(hits))
    while True:
        means = np.add.reduceat(hits, first) / np.add.reduceat(mass, first)
        rises = np.concatenate([[True], np.diff(means) > 0])
        if rises.all():
            return first
        first = first[rises]

"""Numbers as normal scores of their ranks in the baseline: no unit and no tail matters then."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import ndtri

if TYPE_CHECKING:
    from numpy.typing import NDArray

KNOTS: Final = 257
"""Values per column between which scores are interpolated."""


@dataclass(frozen=True, eq=False)
class NormalScores:
    """Normal scores `Phi^-1(u)` of mid-ranks `u`, by numeric column.

    `knots` are increasing values of the baseline, `scores` theirs; a column without values has
    none. What lies beyond the outermost values has their scores.
    """

    knots: tuple[NDArray[np.float64], ...]
    scores: tuple[NDArray[np.float64], ...]

    @classmethod
    def of(cls, numeric: NDArray[np.float64]) -> NormalScores:
        """Learn from the baseline's rows `(k, f1)`."""
        pairs = [_knots(column[np.isfinite(column)]) for column in numeric.T]
        return cls(tuple(pair[0] for pair in pairs), tuple(pair[1] for pair in pairs))

    def to(self, numeric: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores of rows `(k, f1)`; 0, the middle, for missing values."""
        scores = np.zeros(numeric.shape)
        for j, (knots, known) in enumerate(zip(self.knots, self.scores, strict=True)):
            if len(knots):
                scores[:, j] = np.interp(numeric[:, j], knots, known)
        scores[np.isnan(numeric)] = 0.0
        return scores


def _knots(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    distinct, counts = np.unique(values, return_counts=True)
    middle = (np.cumsum(counts) - counts / 2) / max(len(values), 1)
    kept = np.unique(np.linspace(0, len(distinct) - 1, KNOTS).astype(np.int64))
    kept = kept[: len(distinct)]
    return distinct[kept], ndtri(middle[kept])

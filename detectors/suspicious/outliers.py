"""How far rows lie from the baseline, robustly: by ranks, so that no unit and no tail matters.

Every number is taken as its normal score (see `suspicious.scores`); a row's distance is the
Mahalanobis distance of its scores plus what its categories tell, `-2 log` of
their shares. A row is outlying when it is farther away than all but SHARE of the baseline's rows,
which also finds rows whose values are each ordinary but do not belong together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHARE: Final = 0.01
ORDINARY: Final = 0.8
LEAST_ROWS: Final = 200
"""Rows of the baseline's sample below which nothing is called outlying."""
MOST_CORRELATED: Final = 200
"""Numeric columns up to which correlations are looked at."""
LEAST_SHRINKAGE: Final = 0.1
SPECIAL: Final = 3
"""Codes below zero: missing, wrong-typed, outside the vocabulary."""


@dataclass(frozen=True, eq=False)
class Distance:
    """Distances of rows from a baseline. Build it with `Distance.of`.

    Attributes
    ----------
    precision
        float64 `(f1, f1)`: inverse of the shrunk correlation matrix of the normal scores.
    surprise
        Per categorical column `-2 log share` by code, the special codes first, less its mean.
    limit, ordinary
        Distance beyond which a row is outlying, and that half of the rows of a window keep to
        unless all of it has moved.
    """

    precision: NDArray[np.float64]
    surprise: tuple[NDArray[np.float64], ...]
    limit: float
    ordinary: float

    @classmethod
    def of(
        cls, scores: NDArray[np.float64], codes: NDArray[np.int32], sizes: NDArray[np.int64]
    ) -> Distance | None:
        """Learn from the baseline's sample; None when it is too small.

        One half of the rows gives the law, the other the limit: it must hold for new rows.

        Parameters
        ----------
        scores
            float64 `(k, f1)`: normal scores of its numbers.
        codes
            int32 `(k, f2)`: its categories.
        sizes
            int64 `(f2,)`: lengths of the vocabularies.
        """
        if len(scores) < LEAST_ROWS or not scores.shape[1] + len(sizes):
            return None
        surprise = tuple(_surprise(codes[::2, j], size) for j, size in enumerate(sizes.tolist()))
        made = cls(_precision(scores[::2]), surprise, np.inf, np.inf)
        far = made.to(scores[1::2], codes[1::2])
        ordinary, limit = np.quantile(far, (ORDINARY, 1 - SHARE)).tolist()
        return cls(made.precision, made.surprise, limit, ordinary)

    def to(self, scores: NDArray[np.float64], codes: NDArray[np.int32]) -> NDArray[np.float64]:
        """Squared distance of each row, float64 `(k,)`; missing numbers say nothing."""
        distance: NDArray[np.float64] = np.vecdot(scores @ self.precision, scores)
        for j, surprise in enumerate(self.surprise):
            distance = distance + surprise[codes[:, j] + SPECIAL]
        return distance

    def outlying(self, scores: NDArray[np.float64], codes: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Which rows are outlying among ordinary ones, bool `(k,)`.

        None where most rows are far out: then the data have drifted, nobody hides among them.
        """
        far = self.to(scores, codes)
        moved = len(far) and np.median(far) > self.ordinary
        return far > (np.inf if moved else self.limit)


def _precision(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    rows, columns = scores.shape
    if columns > MOST_CORRELATED:
        return np.eye(columns)
    shrinkage = max(LEAST_SHRINKAGE, columns / (columns + rows))
    moments = scores.T @ scores / max(rows, 1)
    mixed = (1 - shrinkage) * moments + shrinkage * np.eye(columns)
    inverse: NDArray[np.float64] = np.linalg.inv(mixed)
    return inverse


def _surprise(codes: NDArray[np.int32], size: int) -> NDArray[np.float64]:
    counts = np.bincount(codes + SPECIAL, minlength=size + SPECIAL)
    share = (counts + 0.5) / (len(codes) + 0.5 * len(counts))
    surprise = -2 * np.log(share)
    centred: NDArray[np.float64] = surprise - float(surprise @ share)
    return centred

"""How far rows lie from the baseline, robustly: by ranks, so that no unit and no tail matters.

Every number becomes the normal score of its rank among the baseline's values, `z = Phi^-1(u)`; a
row's distance is the Mahalanobis distance of its scores plus what its categories tell, `-2 log` of
their shares. A row is outlying when it is farther away than all but SHARE of the baseline's rows,
which also finds rows whose values are each ordinary but do not belong together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import ndtri

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.profile.sample import Sample

SHARE: Final = 0.01
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
    values
        Per numeric column its finite baseline values, increasing.
    precision
        float64 `(f1, f1)`: inverse of the shrunk correlation matrix of the normal scores.
    surprise
        Per categorical column `-2 log share` by code, the special codes first, less its mean.
    limit
        Distance beyond which a row is outlying.
    """

    values: tuple[NDArray[np.float64], ...]
    precision: NDArray[np.float64]
    surprise: tuple[NDArray[np.float64], ...]
    limit: float

    @classmethod
    def of(cls, sample: Sample, sizes: NDArray[np.int64]) -> Distance | None:
        """Learn from the baseline's sample; None when it is too small.

        One half of the rows gives the law, the other the limit: it must hold for new rows.

        Parameters
        ----------
        sample
            Rows of the baseline.
        sizes
            int64 `(f2,)`: lengths of the vocabularies.
        """
        if len(sample) < LEAST_ROWS or not sample.numeric.shape[1] + len(sizes):
            return None
        law, judged = np.arange(0, len(sample), 2), np.arange(1, len(sample), 2)
        made = cls._of_law(sample.take(law), sizes)
        limit = float(np.quantile(made.to(sample.take(judged)), 1 - SHARE))
        return cls(made.values, made.precision, made.surprise, limit)

    @classmethod
    def _of_law(cls, sample: Sample, sizes: NDArray[np.int64]) -> Distance:
        values = tuple(np.sort(c[np.isfinite(c)]) for c in sample.numeric.T)
        surprise = tuple(
            _surprise(sample.categorical[:, j], size) for j, size in enumerate(sizes.tolist())
        )
        scores = normal_scores(values, sample.numeric)
        return cls(values, _precision(scores), surprise, np.inf)

    def to(self, sample: Sample) -> NDArray[np.float64]:
        """Squared distance of each row, float64 `(k,)`; missing values say nothing."""
        scores = normal_scores(self.values, sample.numeric)
        distance: NDArray[np.float64] = np.vecdot(scores @ self.precision, scores)
        for j, surprise in enumerate(self.surprise):
            distance = distance + surprise[sample.categorical[:, j] + SPECIAL]
        return distance

    def outlying(self, sample: Sample) -> NDArray[np.bool_]:
        """Which rows are outlying, bool `(k,)`."""
        return self.to(sample) > self.limit


def normal_scores(
    values: tuple[NDArray[np.float64], ...], numeric: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Normal scores of the mid-ranks of `numeric` `(k, f1)` among `values`; missing ones are 0."""
    scores = np.zeros(numeric.shape)
    for j, known in enumerate(values):
        if len(known):
            column = numeric[:, j]
            low = np.searchsorted(known, column, side="left")
            high = np.searchsorted(known, column, side="right")
            score = ndtri((low + high + 1) / (2 * len(known) + 2))
            scores[:, j] = np.where(np.isnan(column), 0.0, score)
    return scores


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

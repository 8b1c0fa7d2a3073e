"""Scores that lie close to where the decision changes: what an attack on the boundary looks like.

With one score the boundary is the threshold that best parts the baseline's predictions, .5 where
these do not follow the score; with a score per class it is where the two largest are equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.profile.frame import Frame
    from detectors.profile.sample import Sample

SCORE: Final = "score"
PREDICTION: Final = "prediction"
SHARE: Final = 0.02
"""Part of the baseline's scores that lies in the band."""
NARROWEST, WIDEST = 0.002, 0.05
LEAST_ROWS: Final = 200
FOLLOWS: Final = 0.99
"""Agreement from which on predictions are taken to follow the score."""


@dataclass(frozen=True, eq=False)
class Boundary:
    """Where decisions change: `columns` of scores, `threshold` of a single one, band of `width`."""

    columns: tuple[int, ...]
    threshold: float
    width: float

    @classmethod
    def of(cls, frame: Frame, sample: Sample) -> Boundary | None:
        """Learn from the baseline's sample; None without scores in [0, 1]."""
        names = frame.numeric.names
        columns = tuple(
            j for j, name in enumerate(names) if name == SCORE or name.startswith(f"{SCORE}.")
        )
        scores = sample.numeric[:, list(columns)]
        finite = scores[np.isfinite(scores)]
        if len(finite) < LEAST_ROWS or finite.min() < 0 or finite.max() > 1:
            return None
        threshold = _threshold(frame, sample, columns[0]) if len(columns) == 1 else 0.5
        made = cls(columns, threshold, 0.0)
        distance = made.distance(sample)
        width = float(np.quantile(distance[np.isfinite(distance)], SHARE))
        return cls(columns, threshold, min(max(width, NARROWEST), WIDEST))

    def distance(self, sample: Sample) -> NDArray[np.float64]:
        """Distance of each row's score from the boundary, float64 `(k,)`; NaN without a score."""
        scores = sample.numeric[:, list(self.columns)]
        if len(self.columns) == 1:
            apart: NDArray[np.float64] = np.abs(scores[:, 0] - self.threshold)
            return apart
        largest = np.sort(scores, axis=1)[:, -2:]
        margin: NDArray[np.float64] = (largest[:, 1] - largest[:, 0]) / 2
        return margin


def _threshold(frame: Frame, sample: Sample, column: int) -> float:
    """The score that parts two predictions best, .5 if none parts them well."""
    names = frame.categorical.names
    if PREDICTION not in names:
        return 0.5
    codes = sample.categorical[:, names.index(PREDICTION)]
    scores = sample.numeric[:, column]
    known = np.isfinite(scores) & ((codes == 0) | (codes == 1))
    if known.sum() < LEAST_ROWS or len(set(codes[known].tolist())) < 2:  # noqa: PLR2004
        return 0.5
    order = np.argsort(scores[known], kind="stable")
    score, high = scores[known][order], codes[known][order] == codes[known][order[-1]]
    right = np.cumsum(~high) + (high.sum() - np.cumsum(high))
    best = int(right[:-1].argmax())
    if right[best] < FOLLOWS * len(score):
        return 0.5
    return float(score[best] / 2 + score[best + 1] / 2)

"""All that makes rows suspicious, fitted to one baseline and counted in windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detectors.suspicious.alike import MOST_ROWS, Grid, Nearness, find_grid
from detectors.suspicious.boundary import Boundary
from detectors.suspicious.outliers import Distance
from detectors.suspicious.scores import NormalScores

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.profile.frame import Frame
    from detectors.profile.sample import Sample


@dataclass(frozen=True, eq=False)
class Marked:
    """Suspicious rows of one sample.

    All masks are bool over the first `MOST_ROWS` rows; `judged` rows were looked at, `scored` of
    them have a score.
    """

    outlying: NDArray[np.bool_]
    crowded: NDArray[np.bool_]
    grid: Grid
    hugging: NDArray[np.bool_]
    judged: int
    scored: int

    @property
    def alike(self) -> NDArray[np.bool_]:
        """Rows that are nearly the same as others."""
        return self.crowded | self.grid.rows

    @property
    def counts(self) -> dict[str, int]:
        """Counts by their names in `quality.counters.Layout`."""
        return {
            "judged": self.judged,
            "outlying": int(self.outlying.sum()),
            "alike": int(self.alike.sum()),
            "scored": self.scored,
            "hugging": int(self.hugging.sum()),
        }


@dataclass(frozen=True, eq=False)
class Suspicion:
    """What is usual. Build it with `Suspicion.of`."""

    scores: NormalScores
    distance: Distance | None
    nearness: Nearness
    boundary: Boundary | None

    @classmethod
    def of(cls, frame: Frame, sample: Sample) -> Suspicion:
        """Learn from the baseline's sample; deterministic."""
        scale = NormalScores.of(sample.numeric)
        scores = scale.to(sample.numeric)
        distance = Distance.of(scores, sample.categorical, frame.categorical.sizes)
        return cls(scale, distance, Nearness.of(scores), Boundary.of(frame, sample))

    def mark(self, sample: Sample) -> Marked:
        """Find the suspicious rows of a window's sample."""
        rows = sample.take(np.arange(min(len(sample), MOST_ROWS)))
        scores = self.scores.to(rows.numeric)
        none = np.zeros(len(rows), dtype=np.bool_)
        hugging, scored = none, 0
        if self.boundary is not None:
            distance = self.boundary.distance(rows)
            hugging, scored = distance <= self.boundary.width, int(np.isfinite(distance).sum())
        return Marked(
            outlying=none
            if self.distance is None
            else self.distance.outlying(scores, rows.categorical),
            crowded=self.nearness.crowded(scores),
            grid=find_grid(rows),
            hugging=hugging,
            judged=len(rows),
            scored=scored,
        )

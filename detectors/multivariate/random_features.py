"""Random Fourier features: a Gaussian kernel as an inner product of a few hundred numbers.

`exp(-|x - y|^2 / (2 s^2))` is the mean of `cos(w'(x - y))` over `w ~ N(0, I / s^2)`, so with
`D / 2` frequencies and their cosines and sines the mean feature vector stands for a whole
distribution of rows, and nothing is ever as large as rows times rows (Rahimi & Recht 2007; pairs of
cosine and sine: Sutherland & Schneider 2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detectors.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

CHUNK = 2_048
"""Rows whose features are made at once; they stay in cache."""
PAIRED = 500
"""Rows between which the median distance is taken."""


@dataclass(frozen=True, eq=False)
class RandomFeatures:
    """A frozen draw of frequencies. Build it with `RandomFeatures.draw`.

    Attributes
    ----------
    frequencies
        float32 `(p, D / 2)`.
    bandwidth
        The `s` of the kernel.
    """

    frequencies: NDArray[np.float32]
    bandwidth: float

    @classmethod
    def draw(
        cls, rows: NDArray[np.float64], features: int, rng: np.random.Generator
    ) -> RandomFeatures:
        """Frequencies for rows like these `(k, p)`.

        The bandwidth is the median distance between `PAIRED` of them drawn at random (the median
        heuristic), 1 if that is 0.

        Raises
        ------
        ParameterError
            If `features` is not even and positive.
        """
        if features < 2 or features % 2:  # noqa: PLR2004 - cosine and sine
            raise ParameterError(f"features must be even and positive, got {features}")
        bandwidth = _median_distance(rows, rng) or 1.0
        drawn = rng.standard_normal((rows.shape[1], features // 2)) / bandwidth
        return cls(drawn.astype(np.float32), bandwidth)

    @property
    def count(self) -> int:
        """How many features there are, `D`."""
        return 2 * int(self.frequencies.shape[1])

    def of(self, rows: NDArray[np.floating]) -> NDArray[np.float32]:
        """Features `(k, D)` of finite rows; the squared length of each is 1."""
        angle = rows.astype(np.float32, copy=False) @ self.frequencies
        made = np.empty((len(rows), self.count), np.float32)
        half = angle.shape[1]
        np.cos(angle, out=made[:, :half])
        np.sin(angle, out=made[:, half:])
        made *= np.float32(np.sqrt(1 / half))
        return made

    def chunks(self, rows: NDArray[np.floating]) -> Iterator[NDArray[np.float32]]:
        """Features of CHUNK rows at a time."""
        for start in range(0, len(rows), CHUNK):
            yield self.of(rows[start : start + CHUNK])

    def mean(self, rows: NDArray[np.floating]) -> NDArray[np.float64]:
        """Mean feature vector `(D,)`; zeros of no rows."""
        total = np.zeros(self.count)
        for made in self.chunks(rows):
            total += made.sum(axis=0, dtype=np.float64)
        return total / max(len(rows), 1)


def _median_distance(rows: NDArray[np.float64], rng: np.random.Generator) -> float:
    some = rows[rng.permutation(len(rows))[:PAIRED]]
    square = (some**2).sum(axis=1)
    squared = square[:, None] + square - 2 * (some @ some.T)
    apart = squared[np.triu_indices(len(some), 1)]
    return float(np.sqrt(max(np.median(apart), 0.0))) if len(apart) else 0.0

"""Principal components of a baseline, and how far a window's mean lies along each.

With covariance `V diag(l) V'` the whitened mean `z = sqrt(n) diag(l)^(-1/2) V' (mean - centre)` has
independent entries of variance 1 for independent rows, and Hotelling's `T2` is their sum of squares
(Hotelling 1931). Rotating back, `V z`, gives one entry per feature (ZCA whitening): the part of the
feature's shift that the others do not share; its squares divide `T2` among the features (CAR
scores: Zuber & Strimmer 2011; Kessy, Lewin & Strimmer 2018).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detectors.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST = 1e-3
"""Directions that vary less than this (features vary by 1) count as varying so much: an identity
between columns is no division by zero."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Principal components of `p` features. Build it with `Spectrum.of`.

    Attributes
    ----------
    centre
        float64 `(p,)`: the mean.
    axes
        float64 `(p, q)`: unit vectors, the widest first; the largest entry of each is positive.
    variance
        float64 `(q,)`, non-increasing, at least LEAST times the mean variance of the features.
    """

    centre: NDArray[np.float64]
    axes: NDArray[np.float64]
    variance: NDArray[np.float64]

    @classmethod
    def of(cls, matrix: NDArray[np.float64], centre: NDArray[np.float64] | None = None) -> Spectrum:
        """All components of a finite matrix `(k, p)`; `centre` where the mean is known better.

        Raises
        ------
        InputError
            If there are fewer than 2 rows or no feature.
        """
        if len(matrix) < 2 or not matrix.shape[1]:  # noqa: PLR2004 - a variance needs two
            raise InputError(f"no principal components of a matrix {matrix.shape}")
        mean = matrix.mean(axis=0)
        centred = matrix - mean
        covariance = centred.T @ centred / (len(matrix) - 1)
        variance, axes = np.linalg.eigh(covariance)
        floor = LEAST * max(float(variance.mean()), 1e-300)
        axes = axes[:, ::-1]
        largest = np.abs(axes).argmax(axis=0)
        axes = axes * np.sign(axes[largest, np.arange(axes.shape[1])])
        return cls(mean if centre is None else centre, axes, np.maximum(variance[::-1], floor))

    def ends(self, most: int) -> Spectrum:
        """At most so many components: the widest and the narrowest.

        Wide ones are what columns do together, narrow ones the relations that hold between them.
        """
        q = len(self.variance)
        if q <= most:
            return self
        kept = np.r_[: most - most // 2, q - most // 2 : q]
        return Spectrum(self.centre, self.axes[:, kept], self.variance[kept])

    def first(self, most: int) -> Spectrum:
        """At most so many components, the widest."""
        return Spectrum(self.centre, self.axes[:, :most], self.variance[:most])

    def whitened(self, mean: NDArray[np.float64], rows: float) -> NDArray[np.float64]:
        """Whitened mean `(q,)` of `rows` rows with mean `(p,)`."""
        along = (mean - self.centre) @ self.axes
        score: NDArray[np.float64] = np.sqrt(rows) * along / np.sqrt(self.variance)
        return score

    def by_feature(self, whitened: NDArray[np.float64]) -> NDArray[np.float64]:
        """Squared part of every feature `(p,)` of a whitened mean; sums to `T2`."""
        squared: NDArray[np.float64] = (self.axes @ whitened) ** 2
        return squared

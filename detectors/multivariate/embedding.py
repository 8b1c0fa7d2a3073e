"""Drift of embedding columns: vectors of a model, of which no single entry means anything.

Two views of every column: the mean vector along the baseline's widest principal components,
whitened, and the mean of random Fourier features along theirs, which sees what leaves the mean
where it was, such as a cluster that appears or one that splits. In a notebook, `hotelling` and
`mmd` take vectors as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from detectors.card import Card
from detectors.errors import ParameterError
from detectors.multivariate.explanation import explained, shares_by_column
from detectors.multivariate.random_features import RandomFeatures
from detectors.multivariate.rounding import rounded
from detectors.multivariate.seed import seed_of
from detectors.multivariate.spectrum import Spectrum
from detectors.sequential.budget import Share

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from detectors.profile.profile import Profile
    from detectors.profile.sample import Sample
    from detectors.protocols import Window
    from detectors.result import Explanation

MIN_ROWS = 50
"""A window with fewer complete vectors is not observed, and a baseline not learned from."""


@dataclass(frozen=True)
class Embedding:
    """Parameters of the detector `embedding`.

    Parameters
    ----------
    directions
        Components of the mean that are watched of every column, and as many of the features.
    features
        Random features, even and positive.

    Raises
    ------
    ParameterError
        If a value is out of its domain.
    """

    directions: int = 16
    features: int = 128

    card: ClassVar[Card] = Card(
        input="vectors of the sample, columns of kind embedding",
        statistic="whitened mean vector and whitened mean of random Fourier features, along the "
        "widest components of each",
        guarantee="the budget's, as calibrated on the baseline's windows",
        cost="15 ms per window of 2,000 vectors of 256 numbers",
        memory="4 bytes per dimension and feature, 8 per dimension and direction",
        reference="Rahimi & Recht 2007, NIPS 20; Rabanser, Guennemann & Lipton 2019, NeurIPS 32",
        avoid="when the encoder changes: that is another embedding, and needs another baseline",
    )

    def __post_init__(self) -> None:
        if self.directions < 1 or self.features < 2 or self.features % 2:  # noqa: PLR2004
            raise ParameterError("directions must be at least 1, features even and positive")

    def fit(self, profile: Profile, sample: Sample) -> FittedEmbedding | None:
        """Components of every column with enough vectors; None without one."""
        names = profile.frame.columns
        rng = np.random.default_rng(seed_of(sample))
        spaces = {}
        for column, vectors in sample.vectors.items():
            rows = _complete(vectors)
            if column in names and len(rows) >= MIN_ROWS and rows.shape[1] and rows.std() > 0:
                spaces[column] = Space.of(rows, self.directions, self.features, rng)
        return FittedEmbedding(names, spaces) if spaces else None


@dataclass(frozen=True, eq=False)
class Space:
    """Where the vectors of one column lie; scaled by one number, so that directions stay."""

    scale: float
    mean: Spectrum
    features: RandomFeatures
    kernel: Spectrum

    @classmethod
    def of(
        cls, rows: NDArray[np.float64], directions: int, features: int, rng: np.random.Generator
    ) -> Space:
        """Space of vectors `(k, dim)`."""
        scale = float(rows.std())
        scaled = rows / scale
        drawn = RandomFeatures.draw(scaled, features, rng)
        kernel = Spectrum.of(drawn.of(scaled).astype(np.float64)).first(directions)
        return cls(scale, Spectrum.of(scaled).first(directions), drawn, kernel)

    @property
    def series(self) -> tuple[str, ...]:
        """What each score says."""
        means = (f"mean, component {i + 1}" for i in range(len(self.mean.variance)))
        kernels = (f"kernel component {i + 1}" for i in range(len(self.kernel.variance)))
        return (*means, *kernels)

    def scores(self, vectors: NDArray[np.float32]) -> NDArray[np.float64]:
        """Whitened means of vectors `(k, dim)`; NaN with too few complete ones."""
        rows = _complete(vectors)
        if len(rows) < MIN_ROWS or rows.shape[1] != len(self.mean.centre):
            return np.full(len(self.series), np.nan)
        scaled = rows / self.scale
        mean = self.mean.whitened(scaled.mean(axis=0), len(rows))
        return np.append(mean, self.kernel.whitened(self.features.mean(scaled), len(rows)))


@dataclass(frozen=True, eq=False)
class FittedEmbedding:
    """Spaces of a baseline's embedding columns; `columns` are all of the frame."""

    columns: tuple[str, ...]
    spaces: Mapping[str, Space]

    name: ClassVar[str] = "embedding"
    share: ClassVar[Share] = Share.MULTIVARIATE

    @property
    def series(self) -> tuple[str, ...]:
        """Those of every column, one column after the other."""
        return tuple(f"{c}: {name}" for c, space in self.spaces.items() for name in space.series)

    def measure(self, window: Window) -> NDArray[np.float64]:
        """Whitened means; NaN where a column has too few vectors."""
        return rounded(np.concatenate(list(self._scores(window.sample).values())))

    def explain(self, window: Window) -> Explanation:
        """Which of the columns moved."""
        excess = {
            column: max(float(np.nansum(np.square(scores) - 1)), 0.0)
            for column, scores in self._scores(window.sample).items()
        }
        of = np.array([self.columns.index(column) for column in excess], dtype=np.int64)
        shares = shares_by_column(np.array(list(excess.values())), of, self.columns)
        return explained("vectors lie elsewhere than in the baseline", shares)

    def _scores(self, sample: Sample) -> dict[str, NDArray[np.float64]]:
        nothing = np.empty((0, 0), np.float32)
        return {
            column: space.scores(sample.vectors.get(column, nothing))
            for column, space in self.spaces.items()
        }


def _complete(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Rows without NaN or infinity, `(k, dim)`."""
    return vectors[np.isfinite(vectors).all(axis=1)].astype(np.float64)

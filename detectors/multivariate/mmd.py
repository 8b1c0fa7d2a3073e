"""Maximum mean discrepancy with random Fourier features: any difference of two sets of rows.

`MMD^2 = |mean phi(x) - mean phi(y)|^2` with features `phi` of a Gaussian kernel (Gretton et al.
2012; Choi & Kim 2024 on how many features it takes). The null distribution comes from exchanging
groups of neighbouring rows between the sets: groups of exchangeable rows are exchangeable, so the
p-value is exact, and a thousand permutations are one small product of matrices.

In time, what is watched is the mean feature vector along its principal components on the baseline,
whitened: linear in the data, as in `moments`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from detectors.card import Card
from detectors.errors import ParameterError
from detectors.multivariate.arrays import two_samples
from detectors.multivariate.encode import Encoder
from detectors.multivariate.explanation import explained, shares_by_column
from detectors.multivariate.random_features import RandomFeatures
from detectors.multivariate.rounding import rounded
from detectors.multivariate.seed import seed_of
from detectors.multivariate.spectrum import Spectrum
from detectors.sequential.budget import Share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.profile.profile import Profile
    from detectors.profile.sample import Sample
    from detectors.protocols import Window
    from detectors.result import Explanation

GROUPS = 400
"""Groups of rows, both sets together, that are exchanged; fewer rows are exchanged one by one."""
MIN_ROWS = 50
"""A window with fewer sampled rows is not observed."""
BLAMED_ROWS = 1_000
"""Rows from which the columns' shares are found."""


@dataclass(frozen=True)
class MaximumMeanDiscrepancy:
    """Parameters of the detector `mmd`.

    Parameters
    ----------
    features
        Random features, even and positive.
    directions
        Principal components of the mean feature vector that are watched at most.
    permutations
        Of the p-value that is shown.

    Raises
    ------
    ParameterError
        If a value is out of its domain.
    """

    features: int = 256
    directions: int = 32
    permutations: int = 1_000

    card: ClassVar[Card] = Card(
        input="rows of the sample: numbers as normal scores, frequent categories as indicators",
        statistic="squared distance of mean random Fourier features (Gaussian kernel, median "
        "bandwidth); in time the mean feature vector along its principal components",
        guarantee="the budget's, as calibrated on the baseline's windows; the p-value: exact for "
        "exchangeable rows",
        cost="5 ms per window of 5,000 rows and 60 columns; 0.04 s for 10,000 + 10,000 x 60 with "
        "1,000 permutations",
        memory="4 bytes per column and feature",
        reference="Gretton et al. 2012, JMLR 13; Rahimi & Recht 2007, NIPS 20",
        avoid="as the only one: shifts of means and correlations are found sooner by moments and "
        "correlation",
    )

    def __post_init__(self) -> None:
        if self.features < 2 or self.features % 2:  # noqa: PLR2004 - cosine and sine
            raise ParameterError(f"features must be even and positive, got {self.features}")
        if self.directions < 1 or self.permutations < 1:
            raise ParameterError("directions and permutations must be at least 1")

    def fit(self, profile: Profile, sample: Sample) -> FittedMmd | None:
        """Frequencies and components of the baseline; None where there is nothing to watch."""
        if len(sample) < MIN_ROWS:
            return None
        encoder = Encoder.of(profile, sample)
        if not encoder.features:
            return None
        rows = np.nan_to_num(encoder.encode(sample))
        rng = np.random.default_rng(seed_of(sample))
        features = RandomFeatures.draw(rows, self.features, rng)
        spectrum = Spectrum.of(features.of(rows).astype(np.float64)).first(self.directions)
        return FittedMmd(self, encoder, features, spectrum, rows.astype(np.float32))


@dataclass(frozen=True, eq=False)
class FittedMmd:
    """Random features of a baseline, and the rows `(k, p)` that windows are compared with."""

    params: MaximumMeanDiscrepancy
    encoder: Encoder
    features: RandomFeatures
    spectrum: Spectrum
    reference: NDArray[np.float32]

    name: ClassVar[str] = "mmd"
    share: ClassVar[Share] = Share.MULTIVARIATE

    @property
    def series(self) -> tuple[str, ...]:
        """One per component."""
        return tuple(f"kernel component {i + 1}" for i in range(len(self.spectrum.variance)))

    def measure(self, window: Window) -> NDArray[np.float64]:
        """Whitened mean features; NaN with too few rows."""
        rows = len(window.sample)
        if rows < MIN_ROWS:
            return np.full(len(self.spectrum.variance), np.nan)
        mean = self.features.mean(np.nan_to_num(self.encoder.encode(window.sample)))
        return rounded(self.spectrum.whitened(mean, rows))

    def explain(self, window: Window) -> Explanation:
        """MMD with its p-value, and how much of it goes with each column put back."""
        rows = np.nan_to_num(self.encoder.encode(window.sample)).astype(np.float32)
        rng = np.random.default_rng(seed_of(window.sample))
        found = _test(self.features, self.reference, rows, self.params.permutations, rng)
        parts = self._blame(rows[:BLAMED_ROWS])
        shares = shares_by_column(parts, self.encoder.columns, self.encoder.frame.columns)
        size = f"MMD^2 {found.statistic:.2g}, p {found.p_value:.2g}"
        return explained(f"rows are distributed differently ({size})", shares)

    def _blame(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        """By how much MMD^2 falls when a feature's values come from the baseline instead."""
        instead = self.reference[np.arange(len(rows)) % len(self.reference)]
        usual = self.features.mean(self.reference)
        whole = float(((self.features.mean(rows) - usual) ** 2).sum())
        parts = np.zeros(rows.shape[1])
        for j in range(rows.shape[1]):
            without = rows.copy()
            without[:, j] = instead[:, j]
            left = float(((self.features.mean(without) - usual) ** 2).sum())
            parts[j] = max(whole - left, 0.0)
        return np.round(parts, 9)


@dataclass(frozen=True, slots=True)
class Mmd:
    """Two-sample test by MMD.

    Attributes
    ----------
    statistic
        `MMD^2`, at least 0; about `(1/m + 1/n) (1 - |mean phi|^2)` without a difference.
    p_value
        Permutation p-value, at least `1 / (permutations + 1)`.
    bandwidth
        Of the Gaussian kernel, in standard deviations of the columns.
    """

    statistic: float
    p_value: float
    bandwidth: float


def mmd(
    reference: NDArray[np.float64],
    current: NDArray[np.float64],
    *,
    rng: np.random.Generator,
    features: int = 256,
    permutations: int = 1_000,
) -> Mmd:
    """Test whether two sets of rows `(m, p)` and `(n, p)` come from one distribution.

    NaN counts as the column's mean. Rows are grouped with their neighbours, so an order in time
    makes the test hold better where neighbours are alike.

    Raises
    ------
    InputError
        If shapes disagree, or a set has fewer than 2 rows or no column.
    ParameterError
        If `features` is not even and positive.
    """
    first, second = two_samples(reference, current)
    drawn = RandomFeatures.draw(np.vstack([first, second]), features, rng)
    return _test(drawn, first, second, permutations, rng)


def _test(
    features: RandomFeatures,
    first: NDArray[np.floating],
    second: NDArray[np.floating],
    permutations: int,
    rng: np.random.Generator,
) -> Mmd:
    """`MMD^2`, and its place among those after exchanging groups of rows."""
    size = max(1, (len(first) + len(second)) // GROUPS)
    size = min(size, len(first), len(second))
    groups = [_group_means(features, side, size) for side in (first, second)]
    both = np.vstack(groups)
    m, n = len(groups[0]), len(groups[1])
    both -= both.mean(axis=0)
    # The means of the two sides are opposite multiples of the sum over one of them.
    belongs = np.tile(np.arange(m + n) < m, (permutations, 1))
    exchanged = rng.permuted(belongs, axis=1).astype(np.float64) @ both
    null = (exchanged**2).sum(axis=1)
    seen = float((both[:m].sum(axis=0) ** 2).sum())
    larger = int((null >= seen * (1 - 1e-9)).sum())
    gap = features.mean(first) - features.mean(second)
    return Mmd(float(gap @ gap), (1 + larger) / (1 + permutations), features.bandwidth)


def _group_means(
    features: RandomFeatures, rows: NDArray[np.floating], size: int
) -> NDArray[np.float64]:
    """Mean features of every `size` neighbours, `(k // size, D)`; the rest is left out."""
    whole = len(rows) // size * size
    step = max(1, 2_048 // size) * size
    parts = []
    for start in range(0, whole, step):
        made = features.of(rows[start : min(start + step, whole)])
        parts.append(made.reshape(-1, size, features.count).mean(axis=1, dtype=np.float64))
    return np.concatenate(parts)

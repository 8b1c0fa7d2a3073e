"""Shifts of many means at once: Hotelling's T2 along the baseline's principal components.

A window's rows become normal scores and indicators (`encode`); their mean, whitened, has one entry
per principal component, about N(0, 1) for independent rows. These entries are what is watched in
time, not their sum of squares `T2`: entries are linear in the data, so a season or slow wandering
is a level that can be predicted, while in a `T2` against the baseline it is a square that hides
everything else (a shift of .03 sd in all of 60 columns, windows of 1,000 rows with a daily season:
found in 1 window from the entries, in 20 from `T2`; without a season in 2 and 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import fdtrc

from detectors.card import Card
from detectors.errors import ParameterError
from detectors.multivariate.arrays import two_samples
from detectors.multivariate.encode import Encoder
from detectors.multivariate.explanation import explained, shares_by_column
from detectors.multivariate.rounding import rounded
from detectors.multivariate.spectrum import Spectrum
from detectors.sequential.budget import Share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.profile.profile import Profile
    from detectors.profile.sample import Sample
    from detectors.protocols import Window
    from detectors.result import Explanation

MIN_ROWS = 50
"""A window with fewer sampled rows is not observed."""
LOST = 0.1
"""A feature that a window misses by so much more than the baseline is not observed by it."""
ALONE = 0.9
"""Share of T2 from which it is one column's shift and not one of several."""
NEGLIGIBLE = 0.01
"""Part of a component that may rest on features that are not observed."""


@dataclass(frozen=True)
class Moments:
    """Parameters: `directions`, how many principal components are watched at most.

    Raises
    ------
    ParameterError
        If it is less than 2.
    """

    directions: int = 64

    card: ClassVar[Card] = Card(
        input="rows of the sample: numbers as normal scores, frequent categories as indicators",
        statistic="whitened mean along each principal component, z = sqrt(n) (mean - centre) v / "
        "sqrt(l); their sum of squares is Hotelling's T2",
        guarantee="the budget's, as calibrated on the baseline's windows; as a test of two "
        "arrays: fixed sample, assumes independent rows",
        cost="5 ms per window of 5,000 rows and 60 columns",
        memory="8 bytes per column and direction",
        reference="Hotelling 1931, Ann. Math. Stat. 2; Kessy, Lewin & Strimmer 2018, Am. Stat. 72",
        avoid="to find changed relations with unchanged means: use correlation; with fewer than "
        "50 rows a window",
    )

    def __post_init__(self) -> None:
        if self.directions < 2:  # noqa: PLR2004 - fewer is no direction among several
            raise ParameterError(f"directions must be at least 2, got {self.directions}")

    def fit(self, profile: Profile, sample: Sample) -> FittedMoments | None:
        """Principal components of the baseline; None of fewer than two features."""
        if len(sample) < MIN_ROWS:
            return None
        encoder = Encoder.of(profile, sample)
        if len(encoder.features) < 2:  # noqa: PLR2004 - one is univariate
            return None
        matrix = encoder.encode(sample)
        present = np.isfinite(matrix).mean(axis=0)
        filled = np.nan_to_num(matrix)
        spectrum = Spectrum.of(filled, np.zeros(filled.shape[1])).ends(self.directions)
        return FittedMoments(encoder, spectrum, present)


@dataclass(frozen=True, eq=False)
class FittedMoments:
    """Principal components of a baseline.

    Attributes
    ----------
    encoder, spectrum
        From rows to features, and the components of the features.
    present
        float64 `(p,)`: share of the baseline's rows that have each feature.
    """

    encoder: Encoder
    spectrum: Spectrum
    present: NDArray[np.float64]

    name: ClassVar[str] = "moments"
    share: ClassVar[Share] = Share.MULTIVARIATE

    @property
    def series(self) -> tuple[str, ...]:
        """One per component, named by its two largest features."""
        order = np.argsort(-np.abs(self.spectrum.axes), axis=0, kind="stable")[:2]
        labels = self.encoder.labels
        pairs = enumerate(order.T.tolist(), 1)
        return tuple(f"component {i}: {labels[a]} and {labels[b]}" for i, (a, b) in pairs)

    def measure(self, window: Window) -> NDArray[np.float64]:
        """Whitened means; NaN along components that the window lacks features of."""
        if len(window.sample) < MIN_ROWS:
            return np.full(len(self.spectrum.variance), np.nan)
        score, lost = self._score(window.sample)
        unseen = (self.spectrum.axes[lost] ** 2).sum(axis=0) > NEGLIGIBLE
        return rounded(np.where(unseen, np.nan, score))

    def explain(self, window: Window) -> Explanation:
        """How T2 divides among the columns."""
        score, lost = self._score(window.sample)
        parts = np.where(lost, 0.0, self.spectrum.by_feature(score))
        shares = shares_by_column(parts, self.encoder.columns, self.encoder.frame.columns)
        alone = next(iter(shares.values()), 0.0) >= ALONE
        what = "one column left the others" if alone else "several columns moved together"
        return explained(what, shares)

    def _score(self, sample: Sample) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Whitened mean, and which features the window lacks."""
        matrix = self.encoder.encode(sample)
        present = np.isfinite(matrix).sum(axis=0)
        total = np.nan_to_num(matrix).sum(axis=0)
        rows = max(len(matrix), 1)
        return self.spectrum.whitened(total / rows, rows), present / rows < self.present - LOST


@dataclass(frozen=True, eq=False)
class Hotelling:
    """Two-sample test of equal means.

    Attributes
    ----------
    statistic
        `T2 = (n m / (n + m)) d' S^-1 d` with the pooled covariance `S`.
    p_value
        Exact for normal rows: `T2 (n + m - p - 1) / (p (n + m - 2))` is F(p, n + m - p - 1). NaN
        with too few rows; conservative where some columns determine others.
    shares
        float64 `(p,)`: part of `T2` that each feature makes; sums to 1.
    """

    statistic: float
    p_value: float
    shares: NDArray[np.float64]


def hotelling(reference: NDArray[np.float64], current: NDArray[np.float64]) -> Hotelling:
    """Test whether two sets of rows `(m, p)` and `(n, p)` have the same mean.

    NaN counts as the column's mean; a constant column counts for nothing.

    Raises
    ------
    InputError
        If shapes disagree, or a set has fewer than 2 rows or no column.
    """
    first, second = two_samples(reference, current)
    m, (n, p) = len(first), second.shape
    within = np.vstack([first - first.mean(axis=0), second - second.mean(axis=0)])
    live = within.std(axis=0) > 0
    spectrum = Spectrum.of(within[:, live], np.zeros(int(live.sum()))) if live.any() else None
    parts = np.zeros(p)
    if spectrum is not None:
        adjusted = (m + n - 2) / (m + n - 1)
        gap = (second.mean(axis=0) - first.mean(axis=0))[live]
        score = spectrum.whitened(gap, n * m / (n + m)) * np.sqrt(adjusted)
        parts[live] = spectrum.by_feature(score)
    total, rank, spare = float(parts.sum()), int(live.sum()), m + n - int(live.sum()) - 1
    p_value = float("nan")
    if rank and spare > 0:
        p_value = float(fdtrc(rank, spare, total * spare / (rank * (m + n - 2))))
    return Hotelling(total, p_value, parts / total if total > 0 else parts)

"""Reconstruction error of a principal-component model: do rows still lie where rows used to lie.

The components that make `kept` of the baseline's variance span a plane; a row's error is its
distance from it. Relations that break throw rows off the plane, which no single mean shows
(Jackson & Mudholkar 1979).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import ndtr

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
FEWEST = 2
"""Features that a plane needs at least."""


@dataclass(frozen=True, eq=False)
class Plane:
    """Principal components `axes` `(p, q)` through `centre` `(p,)`."""

    centre: NDArray[np.float64]
    axes: NDArray[np.float64]

    @classmethod
    def of(cls, rows: NDArray[np.float64], kept: float) -> Plane:
        """The fewest components with `kept` of the variance of rows `(k, p)`, one left out."""
        spectrum = Spectrum.of(rows)
        share = np.cumsum(spectrum.variance) / spectrum.variance.sum()
        q = min(int(np.searchsorted(share, kept)) + 1, rows.shape[1] - 1)
        return cls(spectrum.centre, spectrum.axes[:, :q])

    def residuals(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """What of each row `(k, p)` lies off the plane."""
        centred = rows - self.centre
        residuals: NDArray[np.float64] = centred - (centred @ self.axes) @ self.axes.T
        return residuals


@dataclass(frozen=True)
class Reconstruction:
    """Parameters: `kept`, the share of variance that the plane keeps, in (0, 1).

    Raises
    ------
    ParameterError
        If it is not.
    """

    kept: float = 0.65

    card: ClassVar[Card] = Card(
        input="rows of the sample: numbers as normal scores, frequent categories as indicators",
        statistic="mean distance of rows from the plane of the baseline's principal components",
        guarantee="the budget's, as calibrated on the baseline's windows; as a test of two "
        "arrays: fixed sample, assumes independent rows",
        cost="4 ms per window of 5,000 rows and 60 columns",
        memory="8 bytes per column and component",
        reference="Jackson & Mudholkar 1979, Technometrics 21",
        avoid="as the only one: it adds up all features into one number, and correlation finds "
        "broken relations sooner",
    )

    def __post_init__(self) -> None:
        if not 0 < self.kept < 1:
            raise ParameterError(f"kept must be in (0, 1), got {self.kept}")

    def fit(self, profile: Profile, sample: Sample) -> FittedReconstruction | None:
        """Plane from every other row, usual errors from the rest; None of fewer than 2 features."""
        if len(sample) < 2 * MIN_ROWS:
            return None
        encoder = Encoder.of(profile, sample)
        if len(encoder.features) < FEWEST:
            return None
        rows = np.nan_to_num(encoder.encode(sample))
        plane = Plane.of(rows[::2], self.kept)
        residuals = plane.residuals(rows[1::2])
        errors = np.sqrt((residuals**2).sum(axis=1))
        spread = float(errors.std(ddof=1))
        if not spread > 0:
            return None
        by_feature = (residuals**2).mean(axis=0)
        return FittedReconstruction(encoder, plane, float(errors.mean()), spread, by_feature)


@dataclass(frozen=True, eq=False)
class FittedReconstruction:
    """A plane, the mean and standard deviation of the baseline's errors, and whose they are."""

    encoder: Encoder
    plane: Plane
    usual: float
    spread: float
    by_feature: NDArray[np.float64]

    name: ClassVar[str] = "reconstruction"
    share: ClassVar[Share] = Share.MULTIVARIATE
    series: ClassVar[tuple[str, ...]] = ("reconstruction error",)

    def measure(self, window: Window) -> NDArray[np.float64]:
        """Mean error in standard errors from the usual; NaN with too few rows."""
        rows = len(window.sample)
        if rows < MIN_ROWS:
            return np.array([np.nan])
        errors = np.sqrt((self._residuals(window.sample) ** 2).sum(axis=1))
        return rounded(np.array([np.sqrt(rows) * (errors.mean() - self.usual) / self.spread]))

    def explain(self, window: Window) -> Explanation:
        """The mean error, and whose residuals grew."""
        squared = self._residuals(window.sample) ** 2
        error = float(np.sqrt(squared.sum(axis=1)).mean()) if len(squared) else float("nan")
        grown = squared.mean(axis=0) - self.by_feature if len(squared) else 0 * self.by_feature
        parts = np.maximum(grown if error >= self.usual else -grown, 0.0)
        shares = shares_by_column(parts, self.encoder.columns, self.encoder.frame.columns)
        return explained(f"reconstruction error {self.usual:.2f} to {error:.2f}", shares)

    def _residuals(self, sample: Sample) -> NDArray[np.float64]:
        return self.plane.residuals(np.nan_to_num(self.encoder.encode(sample)))


@dataclass(frozen=True, eq=False)
class ReconstructionChange:
    """Outcome of comparing two sets of rows.

    Attributes
    ----------
    usual, current
        Mean error of reference rows that the plane has not seen, and of current rows.
    p_value
        Two-sided, of equal mean errors, given the plane; NaN when errors do not vary.
    parts
        float64 `(p,)`: mean squared residual of each feature, current less usual.
    """

    usual: float
    current: float
    p_value: float
    parts: NDArray[np.float64]


def reconstruction_change(
    reference: NDArray[np.float64], current: NDArray[np.float64], *, kept: float = 0.65
) -> ReconstructionChange:
    """Compare how far two sets of rows `(m, p)` and `(n, p)` lie from the reference's plane.

    The plane is fitted to every other reference row. NaN counts as the column's mean.

    Raises
    ------
    InputError
        If shapes disagree, or there are fewer than 4 and 2 rows, or 2 columns.
    ParameterError
        If `kept` is not in (0, 1).
    """
    first, second = two_samples(reference, current)
    plane = Plane.of(first[::2], Reconstruction(kept).kept)
    squared = [plane.residuals(side) ** 2 for side in (first[1::2], second)]
    errors = [np.sqrt(side.sum(axis=1)) for side in squared]
    means = [float(side.mean()) for side in errors]
    variance = sum(float(e.var(ddof=1)) / len(e) for e in errors if len(e) > 1)
    p_value = float("nan")
    if variance > 0:
        p_value = 2 * float(ndtr(-abs(means[1] - means[0]) / np.sqrt(variance)))
    parts = squared[1].mean(axis=0) - squared[0].mean(axis=0)
    return ReconstructionChange(means[0], means[1], p_value, parts)

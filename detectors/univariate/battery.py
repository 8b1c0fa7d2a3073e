"""Several univariate detectors on one baseline: one comparison per window serves them all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from detectors import registry
from detectors.univariate.comparison import Reference

if TYPE_CHECKING:
    from collections.abc import Iterable

    from detectors.profile.profile import Profile
    from detectors.protocols import FittedUnivariate, Univariate
    from detectors.result import ColumnStatistics


@dataclass(frozen=True)
class Battery:
    """Fitted detectors that share a reference. Build it with `Battery.fit`."""

    reference: Reference
    fitted: tuple[FittedUnivariate, ...]

    @classmethod
    def fit(
        cls, baseline: Profile, detectors: Iterable[Univariate] | None = None, bins: int = 10
    ) -> Battery:
        """Fit detectors to a baseline.

        Parameters
        ----------
        baseline
            Profile of the baseline's rows.
        detectors
            Parameters objects; all built-in univariate ones with their defaults when None.
        bins
            Quantile groups per numeric column (see `Reference.of`).
        """
        reference = Reference.of(baseline, bins)
        if detectors is None:
            names = registry.FAMILIES[registry.UNIVARIATE]
            detectors = [registry.load(name)() for name in names]
        return cls(reference, tuple(detector.fit(reference) for detector in detectors))

    def judge_part(self, window: Profile) -> tuple[ColumnStatistics, ...]:
        """As `judge`, of a window that is part of the baseline: it is compared with the rest.

        What comes out is what a window like those of the baseline shows when it is new.
        """
        comparison = self.reference.without(window).compare(window)
        return tuple(fitted.judge(comparison) for fitted in self.fitted)

    def judge(self, window: Profile) -> tuple[ColumnStatistics, ...]:
        """Measure all columns of one window, one result per detector in the order of fitting."""
        comparison = self.reference.compare(window)
        return tuple(fitted.judge(comparison) for fitted in self.fitted)

"""What is normal for the quality of a model's data: prepared once, used for every window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detectors.errors import InputError
from detectors.quality.counters import Layout, count_faults, exposures
from detectors.quality.rates import Counted, RateRule, Rates, estimate_dispersion, judge_rates

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.profile.frame import Frame
    from detectors.profile.profile import Profile


@dataclass(frozen=True, eq=False)
class FaultHistory:
    """Faults of the baseline's own `R` windows.

    `rows` int64 `(R,)`; `faults` int64 `(R, k)`, each row a `count_faults` of that window.
    """

    rows: NDArray[np.int64]
    faults: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.faults.ndim != 2 or len(self.faults) != len(self.rows):  # noqa: PLR2004
            raise InputError("a fault history needs one row of faults per window")


@dataclass(frozen=True, eq=False)
class Observed:
    """A window's profile and its faults, int64 `(k,)` in the order of `Layout`."""

    profile: Profile
    counted: Counted


@dataclass(frozen=True, eq=False)
class QualityBaseline:
    """A baseline prepared for quality rules. Build it with `QualityBaseline.of`.

    Attributes
    ----------
    profile
        The pooled profile of the baseline.
    counted
        Its faults, int64 `(k,)` in the order of `layout`.
    dispersion
        float64 `(k,)`: squared coefficient of variation of each rate between windows.
    ever_constant
        bool `(f1 + f2,)`: whether some window of the history held a single value.
    """

    profile: Profile
    rule: RateRule
    layout: Layout
    counted: Counted
    dispersion: NDArray[np.float64]
    ever_constant: NDArray[np.bool_]

    @classmethod
    def of(
        cls, profile: Profile, history: FaultHistory | None = None, rule: RateRule | None = None
    ) -> QualityBaseline:
        """Prepare a baseline.

        Parameters
        ----------
        profile
            Profile of all baseline rows.
        history
            Faults of its windows; without, rates are taken to vary by `rule.dispersion`, and
            columns that are constant within windows (a month, a release) look broken.
        rule
            What makes a rate a finding; the defaults when None.

        Raises
        ------
        InputError
            If the history was counted on another frame.
        """
        rule, layout = rule or RateRule(), Layout.of(profile.frame)
        faults = count_faults(profile)
        counted = Counted(faults, exposures(layout, np.array(profile.rows), faults))
        dispersion = np.full(layout.size, rule.dispersion)
        constant = np.zeros_like(faults[layout.constant], dtype=np.bool_)
        if history is not None and len(history.rows):
            if history.faults.shape[1] != layout.size:
                raise InputError(f"the history must have {layout.size} counts per window")
            parts = Counted(history.faults, exposures(layout, history.rows, history.faults))
            dispersion = estimate_dispersion(parts, rule.dispersion)
            counted = _by_window(counted, parts, layout)
            constant = history.faults[:, layout.constant].max(axis=0) > 0
        return cls(profile, rule, layout, counted, dispersion, constant)

    @property
    def frame(self) -> Frame:
        """The baseline's frame."""
        return self.profile.frame

    def observe(self, profile: Profile) -> Observed:
        """Count the faults of a window, once for all rules.

        Raises
        ------
        InputError
            If the profile was measured on another frame.
        """
        frame = self.frame
        if profile.frame is not frame and profile.frame.fingerprint != frame.fingerprint:
            raise InputError("the window was measured on another frame than the baseline")
        faults = count_faults(profile)
        return Observed(
            profile, Counted(faults, exposures(self.layout, np.array(profile.rows), faults))
        )

    def judge(self, window: Observed, part: slice) -> Rates:
        """Compare one kind of fault with the baseline."""
        return judge_rates(
            self.rule, window.counted.at(part), self.counted.at(part), self.dispersion[part]
        )


def _by_window(counted: Counted, history: Counted, layout: Layout) -> Counted:
    """Counts in which repeated rows are those within windows: more rows repeat in more rows."""
    faults, exposure = counted.faults.copy(), counted.exposure.copy()
    faults[layout.repeated] = history.faults[:, layout.repeated].sum()
    exposure[layout.repeated] = history.exposure[:, layout.repeated].sum()
    return Counted(faults, exposure)

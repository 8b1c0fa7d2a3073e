"""What is normal for the quality of a model's data: prepared once, used for every window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detectors.errors import InputError
from detectors.profile.sample import Sample
from detectors.quality.counters import Layout, count_faults, exposures
from detectors.quality.rates import Counted, RateRule, Rates, estimate_dispersion, judge_rates
from detectors.quality.replay import NOTHING
from detectors.quality.rules import Rules
from detectors.quality.traits import Traits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.profile.frame import Frame
    from detectors.profile.profile import Profile
    from detectors.quality.replay import Recurring
    from detectors.suspicious.suspicion import Marked


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
    """A window's profile, sample and faults, int64 `(k,)` in the order of `Layout`.

    `marked` is None where there is no sample; `span` is the window's `[start, end)` in
    microseconds, None where it is not one of time.
    """

    profile: Profile
    counted: Counted
    sample: Sample
    marked: Marked | None = None
    recurring: Recurring = NOTHING
    span: tuple[int, int] | None = None


@dataclass(frozen=True, eq=False)
class QualityBaseline:
    """A baseline prepared for quality rules. Build it with `QualityBaseline.of`.

    Attributes
    ----------
    profile, sample
        All rows of the baseline summed up, and some of them.
    counted
        Its faults, int64 `(k,)` in the order of `layout`.
    dispersion
        float64 `(k,)`: squared coefficient of variation of each rate between windows.
    ever_constant
        bool `(f1 + f2,)`: whether some window of the history held a single value.
    usually_apart
        float64 `(f1,)`: largest distance of a window of the history from all of it.
    rules
        What people said about it.
    """

    profile: Profile
    sample: Sample
    rule: RateRule
    layout: Layout
    traits: Traits
    counted: Counted
    dispersion: NDArray[np.float64]
    ever_constant: NDArray[np.bool_]
    usually_apart: NDArray[np.float64]
    rules: Rules

    @classmethod
    def of(
        cls,
        profile: Profile,
        history: FaultHistory | None = None,
        rule: RateRule | None = None,
        *,
        sample: Sample | None = None,
        rules: Rules | None = None,
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
        sample
            Some of its rows; without, rules that need single values are silent.
        rules
            What people said; nothing when None.

        Raises
        ------
        InputError
            If the history was counted on another frame.
        """
        rule, rules, layout = rule or RateRule(), rules or Rules(), Layout.of(profile.frame)
        sample = Sample.empty(profile.frame) if sample is None else sample
        traits = Traits.of(profile.frame, sample, rules.sentinels)
        faults = count_faults(profile, traits.count(sample, ordered=False))
        counted = Counted(faults, exposures(layout, np.array(profile.rows), faults))
        dispersion = np.full(layout.size, rule.dispersion)
        constant = np.zeros_like(faults[layout.constant], dtype=np.bool_)
        apart = np.zeros(layout.numeric)
        if history is not None and len(history.rows):
            if history.faults.shape[1] != layout.size:
                raise InputError(f"the history must have {layout.size} counts per window")
            parts = Counted(history.faults, exposures(layout, history.rows, history.faults))
            own = _declared(profile.frame, layout, rules)
            dispersion = np.where(own, rule.dispersion, estimate_dispersion(parts, rule.dispersion))
            counted = _by_window(counted, parts, layout, own)
            constant = history.faults[:, layout.constant].max(axis=0) > 0
            apart = history.faults[:, layout.parts["apart"]].max(axis=0) / 1000
        return cls(
            profile, sample, rule, layout, traits, counted, dispersion, constant, apart, rules
        )

    @property
    def frame(self) -> Frame:
        """The baseline's frame."""
        return self.profile.frame

    def observe(
        self,
        profile: Profile,
        sample: Sample | None = None,
        *,
        span: tuple[int, int] | None = None,
        recurring: Recurring | None = None,
    ) -> Observed:
        """Count the faults of a window, once for all rules.

        Parameters
        ----------
        profile
            Profile of its rows.
        sample, span, recurring
            As in `Traits.count`; nothing is said of what is None.

        Raises
        ------
        InputError
            If the profile was measured on another frame.
        """
        frame = self.frame
        if profile.frame is not frame and profile.frame.fingerprint != frame.fingerprint:
            raise InputError("the window was measured on another frame than the baseline")
        marked, sampled = None, None
        if sample is not None and len(sample):
            marked = self.traits.suspicion.mark(sample)
            sampled = self.traits.count(sample, marked=marked, span=span, recurring=recurring)
        faults = count_faults(profile, sampled)
        return Observed(
            profile,
            Counted(faults, exposures(self.layout, np.array(profile.rows), faults)),
            Sample.empty(frame) if sample is None else sample,
            marked,
            recurring or NOTHING,
            span,
        )

    def judge(self, window: Observed, part: slice) -> Rates:
        """Compare one kind of fault with the baseline."""
        return judge_rates(
            self.rule, window.counted.at(part), self.counted.at(part), self.dispersion[part]
        )


def _declared(frame: Frame, layout: Layout, rules: Rules) -> NDArray[np.bool_]:
    """Counts of values that people declared: the history was counted without knowing them."""
    own = np.zeros(layout.size, dtype=np.bool_)
    own[layout.parts["known"]] = [name in rules.sentinels for name in frame.numeric.names]
    return own


def _by_window(
    counted: Counted, history: Counted, layout: Layout, own: NDArray[np.bool_]
) -> Counted:
    """Counts of what is seen within windows only: more rows repeat in more rows."""
    within = np.zeros(layout.size, dtype=np.bool_)
    within[layout.repeated] = True
    within[layout.sample] = True
    # A history that has no sample says nothing of what is counted in one.
    within &= (history.exposure.sum(axis=0) > 0) & ~own
    return Counted(
        np.where(within, history.faults.sum(axis=0), counted.faults),
        np.where(within, history.exposure.sum(axis=0), counted.exposure),
    )

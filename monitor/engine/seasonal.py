"""Comparing a window with baseline windows of its own phase: mornings with mornings.

The distributions of a window at 3 a.m. differ from the whole day's, always. With `season: true` a
baseline of the whole stream keeps, beside its pooled profile, one per phase of the calendar (see
`phase`), and statistics compare a window with its phase. What decides needs none of this: the
sequential evidence knows the season by regression.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from detectors.profile.profile import Profile
from detectors.univariate.battery import Battery
from monitor.engine.histograms import Histograms
from monitor.engine.phase import DAY, HOUR, phases
from monitor.phase_profiles import PhaseProfiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from detectors.protocols import Univariate

FEWEST_WINDOWS: Final = 3
"""A phase of fewer baseline windows is compared with the whole baseline."""


class PhaseLearner:
    """Pools the windows of a history by hour of the week, then by the phases it supports."""

    def __init__(self) -> None:
        self._pools: dict[int, Profile] = {}
        self._mids: list[int] = []

    def see(self, mid: int, profile: Profile) -> None:
        """Add one window; `mid` is its middle, microseconds."""
        slot = mid % (7 * DAY) // HOUR
        if slot not in self._pools:
            self._pools[slot] = Profile(profile.frame)
        self._pools[slot].merge(profile)
        self._mids.append(mid)

    def learned(self, every: int) -> PhaseProfiles | None:
        """The phases that this history supports; None when there is only one."""
        mids = np.array(self._mids, dtype=np.int64)
        found = phases(mids, mids, every)
        counts = Counter(found.tolist())
        if len(counts) < 2:  # noqa: PLR2004 - one phase is the pooled profile
            return None
        slots = mids % (7 * DAY) // HOUR
        first: dict[int, int] = dict(zip(slots.tolist(), found.tolist(), strict=True))
        profiles: dict[int, Profile] = {}
        for slot in sorted(self._pools):
            phase = first[slot]
            if counts[phase] >= FEWEST_WINDOWS:
                pool = self._pools[slot]
                profiles.setdefault(phase, Profile(pool.frame)).merge(pool)
        return PhaseProfiles(profiles, {phase: counts[phase] for phase in profiles})


@dataclass(frozen=True, slots=True)
class Compared:
    """What a window is compared with: statistics fitted to it, its pictures, and what it is."""

    battery: Battery
    pictures: Histograms
    reference: str = ""

    @classmethod
    def of(
        cls, profile: Profile, detectors: Sequence[Univariate] | None, reference: str = ""
    ) -> Compared:
        """Fit `detectors`, all that are built in when None, to a baseline's profile."""
        return cls(Battery.fit(profile, detectors), Histograms(profile), reference)

    @property
    def profile(self) -> Profile:
        """The rows that it stands for."""
        return self.pictures.baseline


class Matching:
    """Chooses the baseline of a window's phase; statistics are fitted when first needed.

    Parameters
    ----------
    pooled : the whole baseline, for phases without one of their own.
    history : int64 `(R,)` middles of the baseline's windows.
    every : length of a window, microseconds.
    detectors : what is fitted to a phase; all that are built in when None.
    """

    def __init__(
        self,
        pooled: Compared,
        kept: PhaseProfiles | None,
        history: NDArray[np.int64],
        every: int | None,
        detectors: Sequence[Univariate] | None = None,
    ) -> None:
        self._pooled, self._kept = pooled, kept
        self._history, self._every = history, every
        self._detectors = detectors
        self._fitted: dict[int, Compared] = {}

    def of(self, mid: int) -> Compared:
        """What a window with its middle at `mid` (microseconds) is compared with."""
        if self._kept is None or self._every is None:
            return self._pooled
        phase = int(phases(np.array([mid]), self._history, self._every)[0])
        profile = self._kept.profiles.get(phase)
        if profile is None:
            return self._pooled
        if phase not in self._fitted:
            kind = "weekday" if self._every == DAY else "hour"
            count = self._kept.windows[phase]
            reference = f"{count} baseline windows of the same {kind}"
            self._fitted[phase] = Compared.of(profile, self._detectors, reference)
        return self._fitted[phase]

"""Whether records still come: the silence since the last one, against the usual gaps.

No probability is claimed: gaps of real streams have no law that would carry one. A silence is
worth a look when it is twice the longest gap the baseline had at that time of day, and broken at
five times. Nights may be silent; that does not excuse an hour at noon. A baseline of less than
`FEWEST_DAYS` days does not know the times of day: its longest gap counts all day.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from detectors.errors import InputError
from detectors.quality.wording import duration
from detectors.result import QualityFinding, QualityKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MICROS: Final = 1_000_000
HOUR: Final = 3_600 * MICROS
DAY_HOURS: Final = 24
WARNING, BROKEN = 2, 5
"""Multiples of the longest usual gap."""
FEWEST_DAYS: Final = 7
FEWEST_GAPS: Final = 100
"""Gaps around an hour below which it is not known: twice the longest of n comes once in n**2."""


@dataclass(frozen=True)
class UsualGaps:
    """Gaps between consecutive records of the baseline, microseconds.

    `by_hour` are the longest gaps that began in each hour of the day (UTC) or in the hour before or
    after it, of all day where those are few; empty where the baseline is too short to know.
    """

    typical: int
    longest: int
    by_hour: Sequence[int] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_hour", tuple(self.by_hour))  # stored data comes as a list

    @classmethod
    def of(cls, times: NDArray[np.int64]) -> UsualGaps:
        """Learn from event times, int64 `(n,)` microseconds, in any order.

        Raises
        ------
        InputError
            If there are fewer than two times.
        """
        if len(times) < 2:  # noqa: PLR2004
            raise InputError("usual gaps need at least two event times")
        ordered = np.sort(times)
        gaps = np.diff(ordered)
        known = ordered[-1] - ordered[0] >= FEWEST_DAYS * DAY_HOURS * HOUR
        by_hour = _by_hour(ordered[:-1], gaps) if known else ()
        return cls(int(np.median(gaps)), int(gaps.max()), by_hour)

    def at(self, instant: int) -> int:
        """The longest usual gap of those that begin at a time of day, at least 1."""
        if not self.by_hour:
            return max(self.longest, 1)
        return max(self.by_hour[instant // HOUR % DAY_HOURS], 1)


def find_silence(
    last_event: int, now: int, usual: UsualGaps, least: int = 60 * MICROS
) -> tuple[QualityFinding, ...]:
    """Judge the silence since the last record; one finding at most.

    Parameters
    ----------
    last_event, now
        Microseconds since the epoch.
    usual
        The baseline's gaps.
    least
        A silence shorter than this many microseconds is never a finding.
    """
    silence, longest = now - last_event, usual.at(last_event)
    if silence < max(least, WARNING * longest):
        return ()
    observed, expected = silence / MICROS, longest / MICROS
    when = " at this time of day" if usual.by_hour and longest < usual.longest else ""
    return (
        QualityFinding(
            column="",
            kind=QualityKind.FRESHNESS,
            severity="broken" if silence >= BROKEN * longest else "warning",
            observed=observed,
            expected=expected,
            text=f"no record for {duration(observed)} "
            f"(longest usual gap{when} {duration(expected)})",
        ),
    )


def _by_hour(begins: NDArray[np.int64], gaps: NDArray[np.int64]) -> tuple[int, ...]:
    hour = begins // HOUR % DAY_HOURS
    longest = np.zeros(DAY_HOURS, dtype=np.int64)
    np.maximum.at(longest, hour, gaps)
    number = np.bincount(hour, minlength=DAY_HOURS)
    around = [longest, np.roll(longest, 1), np.roll(longest, -1)]
    enough = number + np.roll(number, 1) + np.roll(number, -1) >= FEWEST_GAPS
    return tuple(np.where(enough, np.maximum.reduce(around), gaps.max()).tolist())

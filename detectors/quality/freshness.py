"""Whether records still come: the silence since the last one, against the usual gaps.

No probability is claimed: gaps of real streams have no law that would carry one. A silence is
worth a look when it is twice the longest gap the baseline ever had, and broken at five times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detectors.errors import InputError
from detectors.quality.wording import duration
from detectors.result import QualityFinding, QualityKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

MICROS = 1_000_000
WARNING, BROKEN = 2, 5
"""Multiples of the longest usual gap."""


@dataclass(frozen=True)
class UsualGaps:
    """Gaps between consecutive records of the baseline, microseconds."""

    typical: int
    longest: int

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
        gaps = np.diff(np.sort(times))
        return cls(int(np.median(gaps)), int(gaps.max()))


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
    silence, longest = now - last_event, max(usual.longest, 1)
    if silence < max(least, WARNING * longest):
        return ()
    observed, expected = silence / MICROS, longest / MICROS
    return (
        QualityFinding(
            column="",
            kind=QualityKind.FRESHNESS,
            severity="broken" if silence >= BROKEN * longest else "warning",
            observed=observed,
            expected=expected,
            text=f"no record for {duration(observed)} (longest usual gap {duration(expected)})",
        ),
    )

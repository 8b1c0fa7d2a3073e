"""The Numenta Anomaly Benchmark's score, from its published description.

Lavin & Ahmad 2015 (arXiv 1510.03336). Within a labelled window only the first detection counts, by
a sigmoid that rewards early ones; a detection outside costs more the further it lies behind the
last window; a missed window costs its weight. Detections in the first 15 % of a file (of at most
5,000 rows) are not looked at. The sum is scaled so that nothing detected is 0 and every window
detected at its first row is 100.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

PROBATION, LONGEST = 0.15, 5_000
STEEPNESS = 5.0
FAR = 3.0
"""This many windows behind a window a detection costs in full."""


@dataclass(frozen=True)
class Profile:
    """Weights of the standard application profile, by default."""

    hit: float = 1.0
    false: float = 0.11
    missed: float = 1.0


def probation(rows: int) -> int:
    """Rows at the beginning of a file that are not scored."""
    return int(PROBATION * min(rows, LONGEST))


def sigmoid(position: float) -> float:
    """1 - far before, 0 at the end of a window, -1 far behind it."""
    if position > FAR:
        return -1.0
    return float(2 / (1 + np.exp(STEEPNESS * position)) - 1)


def score_file(
    detected: NDArray[np.int64],
    windows: Sequence[tuple[int, int]],
    rows: int,
    profile: Profile | None = None,
) -> float:
    """Score of one file.

    Parameters
    ----------
    detected
        Rows at which something was detected, increasing.
    windows
        First and last row of each labelled window, in order.
    rows
        Rows of the file.
    """
    profile = profile or Profile()
    detected = detected[detected >= probation(rows)]
    total, inside = 0.0, np.zeros(len(detected), dtype=bool)
    for first, last in windows:
        within = (detected >= first) & (detected <= last)
        inside |= within
        if within.any():
            place = -(last - int(detected[within][0]) + 1) / (last - first + 1)
            total += profile.hit * sigmoid(place) / sigmoid(-1.0)
        else:
            total -= profile.missed
    ends = np.array([last for _, last in windows])
    for row in detected[~inside].tolist():
        behind = np.flatnonzero(ends < row)
        if len(behind):
            first, last = windows[int(behind[-1])]
            total += profile.false * sigmoid((row - last) / max(last - first, 1))
        else:
            total -= profile.false
    return total


def normalised(scores: float, windows: int, profile: Profile | None = None) -> float:
    """0 for silence, 100 for perfection, over files with `windows` labelled windows in all."""
    profile = profile or Profile()
    worst, best = -profile.missed * windows, profile.hit * windows
    return 100 * (scores - worst) / (best - worst)

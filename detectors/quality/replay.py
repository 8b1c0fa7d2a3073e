"""Traffic that comes again: rows of one window that an earlier window held already.

Every profile keeps the smallest hashes of its rows. Of two windows the same hashes are smallest, so
few of them tell which share of the rows of one is in the other (Broder, On the resemblance and
containment of documents, 1997). What a replay looks like is that much of a window is in *one*
earlier window; rows of few columns recur everywhere, and the baseline's own windows say how much.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from detectors.quality.wording import percent
from detectors.result import QualityFinding, QualityKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from detectors.quality.baseline import Observed, QualityBaseline

WINDOWS: Final = 32
"""Windows that are remembered."""
HASHES: Final = 128
"""Smallest row hashes kept of each: a share is known to .04, and all take 32 kB."""
FEWEST: Final = 30
LEAST_POINTS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Recurring:
    """Of `sampled` rows of a window `rows` were in the window that began at `start` too."""

    rows: int = 0
    sampled: int = 0
    start: int = 0


NOTHING: Final = Recurring()


@dataclass(slots=True)
class RecentRows:
    """Row hashes of the last windows of one stream."""

    windows: deque[tuple[int, NDArray[np.uint64]]] = field(
        default_factory=lambda: deque(maxlen=WINDOWS)
    )

    def compare(self, hashes: NDArray[np.uint64]) -> Recurring:
        """Which earlier window holds most of a window's rows; `hashes` as in `row_hashes`."""
        return max(
            (_contained(hashes, start, before) for start, before in self.windows),
            key=_share,
            default=NOTHING,
        )

    def add(self, start: int, hashes: NDArray[np.uint64]) -> None:
        """Remember a window that began at `start`, microseconds."""
        self.windows.append((start, hashes[:HASHES].copy()))

    def state(self) -> dict[str, Any]:
        """Plain data that `restore` continues from."""
        return {
            "starts": [start for start, _ in self.windows],
            "hashes": [hashes for _, hashes in self.windows],
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> RecentRows:
        """Inverse of `state`."""
        recent = cls()
        for start, hashes in zip(state["starts"], state["hashes"], strict=True):
            recent.windows.append((int(start), np.array(hashes, dtype=np.uint64)))
        return recent


def find_replay(baseline: QualityBaseline, window: Observed) -> tuple[QualityFinding, ...]:
    """Find out whether clearly more rows recur than between the baseline's windows."""
    rates = baseline.judge(window, baseline.layout.parts["recurring"])
    observed, expected = float(rates.observed[0]), float(rates.expected[0])
    if not rates.found[0] or observed - np.nan_to_num(expected) < LEAST_POINTS:
        return ()
    text = (
        f"{percent(observed)} of the rows came before, in the window of "
        f"{_when(window.recurring.start)} (baseline {percent(expected)}): replayed traffic?"
    )
    return (QualityFinding("", QualityKind.REPLAY, rates.severity(0), observed, expected, text),)


def _contained(hashes: NDArray[np.uint64], start: int, before: NDArray[np.uint64]) -> Recurring:
    """Look for a window's smallest hashes in an earlier one, up to where both know all."""
    kept = hashes[:HASHES]
    limit = before[-1] if len(before) == HASHES else np.uint64(2**64 - 1)
    kept = kept[kept <= limit]
    if len(kept) < FEWEST:
        return Recurring(0, 0, start)
    found = np.isin(kept, before, assume_unique=True).sum()
    return Recurring(int(found), len(kept), start)


def _share(recurring: Recurring) -> tuple[float, int]:
    return recurring.rows / max(recurring.sampled, 1), recurring.start


def _when(micros: int) -> str:
    return str(np.datetime64(micros, "us").astype("datetime64[m]")).replace("T", " ")

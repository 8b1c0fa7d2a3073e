"""Which windows suit a log: enough records in each, and enough of them to learn from."""

from __future__ import annotations

from dataclasses import dataclass
from math import log10
from typing import TYPE_CHECKING, Final

import numpy as np

from monitor.clock import MICROS
from monitor.config.units import duration_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

LENGTHS: Final = (86_400, 43_200, 21_600, 14_400, 10_800, 7_200, 3_600, 1_800, 900, 600, 300)
"""Seconds; the longest that leaves enough windows is taken."""
WEEK: Final = 604_800
LATENESS: Final = 600
RECORDS: Final = 500
"""Records that a window should have, so that its own noise is small."""
WINDOWS: Final = 30
"""Windows that a baseline should have, so that it knows how they vary by themselves."""
FEWEST: Final = 50
MIN_RECORDS: Final = 200
MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Choice:
    """A window and why; `text` is what stands behind `window:` in the configuration."""

    text: str
    why: str
    min_records: int


def choose(times: NDArray[np.int64], *, timed: bool) -> Choice:
    """Choose windows for records at `times` (microseconds, in any order).

    Time windows where some length gives at least RECORDS records in the typical window and
    WINDOWS windows; else windows of equally many records.
    """
    if timed:
        for every in (*LENGTHS, WEEK):
            windows, typical = _cut(times, every)
            if windows >= WINDOWS and typical >= RECORDS:
                return _of_time(every, windows, typical)
    return _of_records(len(times), timed=timed)


def _cut(times: NDArray[np.int64], every: int) -> tuple[int, int]:
    """Windows with records, and records in the typical one."""
    counts = np.unique(times // (every * MICROS), return_counts=True)[1]
    return len(counts), int(np.median(counts))


def _of_time(every: int, windows: int, typical: int) -> Choice:
    length = duration_text(every)
    return Choice(
        f"{{every: {length}, lateness: {duration_text(min(LATENESS, every))}}}",
        f"{windows:,} windows of {length} with typically {typical:,} records",
        MIN_RECORDS,
    )


def _of_records(total: int, *, timed: bool) -> Choice:
    records = max(FEWEST, min(_rounded(total // WINDOWS), MOST))
    reason = (
        f"no window of time has {RECORDS} records and leaves {WINDOWS} windows"
        if timed
        else "the records state no times"
    )
    why = f"{reason}; {total // records:,} windows of equally many records instead"
    return Choice(f"{{records: {records}}}", why, min(MIN_RECORDS, records))


def _rounded(value: int) -> int:
    """Down to two digits: 1,234 is 1,200."""
    if value < 1:
        return 0
    step = 10 ** max(int(log10(value)) - 1, 0)
    return int(value // step * step)

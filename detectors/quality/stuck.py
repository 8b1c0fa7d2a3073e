"""Sensors that are stuck: a number that is the same as in the record before, again and again.

The sample of a window is put in order of time; of two neighbours in it the share is counted that
are equal. Values that are frequent in the baseline do not count: zeros follow zeros. A column that
holds one value in the whole window is the constant rule's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detectors.quality.wording import duration, percent, plain
from detectors.result import QualityFinding, QualityKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.quality.baseline import Observed, QualityBaseline

LEAST_POINTS = 0.05
MICROS = 1_000_000


def find_stuck(baseline: QualityBaseline, window: Observed) -> tuple[QualityFinding, ...]:
    """Find numeric columns whose values stay the same clearly more often than in the baseline."""
    rates = baseline.judge(window, baseline.layout.parts["repeats"])
    usual = np.nan_to_num(rates.expected)
    found = rates.found & (rates.observed - usual >= LEAST_POINTS)
    # Where windows of the baseline held a single value each, a month or a release, so will others.
    found &= ~baseline.ever_constant[: baseline.layout.numeric]
    return tuple(
        QualityFinding(
            column=(name := baseline.frame.numeric.names[j]),
            kind=QualityKind.STUCK,
            severity=rates.severity(j),
            observed=float(rates.observed[j]),
            expected=float(usual[j]),
            text=f"{name}: {percent(rates.observed[j])} of the values are the same as in the "
            f"record before (baseline {percent(usual[j])}), {_longest(window, j)}",
        )
        for j in np.flatnonzero(found).tolist()
    )


def longest_run(values: NDArray[np.float64], times: NDArray[np.int64]) -> tuple[float, int, int]:
    """The value that stays longest, in rows, and how many rows and microseconds it does.

    Both `(n,)`, in order of time, without NaN; at least one.
    """
    changes = np.flatnonzero(values[1:] != values[:-1]) + 1
    starts = np.concatenate([[0], changes])
    lengths = np.diff(starts, append=len(values))
    run = int(lengths.argmax())
    first, last = int(starts[run]), int(starts[run] + lengths[run] - 1)
    return float(values[first]), int(lengths[run]), int(times[last] - times[first])


def _longest(window: Observed, column: int) -> str:
    sample = window.sample
    order = np.lexsort((sample.keys, sample.times))
    values, times = sample.numeric[order, column], sample.times[order]
    known = np.isfinite(values)
    value, rows, micros = longest_run(values[known], times[known])
    there = f" for {duration(micros / MICROS)}" if micros else ""
    return f"longest {plain(value)}{there} ({rows:,} sampled records)"

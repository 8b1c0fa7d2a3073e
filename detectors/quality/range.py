"""Values outside the range that was declared for a numeric column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detectors.quality.wording import percent, plain
from detectors.result import QualityFinding, QualityKind

if TYPE_CHECKING:
    from detectors.quality.baseline import Observed, QualityBaseline


def find_out_of_range(baseline: QualityBaseline, window: Observed) -> tuple[QualityFinding, ...]:
    """Find numeric columns with clearly more values outside their range than in the baseline."""
    rates = baseline.judge(window, baseline.layout.outside_range)
    return tuple(
        QualityFinding(
            column=(name := baseline.frame.numeric.names[j]),
            kind=QualityKind.RANGE,
            severity=rates.severity(j),
            observed=float(rates.observed[j]),
            expected=float(rates.expected[j]),
            text=f"{name}: {percent(rates.observed[j])} of the values lie outside "
            f"{_range(baseline, j)} (baseline {percent(rates.expected[j])}), "
            f"{_extremes(baseline, window, j)}",
        )
        for j in np.flatnonzero(rates.found).tolist()
    )


def _range(baseline: QualityBaseline, column: int) -> str:
    frame = baseline.frame.numeric
    return f"[{plain(frame.range_low[column])}, {plain(frame.range_high[column])}]"


def _extremes(baseline: QualityBaseline, window: Observed, column: int) -> str:
    """Name the extreme values on the sides where the range was left."""
    frame, tally = baseline.frame.numeric, window.profile.numeric
    words = []
    if tally.minimum[column] < frame.range_low[column]:
        words.append(f"smallest {plain(tally.minimum[column])}")
    if tally.maximum[column] > frame.range_high[column]:
        words.append(f"largest {plain(tally.maximum[column])}")
    return ", ".join(words)

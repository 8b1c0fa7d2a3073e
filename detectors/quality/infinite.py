"""Infinite values in numeric columns: overflow or division by zero upstream."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detectors.quality.wording import percent
from detectors.result import QualityFinding, QualityKind

if TYPE_CHECKING:
    from detectors.quality.baseline import Observed, QualityBaseline


def find_infinite(baseline: QualityBaseline, window: Observed) -> tuple[QualityFinding, ...]:
    """Find numeric columns with clearly more infinite values than in the baseline."""
    rates = baseline.judge(window, baseline.layout.infinite)
    return tuple(
        QualityFinding(
            column=(name := baseline.frame.numeric.names[j]),
            kind=QualityKind.INFINITE,
            severity=rates.severity(j),
            observed=float(rates.observed[j]),
            expected=float(rates.expected[j]),
            text=f"{name}: {percent(rates.observed[j])} of the numbers are infinite "
            f"(baseline {percent(rates.expected[j])})",
        )
        for j in np.flatnonzero(rates.found).tolist()
    )

"""Missing values: absent or null in more rows than the baseline explains.

A column without any value left is `schema`'s to report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detectors.quality.wording import percent
from detectors.result import QualityFinding, QualityKind

if TYPE_CHECKING:
    from detectors.quality.baseline import Observed, QualityBaseline


def find_missing(baseline: QualityBaseline, window: Observed) -> tuple[QualityFinding, ...]:
    """Find columns with clearly more missing values than in the baseline."""
    rates = baseline.judge(window, baseline.layout.missing)
    return tuple(
        QualityFinding(
            column=(name := baseline.frame.columns[j]),
            kind=QualityKind.MISSING,
            severity=rates.severity(j),
            observed=float(rates.observed[j]),
            expected=float(rates.expected[j]),
            text=f"{name}: {percent(rates.observed[j])} missing in this window "
            f"(baseline {percent(rates.expected[j])})",
        )
        for j in np.flatnonzero(rates.found).tolist()
    )

"""Missing values: absent or null in more rows than the baseline explains.

A column without any value left is `schema`'s to report. Where people said how much may be missing,
that takes the place of what the baseline says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detectors.quality.wording import percent
from detectors.result import QualityFinding, QualityKind

if TYPE_CHECKING:
    from detectors.quality.baseline import Observed, QualityBaseline


def find_missing(baseline: QualityBaseline, window: Observed) -> tuple[QualityFinding, ...]:
    """Find columns with more missing values than people allow, or clearly more than usual."""
    rates = baseline.judge(window, baseline.layout.missing)
    columns = baseline.frame.columns
    allowed = [baseline.rules.missing_max(name) for name in columns]
    ruled = np.array([most is not None for most in allowed], dtype=np.bool_)
    most = np.array([np.inf if most is None else most for most in allowed])
    over = rates.observed > most
    return tuple(
        QualityFinding(
            column=columns[j],
            kind=QualityKind.MISSING,
            severity="broken" if over[j] else rates.severity(j),
            observed=float(rates.observed[j]),
            expected=float(rates.expected[j]),
            text=f"{columns[j]}: {percent(rates.observed[j])} missing in this window "
            + (
                f"(at most {percent(float(most[j]))} allowed)"
                if over[j]
                else f"(baseline {percent(rates.expected[j])})"
            ),
        )
        for j in np.flatnonzero(over | (rates.found & ~ruled)).tolist()
    )

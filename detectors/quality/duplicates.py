"""Rows that repeat an earlier row of their window, column by column the same.

The share is estimated from a sample of row hashes (see `profile.duplicates`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detectors.quality.wording import percent
from detectors.result import QualityFinding, QualityKind

if TYPE_CHECKING:
    from detectors.quality.baseline import Observed, QualityBaseline


LEAST_POINTS = 0.1
"""Rows of few columns repeat by chance, more so when traffic mixes: less than this is no news."""


def find_duplicates(baseline: QualityBaseline, window: Observed) -> tuple[QualityFinding, ...]:
    """Find out whether clearly more rows are repeated than in the baseline; one finding at most."""
    rates = baseline.judge(window, baseline.layout.repeated)
    observed, expected = float(rates.observed[0]), float(rates.expected[0])
    if not rates.found[0] or observed - expected < LEAST_POINTS:
        return ()
    text = f"{percent(observed)} of the rows repeat an earlier row (baseline {percent(expected)})"
    return (
        QualityFinding("", QualityKind.DUPLICATES, rates.severity(0), observed, expected, text),
    )

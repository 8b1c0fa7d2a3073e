"""Columns that vanished or appeared.

A column that had values in the baseline and has none in a whole window has vanished: `broken`,
unless the baseline lacked it in most rows. One that never had a value and now has some appeared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detectors.quality.wording import percent
from detectors.result import QualityFinding, QualityKind

if TYPE_CHECKING:
    from detectors.quality.baseline import Observed, QualityBaseline

LEAST_ROWS = 20
"""Rows without a value from which on a column may have vanished."""
RARE = 0.5
"""A column missing in more than this share of the baseline may rather be rare: a warning."""


def find_schema_changes(baseline: QualityBaseline, window: Observed) -> tuple[QualityFinding, ...]:
    """Find columns that vanished or appeared."""
    return (*_vanished(baseline, window), *_appeared(baseline, window))


def _vanished(baseline: QualityBaseline, window: Observed) -> tuple[QualityFinding, ...]:
    rows, missing = baseline.profile.rows, baseline.profile.missing
    share = (missing + 0.5) / (rows + 1)
    unlikely = window.profile.rows * np.log(share) < np.log(baseline.rule.alpha)
    gone = (window.profile.missing == window.profile.rows) & (missing < rows) & unlikely
    found = np.flatnonzero(gone & (window.profile.rows >= LEAST_ROWS)).tolist()
    return tuple(
        QualityFinding(
            column=(name := baseline.frame.columns[j]),
            kind=QualityKind.SCHEMA,
            severity="broken" if share[j] <= RARE else "warning",
            observed=1.0,
            expected=float(missing[j] / rows),
            text=f"{name}: vanished, none of the {window.profile.rows:,} records has a value "
            f"(baseline {percent(missing[j] / rows)} missing)",
        )
        for j in found
    )


def _appeared(baseline: QualityBaseline, window: Observed) -> tuple[QualityFinding, ...]:
    never = (baseline.profile.missing == baseline.profile.rows) & (baseline.profile.rows > 0)
    present = window.profile.rows - window.profile.missing
    return tuple(
        QualityFinding(
            column=(name := baseline.frame.columns[j]),
            kind=QualityKind.SCHEMA,
            severity="warning",
            observed=float(window.profile.missing[j] / window.profile.rows),
            expected=1.0,
            text=f"{name}: appeared, {present[j]:,} records have a value (the baseline had none)",
        )
        for j in np.flatnonzero(never & (present >= baseline.rule.least)).tolist()
    )

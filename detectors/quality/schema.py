"""Columns that vanished or appeared, and schemas that changed.

A column that had values in the baseline and has none in a whole window has vanished: `broken`,
unless the baseline lacked it in most rows. One that never had a value and now has some appeared.
Several columns that come or go in one window are one change of schema, told once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detectors.quality.wording import percent
from detectors.result import QualityFinding, QualityKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detectors.quality.baseline import Observed, QualityBaseline

LEAST_ROWS = 20
"""Rows without a value from which on a column may have vanished."""
TOGETHER = 2
"""Columns that come or go in one window from which on it is the schema that changed."""
NAMED = 5
NEVER = 1.0
"""Share of the baseline's rows that lack a column which the baseline never had."""
RARE = 0.5
"""A column missing in more than this share of the baseline may rather be rare: a warning."""


def find_schema_changes(baseline: QualityBaseline, window: Observed) -> tuple[QualityFinding, ...]:
    """Find columns that vanished or appeared."""
    return (*_vanished(baseline, window), *_appeared(baseline, window))


def unknown_column(name: str) -> QualityFinding:
    """A column that came with the records and that the baseline's rows never had."""
    return QualityFinding(
        column=name,
        kind=QualityKind.SCHEMA,
        severity="warning",
        observed=0.0,
        expected=NEVER,
        text=f"{name}: a column that the baseline never had; it is not watched",
    )


def one_schema_change(findings: Sequence[QualityFinding]) -> tuple[QualityFinding, ...]:
    """Put columns that vanished or appeared together into one finding; others stay as they are.

    The one finding stands where the first of them stood, has no `column` of its own and names all
    in `columns`, those that vanished first.
    """
    changes = [found for found in findings if found.kind is QualityKind.SCHEMA and found.column]
    if len(changes) < TOGETHER:
        return tuple(findings)
    new = [found.column for found in changes if found.expected == NEVER]
    gone = [found.column for found in changes if found.expected != NEVER]
    parts = [f"{_named(gone)} vanished" if gone else "", f"{_named(new)} appeared" if new else ""]
    one = QualityFinding(
        column="",
        kind=QualityKind.SCHEMA,
        severity="broken" if any(f.severity == "broken" for f in changes) else "warning",
        observed=float(len(changes)),
        expected=0.0,
        text=f"the schema changed: {'; '.join(part for part in parts if part)}",
        columns=(*gone, *new),
    )
    first = findings.index(changes[0])
    return (*findings[:first], one, *(f for f in findings[first:] if f not in changes))


def _named(names: Sequence[str]) -> str:
    told = ", ".join(names[:NAMED])
    return f"{told} and {len(names) - NAMED} more" if len(names) > NAMED else told


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
            expected=NEVER,
            text=f"{name}: appeared, {present[j]:,} records have a value (the baseline had none)",
        )
        for j in np.flatnonzero(never & (present >= baseline.rule.least)).tolist()
    )

"""All rules that need nothing but a window's profile and its baseline, in the order they are told.

Volume and freshness need the clock and the calendar; their callers call them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detectors.quality.constant import find_constant
from detectors.quality.duplicates import find_duplicates
from detectors.quality.infinite import find_infinite
from detectors.quality.kinds import find_wrong_types
from detectors.quality.missing import find_missing
from detectors.quality.range import find_out_of_range
from detectors.quality.schema import find_schema_changes
from detectors.quality.unseen import find_unseen
from detectors.result import QualityKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detectors.profile.profile import Profile
    from detectors.quality.baseline import QualityBaseline
    from detectors.result import QualityFinding

RULES = (
    find_schema_changes,
    find_wrong_types,
    find_missing,
    find_constant,
    find_out_of_range,
    find_infinite,
    find_unseen,
    find_duplicates,
)

LOSSES = frozenset(
    {
        QualityKind.SCHEMA,
        QualityKind.MISSING,
        QualityKind.WRONG_TYPE,
        QualityKind.CONSTANT,
        QualityKind.INFINITE,
        QualityKind.UNSEEN,
    }
)
"""Findings after which different rows may look the same."""


def judge_quality(baseline: QualityBaseline, window: Profile) -> tuple[QualityFinding, ...]:
    """Find everything wrong with a window's data; `broken` first, then in the order of RULES.

    What merely follows from a finding is left out: a column that vanished is not reported as
    missing too, and rows are not reported as repeated when a column lost the values that told them
    apart. A window without rows has no findings.

    Raises
    ------
    InputError
        If the window was measured on another frame than the baseline.
    """
    observed = baseline.observe(window)
    found = [finding for rule in RULES for finding in rule(baseline, observed)]
    told = [finding for finding in found if not _follows(finding, found)]
    return tuple(sorted(told, key=lambda finding: finding.severity != "broken"))


def _follows(finding: QualityFinding, found: Sequence[QualityFinding]) -> bool:
    """Whether a finding is only the consequence of another one."""
    match finding.kind:
        case QualityKind.MISSING:
            return any(f.kind is QualityKind.SCHEMA and f.column == finding.column for f in found)
        case QualityKind.DUPLICATES:
            return any(f.kind in LOSSES for f in found)
        case _:
            return False

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


def judge_quality(baseline: QualityBaseline, window: Profile) -> tuple[QualityFinding, ...]:
    """Find everything wrong with a window's data; `broken` first, then in the order of RULES.

    A column that vanished is not reported as missing too. A window without rows has no findings.

    Raises
    ------
    InputError
        If the window was measured on another frame than the baseline.
    """
    observed = baseline.observe(window)
    found = [finding for rule in RULES for finding in rule(baseline, observed)]
    vanished = {f.column for f in found if f.kind is QualityKind.SCHEMA}
    told = [f for f in found if f.kind is not QualityKind.MISSING or f.column not in vanished]
    return tuple(sorted(told, key=lambda finding: finding.severity != "broken"))

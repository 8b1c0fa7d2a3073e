"""All rules that need nothing but a window and its baseline, in the order they are told.

Volume and freshness need the clock and the calendar; their callers call them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from detectors.quality.constant import find_constant
from detectors.quality.duplicates import find_duplicates
from detectors.quality.encoding import find_encoding_damage
from detectors.quality.infinite import find_infinite
from detectors.quality.kinds import find_wrong_types
from detectors.quality.missing import find_missing
from detectors.quality.pauses import find_pauses
from detectors.quality.precision import find_precision_changes
from detectors.quality.range import find_out_of_range
from detectors.quality.renames import find_renames
from detectors.quality.replay import find_replay
from detectors.quality.schema import find_schema_changes
from detectors.quality.sentinels import find_sentinels
from detectors.quality.skew import find_skew
from detectors.quality.stuck import find_stuck
from detectors.quality.unconfounded import unconfounded
from detectors.quality.units import find_unit_changes
from detectors.quality.unseen import find_unseen
from detectors.suspicious.findings import find_suspicious

if TYPE_CHECKING:
    from detectors.profile.profile import Profile
    from detectors.profile.sample import Sample
    from detectors.quality.baseline import QualityBaseline
    from detectors.quality.replay import Recurring
    from detectors.result import QualityFinding

RULES = (
    find_schema_changes,
    find_wrong_types,
    find_missing,
    find_constant,
    find_unit_changes,
    find_out_of_range,
    find_infinite,
    find_sentinels,
    find_stuck,
    find_precision_changes,
    find_renames,
    find_encoding_damage,
    find_unseen,
    find_skew,
    find_duplicates,
    find_replay,
    find_pauses,
    find_suspicious,
)


def judge_quality(
    baseline: QualityBaseline,
    window: Profile,
    sample: Sample | None = None,
    *,
    span: tuple[int, int] | None = None,
    recurring: Recurring | None = None,
) -> tuple[QualityFinding, ...]:
    """Find everything wrong with a window's data; `broken` first, then in the order of RULES.

    What merely follows from another finding is left out, and what people allow. A window without
    rows has no findings.

    Parameters
    ----------
    window
        Profile of the window's rows.
    sample, span, recurring
        See `QualityBaseline.observe`; rules that need what is None say nothing.

    Raises
    ------
    InputError
        If the window was measured on another frame than the baseline.
    """
    observed = baseline.observe(window, sample, span=span, recurring=recurring)
    found = [finding for rule in RULES for finding in rule(baseline, observed)]
    told = baseline.rules.told(unconfounded(found))
    return tuple(sorted(told, key=lambda finding: finding.severity != "broken"))

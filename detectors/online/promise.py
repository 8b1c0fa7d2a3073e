"""What an online alarm promises, as data and as a sentence."""

from __future__ import annotations

import math

from detectors.result import Guarantee, GuaranteeKind, no_guarantee


def promised(records: float, source: str, *, at_least: bool = False) -> Guarantee:
    """One false alarm of a column every so many `records`; `source` says how that is known."""
    if not math.isfinite(records):
        return no_guarantee("never alarms: the baseline's values do not differ")
    about = "at most one false alarm in" if at_least else "a false alarm about every"
    text = f"{about} {rounded(records)} records, if they are independent"
    return Guarantee(GuaranteeKind.RUN_LENGTH, records, f"{text}; {source}")


def rounded(records: float) -> str:
    """`records` to two digits, for people."""
    digits = 1 - math.floor(math.log10(max(records, 1.0)))
    return f"{round(records, digits):,.0f}"

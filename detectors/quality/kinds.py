"""Wrong types: text in a numeric column, an array in a categorical one.

More than half of the values of the wrong type is a changed producer, not a raised rate: `broken`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detectors.quality.wording import percent
from detectors.result import QualityFinding, QualityKind

if TYPE_CHECKING:
    from detectors.quality.baseline import Observed, QualityBaseline

MOST = 0.5
"""Share of wrong-typed values over which a column is broken, unless the baseline's was too."""


def find_wrong_types(baseline: QualityBaseline, window: Observed) -> tuple[QualityFinding, ...]:
    """Find columns with clearly more values of the wrong type than in the baseline."""
    rates = baseline.judge(window, baseline.layout.wrong)
    enough = window.counted.at(baseline.layout.wrong).faults >= baseline.rule.least
    most = enough & (rates.observed > MOST) & ~(rates.expected > MOST)
    return tuple(
        QualityFinding(
            column=(name := baseline.frame.columns[j]),
            kind=QualityKind.WRONG_TYPE,
            severity="broken" if most[j] else rates.severity(j),
            observed=float(rates.observed[j]),
            expected=float(rates.expected[j]),
            text=f"{name}: {percent(rates.observed[j])} of the values have the wrong type "
            f"(baseline {percent(rates.expected[j])})",
        )
        for j in np.flatnonzero(rates.found | most).tolist()
    )

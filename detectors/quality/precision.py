"""Numbers that have become rounder, or less round, than the baseline's.

Rounder: more values than usual are multiples of a coarse step (decimals cut off, ages rounded to
tens). Less round: values lie between the steps that nearly all of the baseline's keep (a count that
became a mean, prices after a conversion).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detectors.quality.decimals import step_text
from detectors.quality.wording import percent
from detectors.result import QualityFinding, QualityKind

if TYPE_CHECKING:
    from detectors.quality.baseline import Observed, QualityBaseline

LEAST_POINTS = 0.1


def find_precision_changes(
    baseline: QualityBaseline, window: Observed
) -> tuple[QualityFinding, ...]:
    """Find numeric columns whose values are written to other decimals than in the baseline."""
    traits = baseline.traits
    checks = (
        ("coarse", traits.coarse, "are multiples of {}: were decimals cut off?"),
        ("fine", traits.fine, "are no multiples of {}: were they computed anew?"),
    )
    found = []
    for name, decimals, words in checks:
        rates = baseline.judge(window, baseline.layout.parts[name])
        usual = np.nan_to_num(rates.expected)
        for j in np.flatnonzero(rates.found & (rates.observed - usual >= LEAST_POINTS)).tolist():
            column = baseline.frame.numeric.names[j]
            found.append(
                QualityFinding(
                    column=column,
                    kind=QualityKind.PRECISION,
                    severity="warning",
                    observed=float(rates.observed[j]),
                    expected=float(usual[j]),
                    text=f"{column}: {percent(rates.observed[j])} of the values "
                    f"{words.format(step_text(decimals[j]))} (baseline {percent(usual[j])})",
                )
            )
    return tuple(found)

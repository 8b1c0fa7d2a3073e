"""Categorical values that the baseline's vocabulary lacks.

Where the vocabulary had to be cut, such a value may be one of the rare ones that were not kept;
the sentence then says `rare or new`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detectors.quality.wording import percent
from detectors.result import QualityFinding, QualityKind

if TYPE_CHECKING:
    from detectors.quality.baseline import Observed, QualityBaseline

EXAMPLES = 3
LONGEST = 40
"""Longest example shown in full, in characters."""


def find_unseen(baseline: QualityBaseline, window: Observed) -> tuple[QualityFinding, ...]:
    """Find categorical columns with clearly more values outside their vocabulary."""
    rates = baseline.judge(window, baseline.layout.unseen)
    frame = baseline.frame.categorical
    return tuple(
        QualityFinding(
            column=(name := frame.names[j]),
            kind=QualityKind.UNSEEN,
            severity=rates.severity(j),
            observed=float(rates.observed[j]),
            expected=float(rates.expected[j]),
            text=f"{name}: {percent(rates.observed[j])} of the values are "
            f"{'new' if frame.complete[j] else 'rare or new'} "
            f"(baseline {percent(rates.expected[j])}){_examples(window, name)}",
        )
        for j in np.flatnonzero(rates.found).tolist()
    )


def _examples(window: Observed, name: str) -> str:
    counts = list(window.profile.unseen_values().get(name, {}).items())[:EXAMPLES]
    shown = [f"{_shortened(value)!r} ({count:,})" for value, count in counts]
    return f", such as {', '.join(shown)}" if shown else ""


def _shortened(value: str) -> str:
    return value if len(value) <= LONGEST else f"{value[: LONGEST - 1]}…"

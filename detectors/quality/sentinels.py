"""Numbers that stand for nothing: a frequent value that the baseline lacked, or more of a known.

Found in the sample: the most frequent value that the baseline hardly holds, against how frequent
the most frequent such value was in the baseline's own windows. A value that repeats in stretches of
time is a stuck sensor's, not a placeholder, unless it is one that programs write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detectors.quality.atoms import PLACEHOLDERS, newest
from detectors.quality.wording import percent, plain
from detectors.result import QualityFinding, QualityKind

if TYPE_CHECKING:
    from detectors.profile.sample import Sample
    from detectors.quality.baseline import Observed, QualityBaseline

STRETCHED = 0.5
LEAST = 10
"""Times that a value must come which is none of those that programs write."""


def find_sentinels(baseline: QualityBaseline, window: Observed) -> tuple[QualityFinding, ...]:
    """Find numeric columns with a new frequent value, or clearly more of a known placeholder."""
    return (*_appeared(baseline, window), *_more(baseline, window))


def new_value(baseline: QualityBaseline, window: Observed, column: int) -> float:
    """The most frequent value of a numeric column that the baseline hardly holds; NaN without."""
    values = window.sample.numeric[:, column]
    return newest(values[np.isfinite(values)], baseline.traits.usual[column])[0]


def _appeared(baseline: QualityBaseline, window: Observed) -> list[QualityFinding]:
    rates = baseline.judge(window, baseline.layout.parts["atom"])
    found = []
    # Where windows of the baseline held a single value each, a month or a release, so will others.
    blocks = baseline.ever_constant[: baseline.layout.numeric]
    for j in np.flatnonzero(rates.found & ~blocks).tolist():
        name, value = baseline.frame.numeric.names[j], new_value(baseline, window, j)
        written = value in PLACEHOLDERS
        if not written and not _is_odd(window.sample, j, value):
            continue
        hint = ", which often stands for a missing one" if written else ""
        found.append(
            QualityFinding(
                column=name,
                kind=QualityKind.SENTINEL,
                severity=rates.severity(j),
                observed=float(rates.observed[j]),
                expected=float(rates.expected[j]),
                text=f"{name}: {percent(rates.observed[j])} of the values are {plain(value)}"
                f"{hint}; the baseline hardly has it",
            )
        )
    return found


def _is_odd(sample: Sample, column: int, value: float) -> bool:
    """Whether a value that programs do not write often comes here and there, and not in stretches.

    In stretches most of its neighbours in time are the same, more than its share explains.
    """
    values = sample.numeric[np.lexsort((sample.keys, sample.times)), column]
    same = values[np.isfinite(values)] == value
    share = same.mean()
    together = (same[1:] & same[:-1]).sum() / max(same.sum(), 1)
    return bool(same.sum() >= LEAST and together - share < STRETCHED * (1 - share))


def _more(baseline: QualityBaseline, window: Observed) -> list[QualityFinding]:
    rates = baseline.judge(window, baseline.layout.parts["known"])
    return [
        QualityFinding(
            column=(name := baseline.frame.numeric.names[j]),
            kind=QualityKind.SENTINEL,
            severity=rates.severity(j),
            observed=float(rates.observed[j]),
            expected=float(rates.expected[j]),
            text=f"{name}: {percent(rates.observed[j])} of the values are "
            f"{' or '.join(map(plain, baseline.traits.known[j].tolist()))}, which stands for "
            f"missing (baseline {percent(rates.expected[j])})",
        )
        for j in np.flatnonzero(rates.found).tolist()
    ]

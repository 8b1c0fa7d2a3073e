"""Columns that hold one single value where the baseline's windows held several.

A stuck sensor, a default that took over, a join that lost its rows: `broken`. The rule is silent
when so many equal values could come from the baseline (share of its most frequent cell or value to
the power of the rows), and when a window of the baseline's history was constant too: within a day
the month is constant, and nothing is wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detectors.quality.wording import plain
from detectors.result import QualityFinding, QualityKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.profile.profile import Profile
    from detectors.quality.baseline import Observed, QualityBaseline

LEAST_ROWS = 30
"""Valid values from which on a window may be called constant."""


def find_constant(baseline: QualityBaseline, window: Observed) -> tuple[QualityFinding, ...]:
    """Find columns that have become constant."""
    part = baseline.layout.constant
    constant = window.counted.faults[part] > 0
    usual = (baseline.counted.faults[part] > 0) | baseline.ever_constant
    rows = _valid(window.profile)
    unlikely = rows * np.log(_largest_share(baseline.profile)) < np.log(baseline.rule.alpha)
    found = constant & ~usual & (rows >= LEAST_ROWS) & unlikely
    names = baseline.frame.numeric.names + baseline.frame.categorical.names
    return tuple(
        QualityFinding(
            column=names[j],
            kind=QualityKind.CONSTANT,
            severity="broken",
            observed=1.0,
            expected=float(_kinds(baseline.profile)[j]),
            text=f"{names[j]}: all {rows[j]:,} values are {_value(window.profile, j)} "
            "(the baseline varies)",
        )
        for j in np.flatnonzero(found).tolist()
    )


def _largest_share(profile: Profile) -> NDArray[np.float64]:
    """Jeffreys-smoothed share of the fullest cell or most frequent value, float64 `(f1 + f2,)`."""
    fullest = np.concatenate([profile.cells.max(axis=1), profile.codes.max(axis=1, initial=0)])
    share: NDArray[np.float64] = (fullest + 0.5) / (_valid(profile) + 1)
    return share


def _valid(profile: Profile) -> NDArray[np.int64]:
    return np.concatenate([profile.numeric.valid(), profile.categorical.valid()])


def _kinds(profile: Profile) -> NDArray[np.int64]:
    """Cells or values in use, int64 `(f1 + f2,)`."""
    used = [(profile.cells > 0).sum(axis=1), (profile.codes > 0).sum(axis=1)]
    return np.concatenate(used).astype(np.int64)


def _value(window: Profile, column: int) -> str:
    """Name the only value of a column."""
    numeric = len(window.frame.numeric.names)
    if column < numeric:
        return plain(window.numeric.minimum[column])
    code = int(window.codes[column - numeric].argmax()) if window.codes.shape[1] else 0
    if window.codes[column - numeric].any():
        return repr(window.frame.categorical.vocabularies[column - numeric][code])
    name = window.frame.categorical.names[column - numeric]
    return repr(next(iter(window.unseen_values()[name])))

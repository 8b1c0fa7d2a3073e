"""Categories that were renamed: one is gone, a new one has its share.

Told of columns only that have clearly more new values than the baseline (see `unseen`): a rename
explains them, it is no alarm of its own. Two values are the same when they are spelled alike but
for case, spaces and punctuation, or when the new one has the share that the lost one had.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from detectors.quality.wording import percent
from detectors.result import QualityFinding, QualityKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from detectors.quality.baseline import Observed, QualityBaseline

LEAST_SHARE: Final = 0.01
"""Share of the baseline's values from which on a value can be missed."""
GONE: Final = 0.05
"""Part of its usual share that a lost value may still have."""
ALIKE: Final = 0.25
"""Relative difference of shares that traffic may make by itself."""
SURE: Final = 3.0
TOLD: Final = 3
ENOUGH: Final = 0.5
"""Part of a column's new values that renames must explain."""


@dataclass(frozen=True, slots=True)
class Rename:
    """`old` had the share `usual` of the values, `new` has `share` now."""

    old: str
    new: str
    usual: float
    share: float
    spelled_alike: bool


def find_renames(baseline: QualityBaseline, window: Observed) -> tuple[QualityFinding, ...]:
    """Find categorical columns whose new values are old ones under another name."""
    rates = baseline.judge(window, baseline.layout.unseen)
    found = []
    for j in np.flatnonzero(rates.found).tolist():
        name = baseline.frame.categorical.names[j]
        renames = match(baseline, window, j)
        share = sum(rename.share for rename in renames)
        if not renames or share < ENOUGH * rates.observed[j]:
            continue
        told = ", ".join(f"{r.old!r} to {r.new!r}" for r in renames[:TOLD])
        more = f" and {len(renames) - TOLD} more" if len(renames) > TOLD else ""
        certain = share >= baseline.rule.broken_points or all(r.spelled_alike for r in renames)
        found.append(
            QualityFinding(
                column=name,
                kind=QualityKind.RENAMED,
                severity="broken" if certain else "warning",
                observed=share,
                expected=sum(rename.usual for rename in renames),
                text=f"{name}: renamed, it seems: {told}{more} ({percent(share)} of the values, "
                f"{percent(sum(rename.usual for rename in renames))} under the old names)",
            )
        )
    return tuple(found)


def match(baseline: QualityBaseline, window: Observed, column: int) -> list[Rename]:
    """Pairs of a lost and a new value of a categorical column, the largest first."""
    lost = dict(_lost(baseline, window, column))
    valid = int(window.profile.categorical.valid()[column])
    name = baseline.frame.categorical.names[column]
    rows = int(baseline.profile.categorical.valid()[column])
    found = []
    for new, count in window.profile.unseen_values().get(name, {}).items():
        share = count / valid
        spelled = [old for old in lost if _spelling(old) == _spelling(new)]
        near = sorted(lost, key=lambda old: (abs(lost[old] - share), old))
        alike = [old for old in near if _same(lost[old], share, rows, valid)]
        old = next(iter([*spelled, *alike]), None)
        if old is not None:
            found.append(Rename(old, new, lost.pop(old), share, old in spelled))
    return found


def _lost(baseline: QualityBaseline, window: Observed, column: int) -> Iterator[tuple[str, float]]:
    """Values that the window lacks, which it should have, with their usual share."""
    usual = baseline.profile.codes[column] / max(baseline.profile.categorical.valid()[column], 1)
    valid = int(window.profile.categorical.valid()[column])
    now = window.profile.codes[column] / max(valid, 1)
    gone = (usual >= LEAST_SHARE) & (now <= GONE * usual) & (usual * valid >= baseline.rule.least)
    vocabulary = baseline.frame.categorical.vocabularies[column]
    for code in np.flatnonzero(gone).tolist():
        yield vocabulary[code], float(usual[code])


def _same(usual: float, share: float, rows: int, valid: int) -> bool:
    """Whether two shares are equal up to chance and what traffic varies by itself."""
    chance = SURE * np.sqrt(usual * (1 - usual) * (1 / rows + 1 / valid))
    return bool(abs(usual - share) <= max(chance, ALIKE * usual))


def _spelling(value: str) -> str:
    return "".join(each for each in value.casefold() if each.isalnum())

"""Where findings of one window sit, and which of them explain others.

Both are read off the row samples of window and baseline, so they speak of this window; a change
that only many windows together show has no `where`. A feature may explain the prediction and the
scores, never the other way round; between features the one that explains more goes first.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from detectors.attribution.causes import (
    carried,
    explained,
    strata_of_codes,
    strata_of_numbers,
    without,
)
from detectors.attribution.quantity import quantities
from detectors.attribution.slices import find_slice
from detectors.sequential.series import MISSING
from monitor.engine.segments import segment_name
from monitor.record import PREDICTION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from detectors.profile.frame import Frame
    from detectors.profile.sample import Sample
    from monitor.engine.decision import Finding

LOOKED_AT: Final = 12
"""Findings that are explained, most important first."""
ENOUGH: Final = 0.75
"""Part of a change that another column must account for to be called its cause."""
CLEARER: Final = 0.1
"""By how much a feature must explain another better than the other way round."""
VISIBLE: Final = 0.05
"""Standard deviations of the score by which a feature must move it to be worth a word."""
SCORE: Final = "score"
MOVES: Final = frozenset({"drift", "missing", "sentinel"})


def attributed(
    findings: Sequence[Finding], frame: Frame, baseline: Sample, window: Sample
) -> tuple[Finding, ...]:
    """The findings with `where` and `caused_by` filled in where that can be said."""
    looked_at = [f for f in findings if f.column in frame.columns and f.kind in MOVES]
    if not looked_at or not len(baseline) or not len(window):
        return tuple(findings)
    search = _Search(frame, baseline, window, looked_at[:LOOKED_AT])
    return tuple(search.told(finding) for finding in findings)


def is_output(column: str) -> bool:
    """Whether a column is what the model said, not what it was told."""
    return column == PREDICTION or is_score(column)


def is_score(column: str) -> bool:
    """Whether a column is a score, of whichever class."""
    return column == SCORE or column.startswith(f"{SCORE}.")


class _Search:
    """Explanations of one window's findings."""

    def __init__(
        self, frame: Frame, baseline: Sample, window: Sample, findings: Sequence[Finding]
    ) -> None:
        self._frame = frame
        self._baseline = baseline
        self._window = window
        self._findings = findings
        self._numeric = len(frame.numeric.names)
        self._moved = {
            finding.column: moved for finding in findings if (moved := self._rows(finding))
        }
        self._causes: dict[str, str] = {}
        for finding in findings:
            cause = self._cause(finding)
            if cause is not None and self._roots(cause) != finding.column:
                self._causes[finding.column] = cause

    def told(self, finding: Finding) -> Finding:
        """The finding with what is known of its place and cause."""
        if finding.column not in self._moved or finding.kind not in MOVES:
            return finding
        cause = self._causes.get(finding.column, "")
        where = "" if cause else self._where(finding.column)
        text = finding.text
        text += f"; explained by {cause}" if cause else f"; only where {where}" if where else ""
        carried = None if is_output(finding.column) else self._carried(finding)
        if carried is not None:
            text += f"; by itself it moves the mean score by {carried:+.2g}"
        return replace(finding, caused_by=cause, where=where, text=text, score_change=carried)

    def _rows(self, finding: Finding) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
        place = self._frame.columns.index(finding.column)
        return quantities(self._frame, place, finding.measure, self._baseline, self._window)

    def _where(self, column: str) -> str:
        names = self._frame.categorical.names
        others = [j for j, name in enumerate(names) if name != column and not is_output(name)]
        codes = self._baseline.categorical, self._window.categorical
        found = find_slice(*self._moved[column], *codes, others)
        if found is None:
            return ""
        words = self._frame.categorical.vocabularies
        return ", ".join(segment_name(names[j], words[j][code]) for j, code in found.values)

    def _cause(self, finding: Finding) -> str | None:
        """The column whose change accounts for this one's, best first."""
        if finding.column not in self._moved:
            return None
        parts: Mapping[str, float] = {
            other.column: self._explained(finding, other)
            for other in self._findings
            if self._may_cause(other, finding)
        }
        best = max(parts, key=lambda name: parts[name], default=None)
        return best if best is not None and parts[best] >= ENOUGH else None

    def _may_cause(self, cause: Finding, finding: Finding) -> bool:
        if cause.column == finding.column or cause.column not in self._moved:
            return False
        if is_output(cause.column) or not _together(cause, finding):
            return False
        if is_output(finding.column):
            return True
        back = self._explained(cause, finding)
        return self._explained(finding, cause) > back + CLEARER

    def _explained(self, finding: Finding, cause: Finding) -> float:
        before, now = self._moved[finding.column]
        strata = self._strata(cause.column)
        if cause.measure == MISSING:
            return without(before, now, strata[0] == 0, strata[1] == 0)
        return explained(before, now, *strata)

    def _carried(self, finding: Finding) -> float | None:
        """What the column's change does to the mean score, if that can be seen."""
        names = self._frame.numeric.names
        scores = [place for place, name in enumerate(names) if is_score(name)]
        if len(scores) != 1:
            return None
        score = self._baseline.numeric[:, scores[0]]
        by = carried(score, *self._strata(finding.column))
        return by if abs(by) >= VISIBLE * np.nanstd(score) else None

    def _strata(self, column: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Baseline's and window's rows by what a column says; 0 is missing."""
        place = self._frame.columns.index(column)
        if place < self._numeric:
            numbers = self._baseline.numeric[:, place], self._window.numeric[:, place]
            return strata_of_numbers(*numbers)
        place -= self._numeric
        codes = self._baseline.categorical[:, place], self._window.categorical[:, place]
        return strata_of_codes(codes[0]), strata_of_codes(codes[1])

    def _roots(self, column: str) -> str:
        """Where the chain of causes from `column` ends; causes never form a circle."""
        while column in self._causes:
            column = self._causes[column]
        return column


def _together(one: Finding, other: Finding) -> bool:
    """Whether two findings may have begun in the same window (RFC 3339 texts sort by time)."""
    if not (one.since_low and one.since_high and other.since_low and other.since_high):
        return False
    return one.since_low <= other.since_high and other.since_low <= one.since_high

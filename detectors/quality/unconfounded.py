"""Findings that merely follow from others, and which of two names for one fault is told.

A column that vanished is missing too; values in another unit lie outside the range, are rounder and
farther out; rows are the same when a column lost the values that told them apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from detectors.result import QualityKind as Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from detectors.result import QualityFinding

CAUSES: Final[Mapping[Kind, frozenset[Kind]]] = {
    Kind.MISSING: frozenset({Kind.SCHEMA}),
    Kind.RANGE: frozenset({Kind.UNITS}),
    Kind.SENTINEL: frozenset({Kind.UNITS, Kind.CONSTANT, Kind.PRECISION}),
    Kind.STUCK: frozenset({Kind.UNITS, Kind.CONSTANT, Kind.SENTINEL, Kind.PRECISION}),
    Kind.PRECISION: frozenset({Kind.UNITS, Kind.CONSTANT}),
    Kind.UNSEEN: frozenset({Kind.RENAMED, Kind.ENCODING}),
    Kind.RENAMED: frozenset({Kind.ENCODING}),
    Kind.SKEW: frozenset({Kind.SCHEMA, Kind.MISSING, Kind.WRONG_TYPE, Kind.UNITS, Kind.RENAMED}),
}
"""What of the same column explains a finding."""
LOSSES: Final = frozenset(
    {Kind.SCHEMA, Kind.MISSING, Kind.WRONG_TYPE, Kind.CONSTANT, Kind.INFINITE, Kind.UNSEEN}
    | {Kind.RENAMED, Kind.ENCODING}
)
"""Findings after which different rows may look the same."""
COPIES: Final = frozenset({Kind.DUPLICATES, Kind.REPLAY})
MOVED: Final = LOSSES | {Kind.UNITS, Kind.SENTINEL, Kind.STUCK, Kind.RANGE}
"""Findings after which rows lie far out or close together by themselves."""
ROWS: Final[Mapping[Kind, frozenset[Kind]]] = {
    Kind.DUPLICATES: LOSSES,
    Kind.REPLAY: LOSSES | {Kind.DUPLICATES},
    Kind.PROBING: LOSSES | COPIES,
    Kind.SUSPICIOUS: MOVED | COPIES,
    Kind.STUCK: COPIES | {Kind.PROBING},
    Kind.PRECISION: COPIES | {Kind.PROBING},
}
"""What of any column explains a finding: these speak of whole rows."""


def unconfounded(found: Sequence[QualityFinding]) -> list[QualityFinding]:
    """The findings that say something of their own, in their order."""
    kinds = {finding.kind for finding in found}
    return [finding for finding in found if not _follows(finding, found, kinds)]


def _follows(finding: QualityFinding, found: Sequence[QualityFinding], kinds: set[Kind]) -> bool:
    if kinds & ROWS.get(finding.kind, frozenset()):
        return True
    if finding.kind is Kind.RANGE and _is_placeholder(finding, found):
        return True
    causes = CAUSES.get(finding.kind, frozenset())
    return any(f.kind in causes and f.column == finding.column for f in found)


def _is_placeholder(finding: QualityFinding, found: Sequence[QualityFinding]) -> bool:
    """Whether what is out of range is a value that a finding of its own names."""
    return any(
        f.kind is Kind.SENTINEL
        and f.column == finding.column
        and f.observed >= finding.observed / 2
        for f in found
    )

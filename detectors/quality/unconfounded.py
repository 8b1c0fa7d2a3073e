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
    Kind.SENTINEL: frozenset({Kind.UNITS, Kind.CONSTANT}),
    Kind.STUCK: frozenset({Kind.UNITS, Kind.CONSTANT, Kind.SENTINEL}),
    Kind.PRECISION: frozenset({Kind.UNITS, Kind.CONSTANT, Kind.STUCK, Kind.SENTINEL}),
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
MOVED: Final = LOSSES | {Kind.UNITS, Kind.SENTINEL, Kind.STUCK, Kind.RANGE}
"""Findings after which rows lie far out or close together by themselves."""
COPIES: Final = frozenset({Kind.DUPLICATES, Kind.REPLAY})


def unconfounded(found: Sequence[QualityFinding]) -> list[QualityFinding]:
    """The findings that say something of their own, in their order."""
    kinds = {finding.kind for finding in found}
    return [finding for finding in found if not _follows(finding, found, kinds)]


def _follows(finding: QualityFinding, found: Sequence[QualityFinding], kinds: set[Kind]) -> bool:
    match finding.kind:
        case Kind.DUPLICATES:
            return bool(kinds & LOSSES)
        case Kind.REPLAY:
            return bool(kinds & (LOSSES | {Kind.DUPLICATES}))
        case Kind.SUSPICIOUS:
            return bool(kinds & (MOVED | COPIES))
        case Kind.STUCK if kinds & COPIES:
            return True
        case Kind.RANGE if _is_placeholder(finding, found):
            return True
        case _:
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

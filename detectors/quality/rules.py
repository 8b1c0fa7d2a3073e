"""What people say about the data, where the baseline's own rules are not what they want.

A rule is an action for a kind of finding, for one column or for all, or a fact that only people
know: how much may be missing, which numbers stand for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from detectors.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from detectors.result import QualityFinding, QualityKind


class Action(StrEnum):
    """What becomes of a finding."""

    ALLOW = "allow"
    """It is not told."""
    WARN = "warn"
    """It is a warning, however bad it is."""
    BREAK = "break"
    """It is broken, however mild it is."""


@dataclass(frozen=True)
class ColumnRules:
    """Rules of one column.

    Parameters
    ----------
    missing_max
        Largest share of missing values; takes the place of the statistical rule. None: that one.
    sentinels
        Numbers that stand for something missing; None: those that the baseline shows.
    actions
        What becomes of findings, by kind.

    Raises
    ------
    ParameterError
        If `missing_max` is no share.
    """

    missing_max: float | None = None
    sentinels: tuple[float, ...] | None = None
    actions: Mapping[QualityKind, Action] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.missing_max is not None and not 0 <= self.missing_max <= 1:
            raise ParameterError(f"missing_max must be in [0, 1], got {self.missing_max}")


@dataclass(frozen=True)
class Rules:
    """Rules of one model: `actions` for all columns by kind, `columns` by name; these win."""

    actions: Mapping[QualityKind, Action] = field(default_factory=dict)
    columns: Mapping[str, ColumnRules] = field(default_factory=dict)

    @property
    def sentinels(self) -> Mapping[str, Sequence[float]]:
        """Declared placeholders by column."""
        return {
            name: rules.sentinels
            for name, rules in self.columns.items()
            if rules.sentinels is not None
        }

    def missing_max(self, column: str) -> float | None:
        """Largest share of missing values that people allow a column."""
        return self.columns[column].missing_max if column in self.columns else None

    def told(self, findings: Iterable[QualityFinding]) -> tuple[QualityFinding, ...]:
        """The findings as they are told; doing it twice changes nothing."""
        ruled = map(self.applied, findings)
        return tuple(finding for finding in ruled if finding is not None)

    def applied(self, finding: QualityFinding) -> QualityFinding | None:
        """The finding as it is told, None when it is allowed."""
        own = self.columns.get(finding.column)
        action = None if own is None else own.actions.get(finding.kind)
        match action or self.actions.get(finding.kind):
            case Action.ALLOW:
                return None
            case Action.WARN:
                return replace(finding, severity="warning")
            case Action.BREAK:
                return replace(finding, severity="broken")
            case _:
                return finding

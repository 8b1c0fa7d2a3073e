"""The stored JSON documents as far as the pages read them: decisions and their evidence.

The bytes are the truth (they are what the decision id and the audit log stand on), so these types
are lenient: a member that is absent has a default, one that is unknown is skipped. They are also
what `/openapi.json` says about both documents.
"""

from __future__ import annotations

from typing import Any

import msgspec

from monitor.errors import StorageError
from monitor.web.views import VERDICTS


class Measured(msgspec.Struct, frozen=True):
    """What one detector measured on one column."""

    statistic: float | None = None
    threshold: float | None = None
    effect: float | None = None

    @property
    def over(self) -> bool:
        """Whether the statistic passes its threshold."""
        if self.statistic is None or self.threshold is None:
            return False
        return self.statistic > self.threshold


class JudgedWindow(msgspec.Struct, frozen=True):
    """The window that was judged."""

    start: str = ""
    end: str = ""
    index: int = 0
    records: int = 0


class Finding(msgspec.Struct, frozen=True):
    """One reason for the verdict, in words and in numbers."""

    kind: str = ""
    column: str = ""
    severity: str = "warning"
    measure: str = ""
    text: str = ""
    since: str | None = None
    since_low: str | None = None
    since_high: str | None = None
    evidence_log10: float | None = None
    line_log10: float | None = None
    effect: float | None = None
    effect_unit: str = ""
    baseline_value: float | None = None
    current_value: float | None = None
    unit: str = ""


class JudgedColumn(msgspec.Struct, frozen=True):
    """One column's part of the verdict."""

    status: int = 0
    evidence_log10: float | None = None
    line_log10: float | None = None
    missing_ratio: float | None = None
    invalid_ratio: float | None = None
    unseen_ratio: float | None = None
    mean: float | None = None
    baseline_mean: float | None = None
    statistics: dict[str, Measured] = {}
    power: list[float | None] = []
    needs: int | None = None

    @property
    def verdict(self) -> str:
        """The word for `status`."""
        return VERDICTS[self.status] if 0 <= self.status < len(VERDICTS) else VERDICTS[-1]


class Power(msgspec.Struct, frozen=True):
    """How small a change would have been seen; sizes in `unit`, None for never.

    `typical` of the median column and `worst` of the one that sees least, within each of `windows`.
    """

    probability: float = 0.9
    windows: list[int] = []
    typical: list[float | None] = []
    worst: list[float | None] = []
    worst_column: str = ""
    unit: str = "sd"
    text: str = ""


class Needs(msgspec.Struct, frozen=True):
    """What a window lacked to be judged: so many more records; None when more would not help."""

    records: int | None = None
    text: str = ""


class Decision(msgspec.Struct, frozen=True):
    """The verdict on one window."""

    decision_id: str
    model: str
    version: str = ""
    segment: str = ""
    window: JudgedWindow = JudgedWindow()
    baseline: str = ""
    config: str = ""
    verdict: str = "insufficient"
    guarantee: str = ""
    stage: str = ""
    reference: str = ""
    power: Power = Power()
    needs: Needs = Needs()
    summary: str = ""
    findings: list[Finding] = []
    columns: dict[str, JudgedColumn] = {}


class Scored(msgspec.Struct, frozen=True):
    """One evidence series of a column: its score in this window and the evidence so far."""

    name: str = ""
    z: float | None = None
    evidence_log10: float | None = None


class ColumnEvidence(msgspec.Struct, frozen=True):
    """Shares of the baseline and of the window on the same bins or values.

    Numeric: `edges` (None for an open end) around the bins. Categorical: one share per value.
    """

    kind: str = "numeric"
    edges: list[float | None] = []
    values: list[str] = []
    baseline: list[float] = []
    window: list[float] = []
    series: list[Scored] = []


class Evidence(msgspec.Struct, frozen=True):
    """What a decision stands on, per column."""

    decision_id: str = ""
    columns: dict[str, ColumnEvidence] = {}


def read_decision(document: bytes) -> Decision:
    """A stored decision.

    Raises
    ------
    StorageError
        The archive holds something else under this name.
    """
    try:
        return msgspec.json.decode(document, type=Decision)
    except msgspec.MsgspecError as error:
        raise StorageError(f"a stored decision cannot be read: {error}") from error


def read_evidence(document: bytes) -> Evidence:
    """Stored evidence; errors as `read_decision`."""
    try:
        return msgspec.json.decode(document, type=Evidence)
    except msgspec.MsgspecError as error:
        raise StorageError(f"stored evidence cannot be read: {error}") from error


def schemas() -> dict[str, Any]:
    """JSON Schema components of both documents, for OpenAPI."""
    _, components = msgspec.json.schema_components(
        [Decision, Evidence], ref_template="#/components/schemas/{name}"
    )
    return dict(components)

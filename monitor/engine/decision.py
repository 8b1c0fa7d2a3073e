"""The verdict on one window, and the bytes it is.

A decision is made once and never edited; its canonical JSON is what is stored, signed, shown and
compared by replay. Numbers in it are rounded to nine significant digits: the state behind them is
kept exactly, people and diffs do not need more.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any, Final

import msgspec

from monitor.engine.rounding import DIGITS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.engine.windows import ClosedWindow

FORMAT = 2


class Verdict(StrEnum):
    """What a window came to, from quiet to loud."""

    INSUFFICIENT = "insufficient"
    STABLE = "stable"
    WARNING = "warning"
    DRIFT = "drift"
    BROKEN = "broken"


class Status(IntEnum):
    """The same for one column, as the metric `driftd_drift_status` codes it."""

    STABLE = 0
    WARNING = 1
    DRIFT = 2
    BROKEN = 3
    INSUFFICIENT = 4


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as the baseline says; a decision lists them most important first.

    `since`, `since_low` and `since_high` are RFC 3339 window starts. `effect` is in
    `effect_unit`; `baseline_value` and `current_value` are in the column's own `unit`. `where`
    names the slice of the stream that it happened in, `caused_by` the finding that explains this
    one, `shares` what part of a change in several columns each of them explains, `score_change`
    by how much a feature's change alone moves the mean score.
    """

    kind: str
    column: str
    severity: str
    measure: str
    text: str
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
    where: str = ""
    caused_by: str = ""
    score_change: float | None = None
    shares: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """One verdict with what it stands on; `body` and `evidence` are canonical JSON.

    `unjudged` names the columns of which this window had too little to say anything.
    """

    id: str
    model: str
    window: ClosedWindow
    verdict: Verdict
    baseline: str
    config: str
    findings: tuple[Finding, ...]
    unjudged: frozenset[str]
    body: bytes
    evidence: bytes

    @property
    def summary(self) -> str:
        """The one sentence that leads the decision."""
        return str(json.loads(self.body)["summary"])


@dataclass(frozen=True, slots=True)
class Verdicts:
    """All that judging a window produced, before it becomes bytes.

    `stage` says what the history allows (`monitor.baseline.Stage`), `reference` with which part of
    the baseline distributions were compared when not with all of it, `power` how small a change
    would have been seen, `needs` what was lacking for a judgement; see `monitor.engine.power`.
    """

    verdict: Verdict
    guarantee: str
    summary: str
    findings: tuple[Finding, ...] = ()
    unjudged: frozenset[str] = frozenset()
    columns: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    evidence: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    panel: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    performance: Mapping[str, Any] = field(default_factory=dict)
    stage: str = ""
    reference: str = ""
    power: Mapping[str, Any] = field(default_factory=dict)
    needs: Mapping[str, Any] = field(default_factory=dict)


def decide(
    model: str, window: ClosedWindow, baseline: str, config: str, verdicts: Verdicts
) -> Decision:
    """Freeze a verdict into a decision with its identity (promise P2) and canonical bytes."""
    stream = window.stream
    place = {"start": rfc3339(window.start), "end": rfc3339(window.end), "index": window.index}
    key = [model, stream.version, stream.segment, place, config, baseline]
    identity = hashlib.sha256(canonical(key)).hexdigest()
    body = {
        "format": FORMAT,
        "decision_id": identity,
        "model": model,
        "version": stream.version,
        "segment": stream.segment,
        "window": {**place, "records": window.profile.rows},
        "baseline": baseline,
        "config": config,
        "verdict": verdicts.verdict,
        "guarantee": verdicts.guarantee,
        "stage": verdicts.stage,
        "reference": verdicts.reference,
        "power": verdicts.power,
        "needs": verdicts.needs,
        "summary": verdicts.summary,
        "findings": [asdict(finding) for finding in verdicts.findings],
        "columns": _encoded(verdicts.columns),
        "panel": verdicts.panel,
        "performance": verdicts.performance,
    }
    evidence = {"decision_id": identity, "columns": _encoded(verdicts.evidence)}
    return Decision(
        id=identity,
        model=model,
        window=window,
        verdict=verdicts.verdict,
        baseline=baseline,
        config=config,
        findings=verdicts.findings,
        unjudged=verdicts.unjudged,
        body=canonical(body),
        evidence=canonical(evidence),
    )


def canonical(value: Any) -> bytes:
    """Sorted keys, no white space, UTF-8, numbers rounded, null for what is not a number."""
    return _encode(_plain(value))


def _encoded(columns: Mapping[str, Any]) -> msgspec.Raw:
    """Many numbers that were rounded when they were made (`rounding.rounded`), as they are."""
    return msgspec.Raw(_encode(columns))


def _written(value: Any) -> Any:
    """What the encoder does not know: numpy's scalars and arrays, else text."""
    return value.tolist() if hasattr(value, "tolist") else str(value)


_encode: Final = msgspec.json.Encoder(order="sorted", enc_hook=_written).encode


def rfc3339(micros: int) -> str:
    """`2013-06-01T00:00:00Z`, with microseconds only when there are any."""
    moment = datetime.fromtimestamp(micros // 1_000_000, UTC)
    text = moment.replace(microsecond=micros % 1_000_000).isoformat()
    return text.replace("+00:00", "Z")


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {str(key): _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case bool() | None | int() | msgspec.Raw():
            return value
        case float():
            return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
        case _:
            return _plain(value.tolist()) if hasattr(value, "tolist") else str(value)

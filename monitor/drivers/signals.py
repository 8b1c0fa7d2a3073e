"""From a decision to what it says to alerting: which findings are people's business.

Evidence over the line whose effect is too small to matter (`warning` drift) stays on the page; it
does not ring, and no more do warnings of detectors that have no part in the budget. Everything else
that a decision found does, within the budget it was found under.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from alerts.alert import DecisionRef, Severity, Signal
from monitor.engine.decision import Verdict

if TYPE_CHECKING:
    from monitor.engine.decision import Decision, Finding

_EPOCH: Final = datetime.fromtimestamp(0, UTC)

SILENT: Final = frozenset({"drift", "online", "external", "threshold"})
"""Kinds of finding whose warnings are shown and ring nowhere: they spend nothing of the budget."""

_SEVERITY: Final = {
    "warning": Severity.WARNING,
    "drift": Severity.WARNING,
    "broken": Severity.CRITICAL,
}


def reference(decision: Decision) -> DecisionRef:
    """Who speaks, and which columns it could not judge."""
    window = decision.window
    return DecisionRef(
        decision_id=decision.id,
        model=decision.model,
        version=window.stream.version,
        segment=window.stream.segment,
        window_start=window.start,
        window_end=window.end,
        conclusive=decision.verdict is not Verdict.INSUFFICIENT or bool(decision.findings),
        unjudged=decision.unjudged,
    )


def signals(decision: Decision) -> list[Signal]:
    """The findings that ring, most important first."""
    return [_signal(finding) for finding in decision.findings if rings(finding)]


def rings(finding: Finding) -> bool:
    """Whether people hear of this finding."""
    evidence = finding.kind in SILENT or finding.evidence_log10 is not None
    return not (evidence and finding.severity == "warning")


def _signal(finding: Finding) -> Signal:
    return Signal(
        column=finding.column,
        kind=finding.kind,
        severity=_SEVERITY[finding.severity],
        summary=finding.text,
        details={name: _plain(value) for name, value in asdict(finding).items()},
        since=None if finding.since is None else _micros(finding.since),
    )


def _plain(value: Any) -> Any:
    """As in the decision's JSON: null for what is not a number."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _micros(text: str) -> int:
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)

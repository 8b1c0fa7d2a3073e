"""Small makers of decisions and signals, one window a day."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from alerts.alert import Alert, AlertKey, DecisionRef, Severity, Signal
from alerts.life import LifePolicy, advance

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alerts.life import Advanced

DAY = 86_400_000_000
START = 1_370_044_800_000_000  # 2013-06-01T00:00:00Z


def day(number: int, **changes: Any) -> DecisionRef:
    """Return the decision about day `number`."""
    values: dict[str, Any] = {
        "decision_id": hashlib.sha256(f"{number} {sorted(changes.items())}".encode()).hexdigest(),
        "model": "flights",
        "version": "7",
        "segment": "",
        "window_start": START + number * DAY,
        "window_end": START + (number + 1) * DAY,
    }
    return DecisionRef(**(values | changes))


def bad(
    column: str = "dep_delay",
    kind: str = "drift",
    severity: Severity = Severity.WARNING,
    summary: str = "",
) -> Signal:
    """Return a signal."""
    return Signal(column, kind, severity, summary or f"{column}: {kind}", {"effect": 0.5})


class Story:
    """Feeds decisions one after the other and keeps the open alerts, as the archive does."""

    def __init__(self, policy: LifePolicy | None = None) -> None:
        self.policy = policy or LifePolicy()
        self.open: dict[AlertKey, Alert] = {}

    def tell(self, decision: DecisionRef, *signals: Signal) -> Advanced:
        """Advance by one decision, at the end of its window."""
        step = advance(self.open, signals, decision, decision.window_end, self.policy)
        self.keep(step.alerts)
        return step

    def days(self, pattern: Sequence[Sequence[Signal]], first: int = 0) -> list[Advanced]:
        """Tell one decision a day."""
        return [self.tell(day(first + i), *signals) for i, signals in enumerate(pattern)]

    def keep(self, alerts: Sequence[Alert]) -> None:
        """Store changed alerts and forget those that are over."""
        for alert in alerts:
            self.open[alert.key] = alert
            if alert.resolved_at is not None:
                del self.open[alert.key]


def decision_json(ref: DecisionRef, findings: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the parts of a decision's JSON that alerts read."""
    return {
        "decision_id": ref.decision_id,
        "window": {
            "start": "2013-06-01T00:00:00Z",
            "end": "2013-06-02T00:00:00Z",
            "index": 3,
            "records": 918,
        },
        "verdict": "drift",
        "guarantee": "at most 1 false alarm per 30 days",
        "summary": "dep_delay rose.",
        "findings": list(findings),
    }

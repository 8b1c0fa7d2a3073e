"""The values of alerting: what a decision says, the alert it opens, the notification it causes.

An alert is an open question for people about one thing: one column of one model's segment moving
or breaking in one way. How alerts live is in `alerts.life`; this file has no behaviour beyond
naming things deterministically and turning them into plain data and back.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Severity(StrEnum):
    """How loudly to ask; chosen by the caller's policy, in rising order."""

    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Position in rising order: 0 is the mildest."""
        return list(Severity).index(self)


class State(StrEnum):
    """Where an alert is in its life."""

    PENDING = "pending"
    FIRING = "firing"
    RESOLVED = "resolved"


class AlertKey(NamedTuple):
    """What an alert is about; at most one alert per key is open.

    `segment` is "" for all traffic, `column` is "" for findings about the whole window (volume,
    freshness), `kind` is the finding's kind (`drift`, `missing`, ...). The model's version is not
    in the key: the question is about the model, and a new version can answer it.
    """

    model: str
    segment: str
    column: str
    kind: str


@dataclass(frozen=True, slots=True)
class Signal:
    """What one decision says is bad about one column.

    Attributes
    ----------
    column, kind
        The part of the alert's key that the decision does not share; see `AlertKey`.
    severity
        How loud.
    summary
        One sentence for people.
    details
        Plain JSON data for machines: numbers, texts, no NaN.
    since
        Estimated beginning of the change, microseconds since the epoch; `None` if unknown.
    """

    column: str
    kind: str
    severity: Severity
    summary: str
    details: Mapping[str, Any] = field(default_factory=dict)
    since: int | None = None


@dataclass(frozen=True, slots=True)
class DecisionRef:
    """The decision that speaks: whose window it judged, and what it could not judge.

    Attributes
    ----------
    decision_id
        Hex digest; the source of every id made here.
    model, version, segment
        The scope: only alerts of this model and segment are touched.
    window_start, window_end
        Event time, microseconds since the epoch, `[start, end)`.
    conclusive
        False for an `insufficient` verdict: such a decision changes no alert.
    unjudged
        Columns this decision had too little data for; their alerts are left as they are unless a
        signal mentions them. When a window broke because records are absent, every column
        belongs here, otherwise silence would pass for recovery.
    """

    decision_id: str
    model: str
    version: str
    segment: str
    window_start: int
    window_end: int
    conclusive: bool = True
    unjudged: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as it stands after the last decision that touched it.

    Attributes
    ----------
    id
        64 hex digits, `alert_id(key, opening_decision)`.
    severity
        Loudness that people were last told (while pending: would be told).
    opened_at, fired_at, resolved_at
        Microseconds since the epoch; `None` while it has not happened. A resolved alert with
        `fired_at` None never reached anybody.
    since
        Best known estimate of when the change began, `None` if unknown.
    summary, details
        Of the last bad window.
    opening_decision, last_decision
        The decision that opened it, and the last one that counted for it, bad or good.
    last_bad_end
        End of the latest bad window; only windows that end later count as recovery.
    windows
        Bad windows since it opened.
    good_streak, milder_streak
        Windows in a row that were good, and that were good or milder than `severity`.
    """

    id: str
    key: AlertKey
    severity: Severity
    state: State
    opened_at: int
    fired_at: int | None
    resolved_at: int | None
    since: int | None
    summary: str
    details: Mapping[str, Any]
    opening_decision: str
    last_decision: str
    last_bad_end: int
    windows: int
    good_streak: int = 0
    milder_streak: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON data from which `from_dict` makes an equal alert."""
        return asdict(self) | {"key": self.key._asdict(), "details": dict(self.details)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Alert:
        """Return the alert that `as_dict` wrote; `KeyError` or `ValueError` on anything else."""
        values = dict(data)
        values["key"] = AlertKey(**values["key"])
        values["severity"] = Severity(values["severity"])
        values["state"] = State(values["state"])
        return cls(**values)


class Change(IntEnum):
    """Why an alert is in a notification; the lowest comes first in the message."""

    FIRED = 0
    SEVERITY = 1
    RESOLVED = 2


@dataclass(frozen=True, slots=True)
class Notification:
    """Everything one decision has to tell people: one message, however many alerts changed.

    Attributes
    ----------
    id
        `msg_` and 40 hex digits, a function of the decision alone: the receiver's key against
        repetitions.
    at
        Microseconds since the epoch, the `now` of the step that made it.
    decision
        The decision that speaks.
    changes
        `(why, alert)`, never empty, the most important first: fired before severity before
        resolved, and inside each in the order of the decision's signals (then by key).
    still_firing
        Alerts of the same model and segment that fire and did not change.
    """

    id: str
    at: int
    decision: DecisionRef
    changes: tuple[tuple[Change, Alert], ...]
    still_firing: int

    @property
    def firing(self) -> bool:
        """Whether something is wrong in this message; False when everything in it is resolved."""
        return self.changes[0][0] is not Change.RESOLVED

    @property
    def severity(self) -> Severity:
        """The loudest severity among the changes that fire (of all, when all are resolved)."""
        loud = [alert for change, alert in self.changes if change is not Change.RESOLVED]
        everyone = loud or [alert for _, alert in self.changes]
        return max((alert.severity for alert in everyone), key=lambda severity: severity.rank)


def alert_id(key: AlertKey, opening_decision: str) -> str:
    """SHA-256 over key and opening decision: the same history gives the same id anywhere."""
    return _digest("alert", *key, opening_decision)


def notification_id(decision_id: str) -> str:
    """Name the one notification a decision may cause."""
    return "msg_" + _digest("notification", decision_id)[:40]


def _digest(*parts: str) -> str:
    """SHA-256 of an unambiguous encoding of `parts` (JSON escapes keep any text apart)."""
    return hashlib.sha256(json.dumps(["driftd", *parts]).encode()).hexdigest()

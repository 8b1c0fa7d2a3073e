"""How alerts live: a pure step from the open alerts and one decision to the changed ones.

    none    -- bad --> pending
    pending -- `for_windows` bad in a row --> firing
    pending -- good --> resolved, unheard
    firing  -- `recover_windows` good in a row --> resolved

Hysteresis lies in the asymmetry: firing needs evidence, which the decision has already
accumulated, and resolving needs several good windows in a row, as does becoming milder. A window
that ends no later than the last bad one is no recovery: two versions of a model that answer side
by side would otherwise contradict each other about the same hours.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from alerts.alert import (
    Alert,
    AlertKey,
    Change,
    DecisionRef,
    Notification,
    Signal,
    State,
    alert_id,
    notification_id,
)
from alerts.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class LifePolicy:
    """How many windows in a row it takes.

    Attributes
    ----------
    for_windows
        Bad windows until an alert fires, at least 1. The default is 1 because a decision's
        evidence is already accumulated over windows under the false-alarm budget.
    recover_windows
        Good windows until a firing alert resolves, and windows of lower severity until it
        becomes milder, at least 1.
    """

    for_windows: int = 1
    recover_windows: int = 3

    def __post_init__(self) -> None:
        for name in ("for_windows", "recover_windows"):
            if getattr(self, name) < 1:
                raise PolicyError(f"{name} must be at least 1, got {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class Advanced:
    """What one decision did.

    Attributes
    ----------
    alerts
        Alerts that are new or differ from what was passed in, in the order of their keys;
        resolved ones included (they are no longer open).
    notifications
        Nothing, or the one message of this decision.
    """

    alerts: tuple[Alert, ...]
    notifications: tuple[Notification, ...]


def advance(
    open_alerts: Mapping[AlertKey, Alert],
    signals: Sequence[Signal],
    decision: DecisionRef,
    now: int,
    policy: LifePolicy,
) -> Advanced:
    """Let one decision speak about the open alerts of its model and segment.

    Pure and deterministic: equal arguments give equal results, ids included.

    Parameters
    ----------
    open_alerts
        Pending and firing alerts by key; those of other models and segments are ignored.
    signals
        What is bad, the most important first. Keys of the scope that are absent here are good,
        unless their column is in `decision.unjudged`. Of several signals with one key the first
        counts.
    decision
        Who speaks; one that is not conclusive changes nothing.
    now
        Microseconds since the epoch, stamped on what happens.
    policy
        Windows in a row.
    """
    if not decision.conclusive:
        return Advanced((), ())
    scope = (decision.model, decision.segment)
    before = {
        key: alert
        for key, alert in open_alerts.items()
        if key[:2] == scope and alert.state is not State.RESOLVED
    }
    bad: dict[AlertKey, Signal] = {}
    for signal in signals:
        bad.setdefault(AlertKey(*scope, signal.column, signal.kind), signal)
    after = {
        key: _worse(before.get(key), key, signal, decision, now, policy)
        for key, signal in bad.items()
    }
    for key in sorted(before.keys() - bad.keys()):
        if key.column not in decision.unjudged:
            after[key] = _better(before[key], decision, now, policy)
    changed = {key: alert for key, alert in after.items() if alert != before.get(key)}
    message = _notification(before, after, decision, now)
    return Advanced(tuple(changed[key] for key in sorted(changed)), message)


def _worse(
    alert: Alert | None,
    key: AlertKey,
    signal: Signal,
    decision: DecisionRef,
    now: int,
    policy: LifePolicy,
) -> Alert:
    """Return the alert after a bad window."""
    if alert is None:
        alert = _opened(key, signal, decision, now)
    alert = replace(
        alert,
        summary=signal.summary,
        details=signal.details,
        since=alert.since if signal.since is None else signal.since,
        last_decision=decision.decision_id,
        last_bad_end=max(alert.last_bad_end, decision.window_end),
        windows=alert.windows + 1,
        good_streak=0,
    )
    if alert.state is State.PENDING:
        alert = replace(alert, severity=signal.severity)
        fires = alert.windows >= policy.for_windows
        return replace(alert, state=State.FIRING, fired_at=now) if fires else alert
    return _reweighed(alert, signal, policy)


def _opened(key: AlertKey, signal: Signal, decision: DecisionRef, now: int) -> Alert:
    """Return a pending alert that has not counted its first window yet."""
    return Alert(
        id=alert_id(key, decision.decision_id),
        key=key,
        severity=signal.severity,
        state=State.PENDING,
        opened_at=now,
        fired_at=None,
        resolved_at=None,
        since=signal.since,
        summary=signal.summary,
        details=signal.details,
        opening_decision=decision.decision_id,
        last_decision=decision.decision_id,
        last_bad_end=decision.window_end,
        windows=0,
    )


def _reweighed(alert: Alert, signal: Signal, policy: LifePolicy) -> Alert:
    """Take over a higher severity at once, a lower one when it has held."""
    if signal.severity.rank >= alert.severity.rank:
        return replace(alert, severity=signal.severity, milder_streak=0)
    if alert.milder_streak + 1 < policy.recover_windows:
        return replace(alert, milder_streak=alert.milder_streak + 1)
    return replace(alert, severity=signal.severity, milder_streak=0)


def _better(alert: Alert, decision: DecisionRef, now: int, policy: LifePolicy) -> Alert:
    """Return the alert after a window that does not mention it."""
    if decision.window_end <= alert.last_bad_end:
        return alert
    alert = replace(
        alert,
        last_decision=decision.decision_id,
        good_streak=alert.good_streak + 1,
        milder_streak=alert.milder_streak + 1,
    )
    held = alert.state is State.PENDING or alert.good_streak >= policy.recover_windows
    return replace(alert, state=State.RESOLVED, resolved_at=now) if held else alert


def _notification(
    before: Mapping[AlertKey, Alert],
    after: Mapping[AlertKey, Alert],
    decision: DecisionRef,
    now: int,
) -> tuple[Notification, ...]:
    """Group what people have to hear; `after` is in order of importance, and sorting is stable."""
    changes = [
        (change, alert)
        for key, alert in after.items()
        if (change := _change(before.get(key), alert)) is not None
    ]
    if not changes:
        return ()
    changes.sort(key=lambda item: item[0])
    told = {alert.key for _, alert in changes}
    firing = {key for key, alert in ({**before, **after}).items() if alert.state is State.FIRING}
    message = Notification(
        id=notification_id(decision.decision_id),
        at=now,
        decision=decision,
        changes=tuple(changes),
        still_firing=len(firing - told),
    )
    return (message,)


def _change(before: Alert | None, after: Alert) -> Change | None:
    """Say why people have to hear of this step, or that they need not."""
    was_firing = before is not None and before.state is State.FIRING
    if after.state is State.FIRING and not was_firing:
        return Change.FIRED
    if was_firing and after.state is State.RESOLVED:
        return Change.RESOLVED
    if was_firing and before is not None and after.severity is not before.severity:
        return Change.SEVERITY
    return None

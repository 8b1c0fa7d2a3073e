"""Alerts come back as they went in, and one key has at most one open alert."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy.exc import IntegrityError

from alerts.alert import Alert, AlertKey, Severity, State, alert_id
from monitor.archive import alerts_sql
from monitor.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = AlertKey("flights", "", "dep_delay", "drift")


def _alert(opening: str, key: AlertKey = KEY, **changes: Any) -> Alert:
    alert = Alert(
        id=alert_id(key, opening),
        key=key,
        severity=Severity.WARNING,
        state=State.PENDING,
        opened_at=10,
        fired_at=None,
        resolved_at=None,
        since=5,
        summary="dep_delay rose \u2191",
        details={"effect": 0.5, "words": ["a", None]},
        opening_decision=opening,
        last_decision=opening,
        last_bad_end=9,
        windows=1,
    )
    return replace(alert, **changes)


def test_open_alerts_come_back_by_key(write: Callable[[Any], Any]) -> None:
    first = _alert("d1")
    segment = _alert("d1", KEY._replace(segment="origin=EWR"), state=State.FIRING, fired_at=11)
    other = _alert("d1", KEY._replace(model="prices"))
    write(lambda c: alerts_sql.save(c, [first, segment, other], 1))
    assert write(alerts_sql.open_alerts) == {a.key: a for a in (first, segment, other)}
    assert write(lambda c: alerts_sql.open_alerts(c, "flights")) == {
        first.key: first,
        segment.key: segment,
    }
    assert write(lambda c: alerts_sql.open_alerts(c, "flights", "")) == {first.key: first}
    assert write(alerts_sql.counts) == {
        ("flights", "warning", "firing"): 1,
        ("flights", "warning", "pending"): 1,
        ("prices", "warning", "pending"): 1,
    }


def test_changed_alert_replaces_itself(write: Callable[[Any], Any]) -> None:
    before = _alert("d1")
    after = replace(before, state=State.FIRING, fired_at=20, severity=Severity.CRITICAL, windows=2)
    for alert in (before, after):
        write(lambda c, a=alert: alerts_sql.save(c, [a], 1))
    assert write(alerts_sql.open_alerts) == {KEY: after}
    assert write(lambda c: alerts_sql.get(c, before.id)) == after
    with pytest.raises(NotFoundError):
        write(lambda c: alerts_sql.get(c, "nobody"))


def test_key_may_open_anew_in_the_step_that_resolves_it(write: Callable[[Any], Any]) -> None:
    first = _alert("d1")
    write(lambda c: alerts_sql.save(c, [first], 1))
    resolved = replace(first, state=State.RESOLVED, resolved_at=20)
    second = _alert("d2", opened_at=20)
    write(lambda c: alerts_sql.save(c, [second, resolved], 2))
    assert write(alerts_sql.open_alerts) == {KEY: second}
    assert write(lambda c: alerts_sql.newest(c, 10)) == (second, resolved)
    assert write(lambda c: alerts_sql.newest(c, 1)) == (second,)


def test_second_open_alert_of_one_key_is_refused(write: Callable[[Any], Any]) -> None:
    first = _alert("d1")
    write(lambda c: alerts_sql.save(c, [first], 1))
    with pytest.raises(IntegrityError):
        write(lambda c: alerts_sql.save(c, [_alert("d2")], 2))
    assert write(alerts_sql.open_alerts) == {KEY: first}

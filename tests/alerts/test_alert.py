"""The values of alerting: plain data and back, names that are a function of content."""

from __future__ import annotations

import hashlib
import json

from hypothesis import given
from hypothesis import strategies as st

from alerts.alert import Alert, AlertKey, Severity, alert_id, notification_id
from tests.alerts.making import Story, bad, day


def test_an_alert_survives_json() -> None:
    for alert in Story().tell(day(0), bad(), bad("a", "missing")).alerts:
        assert Alert.from_dict(json.loads(json.dumps(alert.as_dict()))) == alert


def test_ids_are_fixed_for_all_time() -> None:
    """They are in archives and in receivers' tables: a new value would be a breaking change."""
    key = AlertKey("flights", "origin=EWR", "dep_delay", "drift")
    content = b'["driftd", "alert", "flights", "origin=EWR", "dep_delay", "drift", "ab12"]'
    assert alert_id(key, "ab12") == hashlib.sha256(content).hexdigest()
    content = b'["driftd", "notification", "ab12"]'
    assert notification_id("ab12") == "msg_" + hashlib.sha256(content).hexdigest()[:40]


@given(st.lists(st.text(), min_size=5, max_size=5), st.lists(st.text(), min_size=5, max_size=5))
def test_different_things_have_different_ids(one: list[str], two: list[str]) -> None:
    same = alert_id(AlertKey(*one[:4]), one[4]) == alert_id(AlertKey(*two[:4]), two[4])
    assert same == (one == two)


def test_severities_rise() -> None:
    assert Severity.WARNING.rank < Severity.CRITICAL.rank

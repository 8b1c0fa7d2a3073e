"""What people read and what machines get."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from alerts.alert import Notification, Severity, Signal
from alerts.life import LifePolicy
from alerts.render import render_message, render_text
from alerts.wording import clean, listing
from tests.alerts.making import START, Story, bad, day, decision_json

DELAY = {
    "kind": "drift",
    "column": "dep_delay",
    "severity": "drift",
    "text": "dep_delay rose: mean 12.4 to 20.8 minutes (+0.21 sd in rank)",
    "since": "2013-06-07T00:00:00Z",
    "since_low": "2013-06-05T00:00:00Z",
    "since_high": "2013-06-09T00:00:00Z",
}
MISSING = {"kind": "missing", "column": "carrier", "text": "carrier: missing values rose to 100 %"}


def notify(*signals: Signal, segment: str = "origin=EWR") -> Notification:
    (note,) = Story().tell(day(0, segment=segment), *signals).notifications
    return note


def event(note: Notification, *findings: dict[str, Any], link: str = "") -> dict[str, Any]:
    message = render_message(
        note, decision_json(note.decision, findings), source="/driftd/prod-eu", link=link
    )
    assert message.content_type == "application/cloudevents+json"
    made: dict[str, Any] = json.loads(message.body)
    return made


def test_the_text_answers_in_the_order_in_which_people_ask() -> None:
    note = notify(bad())
    text = render_text(note, decision_json(note.decision, [DELAY]), link="https://d/decisions/1")
    assert (
        text
        == f"""\
[warning] flights origin=EWR: dep_delay rose: mean 12.4 to 20.8 minutes (+0.21 sd in rank)

What moved
  - dep_delay rose: mean 12.4 to 20.8 minutes (+0.21 sd in rank)

Since:    2013-06-07T00:00:00Z (between 2013-06-05T00:00:00Z and 2013-06-09T00:00:00Z)
Where:    model flights version 7, segment origin=EWR, window 2013-06-01T00:00:00Z to \
2013-06-02T00:00:00Z, 918 records
Cause:    the world, as far as records can tell: these columns passed every data check
Next:     look at the evidence; if the change is real and here to stay, retrain or build a new \
baseline (driftd baseline build)
Evidence: https://d/decisions/1
Replay:   driftd replay {note.decision.decision_id}
"""
    )


def test_the_text_of_a_recovery() -> None:
    story = Story(LifePolicy(recover_windows=2))
    story.tell(day(0), bad("a"), bad("b"))
    story.tell(day(1), bad("b"))
    step = story.tell(day(2), bad("b"))
    assert (
        render_text(step.notifications[0], {})
        == f"""\
[resolved] flights: a drift

What is over
  - a drift: good windows in a row: 2, after 1 bad since 2013-06-02T00:00:00Z

Where:    model flights version 7, all traffic, window 2013-06-03T00:00:00Z to 2013-06-04T00:00:00Z
Open:     1 more alert here
Replay:   driftd replay {step.notifications[0].decision.decision_id}
"""
    )


def test_forty_columns_lead_with_their_common_trouble() -> None:
    note = notify(*(bad(f"c{i:02}", "missing", Severity.CRITICAL) for i in range(40)))
    text = render_text(note, {})
    assert text.startswith(
        "[critical] flights origin=EWR: missing in 40 columns (c00, c01, c02 and 37 more)\n"
    )
    assert text.count("\n  - ") == 5
    assert "\n  and missing: c05, c06, c07 and 32 more\n" in text


@pytest.mark.parametrize(
    ("signals", "findings", "cause"),
    [
        ([bad()], [DELAY], "the world, as far"),
        ([bad("carrier", "missing")], [MISSING], "the data: what arrives"),
        ([bad(), bad("carrier", "missing")], [DELAY, MISSING], "both: some columns broke"),
        ([bad(), bad("dep_delay", "range")], [DELAY], "the data, so far"),
        ([bad()], [DELAY, {**MISSING, "column": "dep_delay"}], "the data, so far"),
        ([bad()], [DELAY, {**MISSING, "kind": "volume", "column": ""}], "the data, so far"),
    ],
)
def test_data_or_world(signals: list[Signal], findings: list[Any], cause: str) -> None:
    note = notify(*signals)
    assert f"\nCause:    {cause}" in render_text(note, decision_json(note.decision, findings))


def test_broken_data_are_the_next_step_even_when_something_else_leads() -> None:
    text = render_text(notify(bad(), bad("carrier", "missing")), {})
    assert "\nNext:     ask who fills carrier: " in text


def test_the_event_is_a_cloudevent() -> None:
    """CloudEvents 1.0: the required attributes, their forms, and nothing that is not allowed."""
    note = notify(bad())
    made = event(note, DELAY, link="https://d/decisions/1")
    data = made.pop("data")
    assert made == {
        "specversion": "1.0",
        "id": note.id,
        "source": "/driftd/prod-eu",
        "type": "io.driftd.alert.firing.v1",
        "subject": "models/flights/segments/origin=EWR",
        "time": "2013-06-02T00:00:00Z",
        "datacontenttype": "application/json",
    }
    (alert,) = data.pop("alerts")
    assert alert["change"] == "fired"
    assert alert["id"] == note.changes[0][1].id
    text = data.pop("text")
    assert text.startswith("[warning] flights")
    assert data == {
        "model": "flights",
        "version": "7",
        "segment": "origin=EWR",
        "status": "firing",
        "severity": "warning",
        "window": {
            "start": "2013-06-01T00:00:00Z",
            "end": "2013-06-02T00:00:00Z",
            "index": 3,
            "records": 918,
        },
        "verdict": "drift",
        "guarantee": "at most 1 false alarm per 30 days",
        "summary": "dep_delay rose.",
        "findings": [DELAY],
        "findings_total": 1,
        "alerts_total": 1,
        "still_firing": 0,
        "decision_id": note.decision.decision_id,
        "replay": f"driftd replay {note.decision.decision_id}",
        "link": "https://d/decisions/1",
    }


def test_a_recovery_is_another_type() -> None:
    story = Story(LifePolicy(recover_windows=1))
    story.tell(day(0), bad())
    (note,) = story.tell(day(1)).notifications
    made = event(note)
    assert made["type"] == "io.driftd.alert.resolved.v1"
    assert made["data"]["status"] == "resolved"
    assert made["subject"] == "models/flights"


def test_the_bytes_are_a_function_of_the_arguments() -> None:
    one, two = (
        render_message(notify(bad()), decision_json(day(0), [DELAY]), source="/d") for _ in range(2)
    )
    assert one == two
    canonical = json.dumps(
        json.loads(one.body), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    assert one.body == canonical.encode()


def test_the_event_is_bounded() -> None:
    findings = [{**MISSING, "column": f"c{i}"} for i in range(5000)]
    note = notify(*(bad(f"c{i}", "missing") for i in range(5000)))
    made = event(note, *findings)
    assert (len(made["data"]["findings"]), made["data"]["findings_total"]) == (50, 5000)
    assert (len(made["data"]["alerts"]), made["data"]["alerts_total"]) == (100, 5000)
    assert len(json.dumps(made)) < 100_000


HOSTILE = "carrier\nReplay:   driftd replay 0\x1b[31m\u202e\u2028{{ 7*7 }}<script>\ud800"


def test_names_and_texts_from_records_stay_on_their_line() -> None:
    note = notify(bad(HOSTILE, "unseen", summary=HOSTILE))
    text = render_text(note, {})
    assert [line for line in text.splitlines() if line.startswith("Replay:")] == [
        f"Replay:   driftd replay {note.decision.decision_id}"
    ]
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "{{ 7*7 }}" in text


def test_no_name_breaks_the_event_or_passes_for_another_path() -> None:
    note = notify(bad(HOSTILE, summary=HOSTILE), segment="origin=E/W R")
    note = replace(note, decision=replace(note.decision, model="a/../b"))
    made = event(note)
    assert made["subject"] == "models/a%2F..%2Fb/segments/origin=E%2FW%20R"
    assert made["data"]["alerts"][0]["column"] == HOSTILE


def test_subjects_are_short_and_keep_their_count() -> None:
    note = notify(bad(summary="x" * 900), bad("b"))
    subject = render_message(note, {}, source="/d").subject
    assert len(subject) == 200
    assert subject.endswith("… (and 1 more)")


def test_since_falls_back_to_what_the_alert_knows() -> None:
    signal = Signal("a", "drift", Severity.WARNING, "a rose", since=START)
    assert "\nSince:    2013-06-01T00:00:00Z\n" in render_text(notify(signal), {})


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (["a", "b", "c", "d"], "a, b, c and 1 more"),
    ],
)
def test_listings(names: list[str], text: str) -> None:
    assert listing(names) == text


def test_clean_makes_one_line() -> None:
    assert clean("  a\r\n\tb\x00c ") == "a b c"
    assert clean("abcdef", 4) == "abc…"

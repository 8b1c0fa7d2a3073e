"""Which findings ring, how loudly, and what an alert is told of them."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from alerts.alert import Severity
from monitor.drivers.signals import reference, rings, signals
from monitor.engine.decision import Finding, Verdict
from tests.monitor.drivers.setting import EVERY, LIVE, MODEL, setting, window

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.engine.decision import Decision

FOUND = Finding("drift", "amount", "drift", "location", "amount rose", "2024-03-04T00:40:00.5Z")


@pytest.fixture(scope="module")
def decision(tmp_path_factory: pytest.TempPathFactory) -> Decision:
    """A real one, to be varied."""
    folder: Path = tmp_path_factory.mktemp("signals")
    with setting(folder) as shop:
        shop.append(window(0))
        shop.append(window(1))
        shop.step()
        return shop.made[0]


@pytest.mark.parametrize(
    ("kind", "severity", "loud"),
    [
        ("drift", "warning", None),
        ("drift", "drift", Severity.WARNING),
        ("missing", "drift", Severity.WARNING),
        ("missing", "warning", Severity.WARNING),
        ("schema", "warning", Severity.WARNING),
        ("volume", "broken", Severity.CRITICAL),
        ("range", "broken", Severity.CRITICAL),
    ],
)
def test_what_rings(decision: Decision, kind: str, severity: str, loud: Severity | None) -> None:
    finding = replace(FOUND, kind=kind, severity=severity)
    assert rings(finding) is (loud is not None)
    told = signals(replace(decision, findings=(finding,)))
    assert [signal.severity for signal in told] == ([] if loud is None else [loud])


def test_a_signal_says_what_the_finding_says(decision: Decision) -> None:
    (signal,) = signals(replace(decision, findings=(FOUND,)))
    assert (signal.column, signal.kind, signal.summary) == ("amount", "drift", "amount rose")
    assert signal.since == LIVE + 500_000
    assert signal.details["measure"] == "location"


def test_what_is_not_a_number_is_null(decision: Decision) -> None:
    strange = replace(FOUND, current_value=math.nan, baseline_value=-math.inf, effect=0.5)
    (signal,) = signals(replace(decision, findings=(strange,)))
    told = json.loads(json.dumps(signal.details, allow_nan=False))
    assert (told["current_value"], told["baseline_value"], told["effect"]) == (None, None, 0.5)


def test_the_order_is_kept_and_an_unknown_beginning_stays_unknown(decision: Decision) -> None:
    findings = (replace(FOUND, since=None), replace(FOUND, column="age"))
    told = signals(replace(decision, findings=findings))
    assert [(signal.column, signal.since is None) for signal in told] == [
        ("amount", True),
        ("age", False),
    ]


def test_times_before_1970_and_in_year_1_are_times(decision: Decision) -> None:
    findings = (replace(FOUND, since="0001-01-01T00:00:00Z"),)
    assert signals(replace(decision, findings=findings))[0].since == -62_135_596_800_000_000


def test_the_reference_names_the_decision(decision: Decision) -> None:
    found = reference(decision)
    assert (found.decision_id, found.model, found.version) == (decision.id, MODEL, "1")
    assert (found.segment, found.window_start, found.window_end) == ("", LIVE, LIVE + EVERY)
    assert (found.conclusive, found.unjudged) == (True, frozenset())


def test_too_few_records_change_no_alert_unless_they_are_the_finding(decision: Decision) -> None:
    few = replace(decision, verdict=Verdict.INSUFFICIENT)
    assert not reference(few).conclusive
    volume = replace(FOUND, kind="volume", column="", severity="broken")
    assert reference(replace(few, findings=(volume,))).conclusive

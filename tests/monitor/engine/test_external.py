"""What workers say enters by the journal and is told with the next decision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from monitor.columnar import encode_block
from monitor.drivers.signals import rings
from monitor.engine.engine import Engine, control
from monitor.engine.external import MAX_WAITING, ExternalWatch
from monitor.packing import pack, unpack
from tests.monitor.engine.streams import (
    HOUR,
    START,
    WINDOWS,
    Resolver,
    baseline,
    configured,
    rows,
)

if TYPE_CHECKING:
    from monitor.baseline import Baseline
    from monitor.engine.decision import Decision, Finding

JUDGED = (START + WINDOWS) * HOUR


@pytest.fixture(scope="module")
def learned() -> Baseline:
    return baseline()


def said(**fields: Any) -> bytes:
    plain: dict[str, Any] = {
        "model": "shop",
        "version": "1",
        "detector": "alibi_mmd",
        "start": JUDGED,
        "end": JUDGED + HOUR,
        "severity": "warning",
        "alarm": True,
        "statistic": 0.0123,
        "p_value": 0.002,
        "threshold": 0.005,
        "time": None,
        "shares": {},
    }
    return control("external", **{**plain, **fields})


def journal(learned: Baseline, *answers: bytes, hours: int = 4, version: str = "1") -> list:
    rng = np.random.default_rng(7)
    entries = [("control", configured(learned))]
    for hour in range(WINDOWS, WINDOWS + hours):
        entries.append(("records", encode_block([rows(hour, rng, version=version)])))
        if hour == WINDOWS + 1:
            entries += [("control", answer) for answer in answers]
    return entries


def played(learned: Baseline, entries: list, at: int | None = None) -> list[Decision]:
    run, made = Engine(Resolver(learned)), []
    for seq, entry in enumerate(entries, 1):
        made += run.step(seq, *entry)
        if seq == at:
            run = Engine.restore(unpack(pack(run.state())), Resolver(learned))
    return made


def told(made: list[Decision]) -> dict[int, list[Finding]]:
    """Findings of workers by hour of the decision that tells them."""
    found: dict[int, list[Finding]] = {}
    for decision in made:
        mine = [finding for finding in decision.findings if finding.kind == "external"]
        if mine:
            assert not decision.window.stream.segment
            found[decision.window.index - START - WINDOWS] = mine
    return found


def test_the_next_decision_of_the_stream_tells_it(learned: Baseline) -> None:
    found = told(played(learned, journal(learned, said(shares={"price": 0.8, "city": 0.2}))))
    ((hour, (finding,)),) = found.items()
    assert hour == 1
    assert finding.text == (
        "alibi_mmd: the window from 2022-01-10T12:00:00Z differs from the baseline "
        "(p = 0.002, level 0.005), mostly by price, city"
    )
    assert finding.since == "2022-01-10T12:00:00Z"
    assert finding.effect == 0.0123
    assert not rings(finding)


def test_an_online_one_says_at_which_record(learned: Baseline) -> None:
    answer = said(detector="alibi_mmd_online", p_value=None, time=JUDGED + 1_000_000)
    (finding,) = told(played(learned, journal(learned, answer)))[1]
    assert finding.since == "2022-01-10T12:00:01Z"
    assert "(at the record of 2022-01-10T12:00:01Z, statistic 0.0123 over 0.005)" in finding.text


def test_it_can_be_called_drift(learned: Baseline) -> None:
    (finding,) = told(played(learned, journal(learned, said(severity="drift"))))[1]
    assert finding.severity == "drift"
    assert rings(finding)


def test_a_failure_is_a_finding(learned: Baseline) -> None:
    failed = control(
        "external",
        model="shop",
        version="1",
        detector="alibi_mmd",
        start=JUDGED,
        end=JUDGED + HOUR,
        severity="drift",
        error="it did not answer within 60 s and was ended",
    )
    (finding,) = told(played(learned, journal(learned, failed)))[1]
    assert finding.severity == "warning"
    assert finding.text == (
        "alibi_mmd could not judge the window from 2022-01-10T12:00:00Z: "
        "it did not answer within 60 s and was ended"
    )
    assert not rings(finding)


def test_no_alarm_says_nothing(learned: Baseline) -> None:
    assert told(played(learned, journal(learned, said(alarm=False)))) == {}


def test_another_version_is_not_told_of_it(learned: Baseline) -> None:
    assert told(played(learned, journal(learned, said(version="2")))) == {}


def test_an_unknown_model_is_no_error(learned: Baseline) -> None:
    assert told(played(learned, journal(learned, said(model="gone")))) == {}


def test_repeated_answers_count_once(learned: Baseline) -> None:
    (findings,) = told(played(learned, journal(learned, said(), said()))).values()
    assert len(findings) == 1


def test_a_restart_changes_nothing(learned: Baseline) -> None:
    entries = journal(learned, said(), said(detector="alibi_lsdd"))
    expected = [decision.body for decision in played(learned, entries)]
    for at in (3, 4, 5):
        assert [decision.body for decision in played(learned, entries, at)] == expected


def test_what_waits_is_bounded() -> None:
    watch = ExternalWatch()
    for start in range(MAX_WAITING + 10):
        watch.add({"alarm": True, "start": start, "version": "", "detector": "d"})
    assert len(watch.state()) == MAX_WAITING
    assert watch.state()[0]["start"] == 10

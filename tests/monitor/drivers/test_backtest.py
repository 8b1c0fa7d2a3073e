"""The back-test says what the live engine says, and counts what came of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from alerts.life import LifePolicy
from monitor.app.models import build_engines
from monitor.config.digest import decision_config, decision_digest
from monitor.drivers.backtest import BackTest, Reach, StreamOutcome
from monitor.engine.engine import Configuration, Engine
from tests.monitor.drivers.setting import EVERY, LIVE, MODEL, Setting, window

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.engine.decision import Decision


def begun(shop: Setting) -> BackTest:
    digest = decision_digest(shop.config)
    known = {MODEL: shop.baseline}
    engine = Engine(lambda _: build_engines(decision_config(shop.config), digest, known))
    chosen = Configuration(digest, {MODEL: shop.baseline.id})
    assert list(engine.steps(0, "control", chosen.control())) == []
    return BackTest(engine, {MODEL: LifePolicy(1, 2)})


def test_it_makes_the_decisions_that_the_live_engine_makes(
    shop: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[bytes] = []
    see = StreamOutcome.see

    def listen(stream: StreamOutcome, decision: Decision, body: Mapping[str, Any]) -> None:
        made.append(decision.body)
        see(stream, decision, body)

    monkeypatch.setattr(StreamOutcome, "see", listen)
    test = begun(shop)
    for index in range(8):
        shop.append(window(index, shift=0 if index < 2 else 3))
        test.feed([window(index, shift=0 if index < 2 else 3)])
    shop.step()
    live = [row.body for row in shop.decisions()]
    assert made == live
    test.finish()
    assert len(made) == len(live) + 3, "the last window, still open in the live engine"


def test_alerts_fire_and_resolve_as_they_would_have(shop: Setting) -> None:
    test = begun(shop)
    for index in range(30):
        test.feed([window(index, shift=3 if 4 <= index < 9 else 0)])
    outcome = test.finish()
    alert = next(one for one in outcome.fired if not one.segment and one.column == "amount")
    assert alert.fired == LIVE + 5 * EVERY
    assert alert.since == LIVE + 4 * EVERY
    assert alert.windows == 1
    assert alert.resolved is not None
    assert alert.resolved > LIVE + 9 * EVERY
    assert "amount rose" in alert.text
    assert outcome.records == 3_000
    assert outcome.late == 0
    assert outcome.start == LIVE
    assert outcome.end == LIVE + 30 * EVERY
    assert outcome.days == pytest.approx(30 / 1440)
    whole = outcome.streams[MODEL, ""]
    assert sum(whole.verdicts.values()) == 30
    assert whole.verdicts["drift"] >= 5
    assert whole.columns["amount"].over >= 1
    assert whole.columns["age"].restless == 0.0
    assert whole.power["windows"] == [1, 7]


def test_what_still_fires_at_the_end_is_not_resolved(shop: Setting) -> None:
    test = begun(shop)
    for index in range(4):
        test.feed([window(index, shift=3 if index else 0)])
    found = [one for one in test.finish().fired if one.column == "amount" and not one.segment]
    assert [one.resolved for one in found] == [None]


def test_late_records_are_counted(shop: Setting) -> None:
    test = begun(shop)
    test.feed([window(3)])
    test.feed([window(9)])
    test.feed([window(0)])
    assert test.finish().late == 100


def test_nothing_happened(shop: Setting) -> None:
    outcome = begun(shop).finish()
    assert (outcome.fired, outcome.streams, outcome.start, outcome.days) == ((), {}, None, 0.0)


def test_nothing_is_written(shop: Setting) -> None:
    before = json.dumps([row.decision_id for row in shop.decisions()])
    test = begun(shop)
    test.feed([window(0)])
    test.finish()
    assert json.dumps([row.decision_id for row in shop.decisions()]) == before


def test_reach_counts_windows_near_and_over_the_line() -> None:
    reach = Reach()
    for evidence in (-1.0, 2.9, 3.1, 4.0, 5.0):
        reach.see(evidence, 4.0)
    assert (reach.windows, reach.near, reach.over) == (5, 1, 2)
    assert reach.most_log10 == 5.0
    assert reach.restless == pytest.approx(0.6)

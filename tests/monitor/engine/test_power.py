"""Stable windows say what they would have seen, insufficient ones what they lack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monitor.baseline import Stage
from monitor.engine.power import _sentence
from monitor.record import Numbers
from tests.monitor.drivers import setting

if TYPE_CHECKING:
    from pathlib import Path


def test_a_stable_window_says_what_it_would_have_seen(tmp_path: Path) -> None:
    with setting.setting(tmp_path) as shop:
        shop.append(setting.window(0))
        shop.append(setting.window(1))
        shop.step()
        whole = next(body for body in shop.bodies() if not body["segment"])
    power = whole["power"]
    assert whole["verdict"] == "stable"
    assert whole["stage"] == "armed"
    assert whole["summary"].endswith(power["text"])
    assert power["windows"] == [1, 7]
    assert power["typical"][0] > power["typical"][1] > 0.05
    assert power["worst"][1] >= power["typical"][1]
    assert whole["columns"][power["worst_column"]]["power"] == power["worst"]
    assert whole["columns"]["amount"]["power"][1] < 1.0


def test_an_insufficient_window_says_how_many_more_records_it_needs(tmp_path: Path) -> None:
    with setting.setting(tmp_path) as shop:
        shop.append(setting.window(0, count=8))
        shop.append(setting.window(1))
        shop.step()
        whole = next(body for body in shop.bodies() if not body["segment"])
    assert whole["verdict"] == "insufficient"
    assert whole["needs"] == {"records": 12, "text": "12 more would allow a judgement"}
    assert whole["summary"] == "8 records, at least 20 are needed to judge: 12 more"
    assert whole["power"] == {}


def test_a_column_without_values_says_how_many_records_it_needs(tmp_path: Path) -> None:
    with setting.setting(tmp_path) as shop:
        sparse = np.where(np.arange(100) < 95, np.nan, 50.0)
        shop.append(setting.window(0, more={"amount": Numbers(sparse)}))
        shop.append(setting.window(1))
        shop.step()
        whole = next(body for body in shop.bodies() if not body["segment"])
    assert whole["columns"]["amount"]["status"] in {3, 4}
    assert "needs" not in whole["columns"]["age"]


def test_the_stage_follows_from_the_history() -> None:
    assert setting.learned().whole.stage is Stage.ARMED
    daily = setting.learned(every=5 * setting.EVERY)
    assert len(daily.whole.history.rows) == 8
    assert daily.whole.stage is Stage.LEARNING
    dealt = setting.learned(every=20 * setting.EVERY)
    assert dealt.whole.stage is Stage.COLD


def test_sentences() -> None:
    assert _sentence(np.array([0.251, 0.08]), (1, 7)) == (
        "a shift of 0.251 sd would have been seen here, one of 0.08 sd within 7 windows"
    )
    assert _sentence(np.array([np.inf, 0.5]), (1, 7)) == (
        "a shift of 0.5 sd would have been seen within 7 windows"
    )
    assert "no shift of any size" in _sentence(np.array([np.inf, np.inf]), (1, 7))

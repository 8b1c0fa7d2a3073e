"""When a silent stream's windows may be closed, case by case."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from detectors.profile.fitting import fit_frame
from monitor.drivers.idle import advance_to
from monitor.engine.columns import Framer
from monitor.engine.cutting import windows_for
from monitor.model import WindowSpec
from monitor.record import Numbers, RecordBatch

if TYPE_CHECKING:
    from monitor.engine.model import ModelEngine

FRAME = fit_frame({"x": np.arange(10.0)}, {}, (), {})
NOON = 43_200
"""Seconds; everything here is in seconds."""


def model(spec: WindowSpec, *events: float) -> ModelEngine:
    """As much of a model as the rule looks at."""
    windows = windows_for(spec, Framer(FRAME), ())
    for event in events:
        times = np.array([micros(event)])
        batch = RecordBatch("m", "", (str(event),), times, {"x": Numbers(np.ones(1))})
        list(windows.feed([batch], 1))
    return cast("ModelEngine", SimpleNamespace(spec=SimpleNamespace(window=spec), windows=windows))


def micros(seconds: float) -> int:
    return round(seconds * 1_000_000)


MINUTES = WindowSpec(every=micros(60), lateness=micros(10), idle=micros(30))


@pytest.mark.parametrize(
    ("events", "arrival", "now", "to"),
    [
        pytest.param([], NOON, NOON + 1000, None, id="no record yet"),
        pytest.param([NOON + 1], NOON + 1, NOON + 30, None, id="not idle"),
        pytest.param([NOON + 1], NOON + 1, NOON + 65, None, id="idle, its window not over"),
        pytest.param([NOON + 1], NOON + 1, NOON + 69, None, id="over, but rows may be late"),
        pytest.param([NOON + 1], NOON + 1, NOON + 70, NOON + 60, id="over and nobody is late"),
        pytest.param([NOON + 1], NOON + 1, NOON + 200, NOON + 190, id="up to the clock"),
        pytest.param([NOON + 59], NOON + 60, NOON + 89, None, id="idle counts from the arrival"),
        pytest.param([NOON + 59], NOON + 60, NOON + 90, NOON + 80, id="idle to the second"),
        pytest.param([0], NOON, NOON + 30, 60, id="filled from the past: its open window only"),
        pytest.param([0, 70], NOON, NOON + 30, 120, id="its newest one"),
        pytest.param([NOON + 3600], NOON, NOON + 100, None, id="ahead of the clock"),
    ],
)
def test_cases(events: list[float], arrival: float, now: float, to: float | None) -> None:
    found = advance_to(model(MINUTES, *events), micros(arrival), micros(now))
    assert found == (None if to is None else micros(to))


def test_a_stream_from_the_past_makes_no_empty_windows() -> None:
    past = model(MINUTES, 0)
    list(past.windows.advance(micros(60)))
    assert advance_to(past, micros(NOON), micros(NOON + 10_000)) is None


def test_a_live_stream_has_a_few_empty_windows_and_then_peace() -> None:
    live = model(MINUTES, NOON + 1)
    told = []
    for second in range(NOON + 60, NOON + 1200, 5):
        to = advance_to(live, micros(NOON + 1), micros(second))
        if to is not None:
            told.append(to)
            list(live.windows.advance(to))
    assert told == [micros(NOON + 60 * i) for i in range(1, 5)]


def test_the_setting_may_say_what_idle_is() -> None:
    silent, since, now = model(MINUTES, NOON + 1), micros(NOON + 1), micros(NOON + 100)
    assert advance_to(silent, since, now, micros(99.5)) is None
    assert advance_to(silent, since, now, micros(99)) == micros(NOON + 90)


def test_windows_of_records_are_never_closed_by_silence() -> None:
    counted = model(WindowSpec(records=5), NOON)
    assert advance_to(counted, micros(NOON), micros(10 * NOON)) is None

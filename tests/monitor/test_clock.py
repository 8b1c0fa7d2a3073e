"""The two clocks agree on what a clock is."""

from __future__ import annotations

import time

import pytest

from monitor.clock import MICROS, Clock, ManualClock, SystemClock


@pytest.mark.parametrize("clock", [SystemClock(), ManualClock(5)])
def test_time_passes_while_one_sleeps(clock: Clock) -> None:
    now, monotonic = clock.now(), clock.monotonic()
    clock.sleep(0.002)
    assert clock.monotonic() - monotonic >= 0.002
    assert clock.now() > now
    assert isinstance(clock.now(), int)


def test_the_system_clock_counts_microseconds_since_1970() -> None:
    before = time.time()
    now = SystemClock().now()
    assert before * MICROS - 1 <= now <= time.time() * MICROS + 1


def test_a_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock(7)
    assert (clock.now(), clock.now()) == (7, 7)
    clock.advance(1.5)
    clock.sleep(0.0000015)
    assert clock.now() == 7 + 1_500_000 + 2
    assert clock.monotonic() == pytest.approx(1.500009)

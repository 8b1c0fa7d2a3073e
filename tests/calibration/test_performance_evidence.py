"""Evidence on errors keeps its line while nothing changes, and finds a rise in so many labels."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy import stats

from detectors.sequential.calibrate import calibrate
from monitor.engine import policy
from monitor.engine.losses import ERROR, LossBank, Sums
from monitor.engine.memory import Place, Watch
from monitor.model import PolicySpec

LABELS = 300
HISTORY = 168
POLICY = PolicySpec(min_effect=0.02)


def counted(rng: np.random.Generator, rate: float, labels: int = LABELS) -> Sums:
    return Sums.of((rng.random(labels) < rate).astype(float)[:, None])


def alarms(
    seed: int, rates: list[float], line: float, labels: int = LABELS
) -> tuple[list[int], list[int]]:
    """Windows that alarmed, and those in which a change that matters was told."""
    rng = np.random.default_rng(seed)
    history = [counted(rng, 0.1, labels) for _ in range(HISTORY)]
    bank = LossBank.fit((ERROR,), Sums.joined(history))
    y = np.array([bank.measure((ERROR,), sums) for sums in history])
    calibration = calibrate(y, np.ones((HISTORY, 1)), bank, rows=np.full(HISTORY, float(labels)))
    watch = Watch.begin(calibration)
    alarmed, told = [], []
    for at, rate in enumerate(rates):
        measured = bank.measure((ERROR,), counted(rng, rate, labels))
        place = Place(at, at, labels)
        result = watch.observe(calibration, np.array([line]), measured, np.ones(1), place)
        standing = policy.update(watch, calibration, result, POLICY, np.zeros(1))
        alarmed += [at] * bool(result.alarm.any())
        told += [at] * bool(standing.drifting)
    return alarmed, told


def test_while_nothing_changes_alarms_are_as_rare_as_the_line_says() -> None:
    windows, line, streams = 200, 100.0, 12
    found = [alarms(seed, [0.1] * windows, line)[0] for seed in range(streams)]
    total = sum(map(len, found))
    assert total <= stats.binom.isf(1e-6, windows * streams, 1 / line)
    assert all(before < after for one in found for before, after in pairwise(one))


def test_a_rise_from_ten_to_twelve_percent_is_found() -> None:
    told = [alarms(seed, [0.12] * 30, 10**4.5, 1_000)[1] for seed in range(7)]
    labels = [1_000 * (found[0] + 1) if found else 10**9 for found in told]
    assert np.median(labels) <= 15_000


def test_a_rise_to_fifteen_percent_is_found_at_once() -> None:
    told = [alarms(seed, [0.15] * 10, 10**4.5, 1_000)[1] for seed in range(5)]
    assert max(1_000 * (found[0] + 1) for found in told) <= 4_000

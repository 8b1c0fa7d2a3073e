"""The default panel over months of windows: silent while nothing changes, quick when it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.signal import lfilter

from detectors.multivariate.correlation import Correlation
from detectors.multivariate.moments import Moments
from detectors.profile import Profile
from detectors.profile.sample import Sample
from detectors.sequential.calendar import DAY, MICROS, Season
from detectors.sequential.calibrate import calibrate
from detectors.sequential.monitor import SequentialState, reset, step
from detectors.sequential.panel import Panel
from tests.detectors.multivariate.tables import Rows, frame_of, window_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

COLUMNS, ROWS = 12, 400
HISTORY, MONTH = 336, 720
HOUR = DAY // 24
LINE = MONTH / 0.05 * 2
"""A twentieth of a budget of one alarm in a month, for two entries."""


@dataclass
class World:
    """Hourly windows of correlated rows, some columns skewed; from `changes_at` on one pair turns.

    `season`: a daily bump of up to .3 sd and another level at weekends; `wander`: window means
    AR(1), sd .05; `rows`: rows AR(1) .8; `shocks`: window means t with 3 degrees, sd .05.
    """

    regime: str
    rng: np.random.Generator
    changes_at: int = 10**9

    def __post_init__(self) -> None:
        loading = self.rng.normal(0, 0.5, (3, COLUMNS))
        self._root = np.vstack([loading, np.eye(COLUMNS)])
        self._root /= np.sqrt((self._root**2).sum(axis=0))
        self._means = self._level(HISTORY + MONTH)
        self._past = np.zeros((1, len(self._root)))

    def window(self, index: int) -> NDArray[np.float64]:
        noise = self.rng.standard_normal((ROWS, len(self._root)))
        if self.regime == "rows":
            noise, self._past = lfilter([0.6], [1, -0.8], noise, axis=0, zi=self._past)
        rows = noise @ self._root
        if index >= self.changes_at:
            rows[:, 1] = 0.94 * rows[:, 1] + 0.34 * rows[:, 4]
        rows += self._means[index]
        rows[:, ::3] = np.exp(rows[:, ::3])
        return rows

    def _level(self, windows: int) -> NDArray[np.float64]:
        rng, t = self.rng, np.arange(windows)
        if self.regime == "season":
            bump = np.exp(2 * np.cos(2 * np.pi * (t % 24 - 14) / 24)) - 2.3
            level: NDArray[np.float64] = bump[:, None] / 2.1 * rng.uniform(-0.3, 0.3, COLUMNS)
            return level + ((t // 24) % 7 >= 5)[:, None] * rng.uniform(-0.15, 0.15, COLUMNS)
        if self.regime == "wander":
            noise = rng.standard_normal((windows, COLUMNS)) * np.sqrt(1 - 0.9**2)
            return 0.05 * np.asarray(lfilter([1.0], [1.0, -0.9], noise, axis=0))
        if self.regime == "shocks":
            return 0.05 * rng.standard_t(3, (windows, COLUMNS)) / np.sqrt(3)
        return np.zeros((windows, COLUMNS))


def alarms(world: World) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How often each entry alarms, and in which window first (-1: never)."""
    history = [world.window(index) for index in range(HISTORY)]
    frame = frame_of(np.concatenate(history[::8]))
    windows = [window_of(frame, rows, seed=i) for i, rows in enumerate(history)]
    panel = fitted(windows)
    middles = (np.arange(HISTORY + MONTH, dtype=np.int64) * HOUR + HOUR // 2) * MICROS
    season = Season.choose(HOUR, HISTORY, middles[:HISTORY])
    x = season.design(middles + 4 * DAY * MICROS)
    y = np.array([panel.measure(window) for window in windows])
    calibration = calibrate(y, x[:HISTORY], panel)
    state = SequentialState.start(calibration)
    count, first = np.zeros(2, np.int64), np.full(2, -1)
    for index in range(HISTORY, HISTORY + MONTH):
        y = panel.measure(window_of(frame, world.window(index), seed=index))
        state, found = step(
            calibration,
            np.full(2, LINE),
            state,
            y,
            x[index],
            rows=ROWS,
            consecutive=True,
            frozen=np.zeros(2, bool),
        )
        first[(first < 0) & found.alarm] = index - HISTORY
        count += found.alarm
        state = reset(calibration, state, found.alarm)
        if index - HISTORY > 40 and world.changes_at <= HISTORY:
            break
    return count, first


def fitted(windows: list[Rows]) -> Panel:
    pooled = Profile(windows[0].profile.frame)
    for window in windows:
        pooled.merge(window.profile)
    kept = [window.sample.take(np.arange(30)) for window in windows]
    parts = ("keys", "hashes", "priority", "times", "numeric", "categorical", "truth")
    joined = {name: np.concatenate([getattr(part, name) for part in kept]) for name in parts}
    joined["times"] = joined["times"] + np.repeat(np.arange(len(kept)) * ROWS, 30)
    sample = Sample(rows=pooled.rows, **joined)
    entries = [scorer.fit(pooled, sample) for scorer in (Moments(), Correlation())]
    return Panel(tuple(entry for entry in entries if entry is not None))


@pytest.mark.slow
@pytest.mark.parametrize("regime", ["iid", "season", "wander", "rows", "shocks"])
def test_months_without_a_change_are_silent(regime: str) -> None:
    """Six months at a twentieth of an alarm each: two would come with probability .04."""
    counts = [alarms(World(regime, np.random.default_rng([51, i])))[0].sum() for i in range(6)]
    assert sum(counts) <= 1


@pytest.mark.parametrize("regime", ["iid", "season", "wander", "shocks"])
def test_a_relation_that_appears_is_found(regime: str) -> None:
    _, first = alarms(World(regime, np.random.default_rng([52, len(regime)]), HISTORY))
    assert 0 <= first[1] <= 6

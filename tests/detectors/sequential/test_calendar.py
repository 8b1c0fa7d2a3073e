"""Season terms against real dates."""

import datetime as dt

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.errors import ParameterError
from detectors.sequential.calendar import DAY, MICROS, Season


def micros(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).timestamp()) * MICROS


def hourly(start: str, windows: int) -> NDArray[np.int64]:
    return micros(start) + (np.arange(windows) * 3600 + 1800) * MICROS


def test_weekends_are_real_saturdays_and_sundays() -> None:
    season = Season(weekend=True)
    noons = micros("2013-01-01T12:00:00+00:00") + np.arange(365) * DAY * MICROS
    dates = [dt.date(2013, 1, 1) + dt.timedelta(days=k) for k in range(365)]
    assert season.design(noons)[:, 1].tolist() == [float(d.weekday() >= 5) for d in dates]


def test_the_offset_moves_midnight() -> None:
    late_friday_utc = np.array([micros("2026-11-20T23:30:00+00:00")])
    assert Season(weekend=True).design(late_friday_utc)[0, 1] == 0
    assert Season(weekend=True, utc_offset=3600).design(late_friday_utc)[0, 1] == 1


def test_three_weekday_harmonics_give_every_weekday_its_level() -> None:
    noons = micros("2026-11-16T12:00:00+00:00") + np.arange(7) * DAY * MICROS
    assert np.linalg.matrix_rank(Season(weekly=3).design(noons)) == 7


@pytest.mark.parametrize(
    ("seconds", "windows", "expected"),
    [
        (3600.0, 23, Season()),
        (3600.0, 24, Season(daily=3, weekend=True)),
        (3600.0, 48, Season(daily=3, weekend=True)),
        (3600.0, 336, Season(daily=3, weekend=True)),
        (6 * 3600.0, 60, Season(daily=1, weekend=True)),
        (float(DAY), 13, Season()),
        (float(DAY), 14, Season(weekend=True)),
        (float(DAY), 28, Season(weekly=3)),
        (7.0 * DAY, 52, Season()),
        (None, 500, Season()),
    ],
)
def test_terms_follow_the_history(seconds: float | None, windows: int, expected: Season) -> None:
    step = int(seconds or 60) * MICROS
    mids = micros("2026-01-05T00:00:00+00:00") + np.arange(windows) * step + step // 2
    assert Season.choose(seconds, windows, mids) == expected


def test_daily_terms_have_a_period_of_a_day() -> None:
    design = Season(daily=3).design(hourly("2026-01-05T00:00:00+00:00", 48))
    assert design[:24] == pytest.approx(design[24:])
    assert design.shape == (48, Season(daily=3).terms)


def test_state_describes_and_restores() -> None:
    season = Season(daily=2, weekend=True, utc_offset=-18_000)
    assert Season.restore(season.state()) == season
    assert season.describe() == "hour of day and weekend"
    assert Season().describe() == "no season"


def test_bad_terms_are_refused() -> None:
    with pytest.raises(ParameterError, match=r"daily must be in \[0, 3\], got 4"):
        Season(daily=4)
    with pytest.raises(ParameterError, match="weekly"):
        Season(weekly=-1)
    with pytest.raises(ParameterError, match="choose one"):
        Season(weekly=1, weekend=True)

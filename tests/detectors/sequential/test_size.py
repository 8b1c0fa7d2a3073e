"""Windows of unequal size, with gaps, and on holidays."""

from __future__ import annotations

import numpy as np

from detectors.sequential.autocorrelation import fit_autoregression, lags_broken
from detectors.sequential.calendar import DAY, MICROS, Season
from detectors.sequential.calibrate import calibrate
from detectors.sequential.monitor import scores_ahead
from detectors.sequential.size import fit_growth, growth_factor, relative_size
from tests.calibration.streams import plain_bank

KIND = np.zeros(40, dtype=np.int64)


def sizes(rng: np.random.Generator, windows: int) -> np.ndarray:
    return np.exp(rng.standard_normal(windows))


def test_growth_is_told_from_noise() -> None:
    rng = np.random.default_rng(1)
    size = sizes(rng, 500)
    noise = rng.standard_normal((500, 40))
    shocks = noise + np.sqrt(size)[:, None] * rng.standard_normal((500, 40))
    assert fit_growth(noise, size, KIND).mean() < 0.1
    assert abs(fit_growth(shocks, size, KIND).mean() - 0.5) < 0.1


def test_usual_windows_have_no_growth() -> None:
    rng = np.random.default_rng(2)
    assert not fit_growth(rng.standard_normal((100, 3)), np.ones(100), KIND[:3]).any()
    assert not fit_growth(np.empty((100, 0)), np.ones(100), KIND[:0]).size
    assert growth_factor(np.array([0.3]), 1.0) == 1.0
    assert (relative_size(np.array([10.0, 20.0]), 10.0) == [1, 2]).all()
    assert (relative_size(np.array([10.0, 20.0]), 0.0) == 1).all()


def test_scores_of_large_and_small_windows_have_one_variance() -> None:
    rng = np.random.default_rng(3)
    size = sizes(rng, 800)
    season = 0.6 * np.sin(np.arange(800) / 4)[:, None]
    y = rng.standard_normal((800, 40)) + np.sqrt(size)[:, None] * (
        season + rng.standard_normal((800, 40))
    )
    x = np.column_stack([np.ones(800), np.sin(np.arange(800) / 4)])
    bank = plain_bank(list(range(40)))
    rows = 100 * size
    calibration = calibrate(y[:400], x[:400], bank, rows=rows[:400])
    z = scores_ahead(calibration, y[400:], x[400:], rows[400:] / calibration.usual)
    large = size[400:] > 2
    small = size[400:] < 0.5
    assert abs(z[large].std() - 1) < 0.12
    assert abs(z[small].std() - 1) < 0.12
    unaware = calibrate(y[:400], x[:400], bank)
    assert scores_ahead(unaware, y[400:], x[400:])[large].std() > 1.4


def test_lags_do_not_reach_across_gaps() -> None:
    follows = np.array([True, True, False, True, True])
    assert lags_broken(follows, 2).tolist() == [
        [True, False, True, False, False],
        [True, True, True, True, False],
    ]


def test_dependence_is_found_between_the_gaps() -> None:
    """Alternating pieces of two series: across the gaps they look independent."""
    rng = np.random.default_rng(4)
    y = np.zeros((600, 20))
    for t in range(1, 600):
        y[t] = 0.8 * y[t - 1] + 0.6 * rng.standard_normal(20)
    keep = np.arange(600) % 10 < 5
    follows = np.diff(np.flatnonzero(keep), prepend=-1) == 1
    x = np.ones((300, 1))
    aware = fit_autoregression(y[keep], x, follows).sum(axis=0)
    unaware = fit_autoregression(y[keep], x).sum(axis=0)
    assert abs(aware.mean() - 0.8) < 0.1
    assert unaware.mean() < aware.mean() - 0.05


def test_a_series_that_hardly_any_window_observes_is_not_followed() -> None:
    rng = np.random.default_rng(5)
    y = rng.standard_normal((120, 2))
    y[rng.random(120) < 0.98, 1] = np.nan
    x = np.column_stack([np.ones(120), *(rng.standard_normal((120, 3)).T)])
    calibration = calibrate(y, x, plain_bank([0, 1]))
    assert np.isfinite(calibration.thin).tolist() == [True, False]
    z = scores_ahead(calibration, np.full((3, 2), 50.0), x[:3])
    assert np.isfinite(z[:, 0]).all()
    assert np.isnan(z[:, 1]).all()


def test_holidays_have_a_level_that_the_first_one_cannot_alarm() -> None:
    hours = 15 * 24
    mids = (np.arange(hours, dtype=np.int64) * 3600 + 1800) * MICROS
    season = Season.choose(3600.0, hours, mids)
    holiday = Season(**{**season.state(), "holidays": (14,)})
    x = holiday.design(mids)
    assert x.shape[1] == holiday.terms == season.terms + 1
    assert x[:, -1].sum() == 24
    assert "holidays" in holiday.describe()
    assert Season.restore(holiday.state()) == holiday
    assert Season.restore({**season.state(), "holidays": []}) == season
    rng = np.random.default_rng(6)
    y = rng.standard_normal((hours, 3))
    y[14 * 24 :] += 8.0
    calibration = calibrate(y[: 14 * 24], x[: 14 * 24], plain_bank([0, 1, 2]))
    z = scores_ahead(calibration, y[14 * 24 :], x[14 * 24 :])
    assert np.abs(z).max() < 5
    assert mids[0] < DAY * MICROS

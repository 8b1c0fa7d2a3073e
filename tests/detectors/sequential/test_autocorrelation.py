"""Yule-Walker against closed forms, and the bias table against simulation."""

import numpy as np
import pytest
from scipy.signal import lfilter

from detectors.sequential.autocorrelation import (
    autocorrelations,
    fit_autoregression,
    order_for,
    residual_correlations,
    yule_walker,
)


def test_yule_walker_of_ar1_and_ar2() -> None:
    """AR(2): rho1 = a/(1-b), rho2 = a rho1 + b (Box & Jenkins)."""
    assert yule_walker(np.array([[0.7]])) == pytest.approx(np.array([[0.7]]))
    a, b = 0.5, 0.3
    rho1 = a / (1 - b)
    rho2 = a * rho1 + b
    phi = yule_walker(np.array([[rho1], [rho2]]))
    assert phi[:, 0] == pytest.approx([a, b], abs=0.01)


def test_the_sum_stays_below_one() -> None:
    assert yule_walker(np.array([[0.999]]))[0, 0] == pytest.approx(0.98)


def test_autocorrelations_skip_gaps() -> None:
    rng = np.random.default_rng(0)
    x = lfilter([1], [1, -0.6], rng.standard_normal(4000))
    gappy = x.copy()
    gappy[::10] = np.nan
    full, partial = (autocorrelations(v[:, None], 2)[:, 0] for v in (x, gappy))
    assert full[0] == pytest.approx(0.6, abs=0.05)
    assert partial == pytest.approx(full, abs=0.05)


def test_bias_table_matches_simulation() -> None:
    """Mean residual autocorrelation of AR(1) .9 around a level and a trend, 60 windows."""
    windows = 60
    x = np.stack([np.ones(windows), np.linspace(-1, 1, windows)], axis=1)
    rng = np.random.default_rng(1)
    noise = rng.standard_normal((windows + 200, 4000))
    y = lfilter([1], [1, -0.9], noise, axis=0)[200:]
    residuals = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    expected = [
        (residuals[k:] * residuals[: windows - k]).sum() / (residuals**2).sum() for k in (1, 2)
    ]
    assert residual_correlations(x, 2)[7] == pytest.approx(expected, abs=0.01)


def test_correction_recovers_a_slow_wander() -> None:
    rng = np.random.default_rng(2)
    y = lfilter([1], [1, -0.9], rng.standard_normal((400, 200)), axis=0)[-200:]
    x = np.ones((200, 1))
    phi = fit_autoregression(y - y.mean(axis=0), x)
    assert np.median(phi.sum(axis=0)) == pytest.approx(0.9, abs=0.03)


def test_independent_and_alternating_series_are_left_alone() -> None:
    rng = np.random.default_rng(3)
    noise = rng.standard_normal((336, 500))
    x = np.ones((336, 1))
    phi = fit_autoregression(noise - noise.mean(axis=0), x)
    assert (phi.any(axis=0)).mean() < 0.02
    alternating = noise[1:] - 0.8 * noise[:-1]
    assert not fit_autoregression(alternating, x[1:]).any()


def test_order_follows_the_history() -> None:
    assert [order_for(n) for n in (10, 24, 90, 168)] == [0, 1, 1, 3]
    assert fit_autoregression(np.ones((10, 4)), np.ones((10, 1))).shape == (0, 4)

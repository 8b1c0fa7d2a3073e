"""Scales and tails against scipy, variance ratios against their definition."""

import numpy as np
import pytest
from scipy import stats
from scipy.signal import lfilter

from detectors.sequential.dispersion import (
    HORIZONS,
    fit_freedom,
    side_scales,
    student_scale,
    variance_ratios,
)


@pytest.mark.parametrize("nu", [3.0, 10.0])
def test_scale_is_scipys_maximum_likelihood(nu: float) -> None:
    values = 2.5 * np.random.default_rng(0).standard_t(nu, 400)
    _, _, scale = stats.t.fit(values, f0=nu, floc=0.0)
    assert student_scale(values[:, None], nu)[0] == pytest.approx(scale, rel=1e-3)


def test_gaps_are_ignored_and_nothing_has_scale_zero() -> None:
    values = np.random.default_rng(1).standard_normal((200, 1))
    gappy = np.vstack([values, np.full((50, 1), np.nan)])
    assert student_scale(gappy, 60.0) == pytest.approx(student_scale(values, 60.0))
    assert student_scale(np.full((5, 1), np.nan), 60.0)[0] == 0.0


def test_tails_are_told_apart() -> None:
    rng = np.random.default_rng(2)
    normal = 2 * rng.standard_normal((336, 30))
    heavy = 2 * rng.standard_t(3, (336, 30))
    both = np.hstack([normal, heavy])
    nu = fit_freedom(both, np.repeat([0, 1], 30), np.arange(60))
    assert (nu[:30] == 60).mean() > 0.9
    assert (nu[30:] <= 4).all()


def test_a_heavy_component_makes_its_column_wary() -> None:
    rng = np.random.default_rng(3)
    series = np.stack([rng.standard_normal(336), 3 * rng.standard_t(3, 336)], axis=1)
    nu = fit_freedom(series, np.array([0, 1]), np.array([0, 0]))
    assert nu[1] <= 4
    assert nu[0] <= 6


def test_sides_of_a_skewed_law() -> None:
    values = np.random.default_rng(4).exponential(size=(4000, 1)) - 1.0
    upper, lower = side_scales(values, np.array([60.0]))
    assert upper[0] > 1.2
    assert lower[0] == 1.0


def test_variance_ratios_grow_with_dependence_only() -> None:
    """AR(1) .6: the ratio tends to (1+a)/(1-a) = 4 (Lo & MacKinlay); halfway to the same median."""
    noise = np.random.default_rng(5).standard_normal((4000, 40))
    assert variance_ratios(noise).max() < 1.3
    wander = lfilter([1], [1, -0.6], noise, axis=0)
    ratios = variance_ratios(wander / wander.std())
    assert np.median(ratios[-1]) == pytest.approx(4.0, rel=0.12)
    assert (np.diff(np.median(ratios, axis=1)) > 0).all()
    assert ratios.shape == (len(HORIZONS), 40)


def test_short_histories_repeat_their_longest_horizon() -> None:
    ratios = variance_ratios(np.random.default_rng(6).standard_normal((40, 5)))
    assert np.array_equal(ratios[4], ratios[3])
    assert variance_ratios(np.empty((40, 0))).shape == (len(HORIZONS), 0)

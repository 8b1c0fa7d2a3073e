"""Isotonic regression against scipy and scikit-learn, and when it is not used."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import isotonic_regression
from sklearn.isotonic import IsotonicRegression

from detectors.errors import InputError
from detectors.performance.calibrator import IDENTITY, cross_fitted, fitted, isotonic


def sample(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    scores = rng.random(rows).round(2)
    return scores, (rng.random(rows) < scores**2).astype(float), rng.gamma(1.0, size=rows)


@pytest.mark.parametrize("rows", [1, 2, 7, 50, 3000])
def test_steps_are_scikit_learns(rows: int) -> None:
    scores, truth, weights = sample(rows)
    fit = isotonic(scores, truth, weights)
    want = IsotonicRegression().fit(scores, truth, sample_weight=weights).predict(scores)
    np.testing.assert_allclose(fit.values, np.unique(want.round(12)), atol=1e-9)
    assert (np.diff(fit.knots) > 0).all()


def test_pooling_is_scipys_without_ties() -> None:
    truth = np.random.default_rng(1).normal(size=400) + np.arange(400) / 80
    fit = isotonic(np.arange(400.0), truth)
    np.testing.assert_allclose(fit.values, np.unique(isotonic_regression(truth).x), atol=1e-10)


def test_lines_join_the_steps_and_ends_are_level() -> None:
    fit = isotonic(np.array([0.2, 0.4, 0.8]), np.array([0.0, 0.0, 1.0]))
    np.testing.assert_allclose(fit(np.array([0.0, 0.3, 0.55, 0.8, 1.0])), [0, 0, 0.5, 1, 1])
    assert np.isnan(fit(np.array([np.nan]))).all()


def test_rows_without_weight_do_not_count() -> None:
    scores, truth, weights = sample(100)
    weights[50:] = 0
    part = isotonic(scores[:50], truth[:50], weights[:50])
    np.testing.assert_array_equal(isotonic(scores, truth, weights).values, part.values)
    with pytest.raises(InputError, match="needs rows"):
        isotonic(scores, truth, np.zeros(100))


def test_calibration_is_used_only_where_it_helps_unseen_rows() -> None:
    rng = np.random.default_rng(3)
    scores = rng.random(4000)
    honest = (rng.random(4000) < scores).astype(float)
    assert fitted(scores, honest) is IDENTITY
    bent = (rng.random(4000) < scores**3).astype(float)
    assert fitted(scores, bent)(np.array([0.5]))[0] == pytest.approx(0.125, abs=0.04)


def test_a_row_is_calibrated_without_itself() -> None:
    scores, truth, _ = sample(200)
    flipped = truth.copy()
    flipped[17] = 1 - flipped[17]
    assert cross_fitted(scores, truth)[17] == cross_fitted(scores, flipped)[17]

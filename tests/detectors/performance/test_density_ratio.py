"""Importance weights of rows whose true ratio is known."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.errors import InputError
from detectors.performance.density_ratio import importance


def test_shifted_and_stretched_normals_have_the_ratio_of_their_densities() -> None:
    rng = np.random.default_rng(1)
    base, live = rng.normal(0, 1, (8000, 2)), rng.normal(0, 1, (6000, 2))
    live[:, 0] = 0.5 + 0.8 * live[:, 0]
    got = importance(base, live)
    x = base[:, 0]
    true = np.exp(-0.5 * ((x - 0.5) / 0.8) ** 2 + 0.5 * x**2) / 0.8
    middle = np.abs(x) < 1.5
    assert np.corrcoef(got.weights[middle], true[middle])[0, 1] > 0.99
    assert np.average(x, weights=got.weights) == pytest.approx(0.5, abs=0.05)
    assert got.weights.mean() == pytest.approx(1)
    assert 3000 < got.effective < 7000


def test_equal_sets_weigh_alike() -> None:
    rng = np.random.default_rng(2)
    got = importance(rng.normal(size=(4000, 3)), rng.normal(size=(4000, 3)))
    assert np.abs(got.weights - 1).max() < 0.5
    assert got.effective > 3900


def test_missing_values_are_weighed_by_how_often_they_are_missing() -> None:
    rng = np.random.default_rng(3)
    base, live = rng.normal(size=(4000, 2)), rng.normal(size=(4000, 2))
    base[rng.random(4000) < 0.1, 1] = np.nan
    live[rng.random(4000) < 0.4, 1] = np.nan
    got = importance(base, live)
    missing = np.isnan(base[:, 1])
    assert got.weights[missing].mean() == pytest.approx(4, rel=0.15)


def test_sets_that_do_not_overlap_leave_few_effective_rows() -> None:
    rng = np.random.default_rng(4)
    got = importance(rng.normal(size=(2000, 1)), rng.normal(6, 1, (2000, 1)))
    assert np.isfinite(got.weights).all()
    assert got.effective < 200


def test_constant_columns_and_wrong_shapes() -> None:
    flat = importance(np.ones((50, 2)), np.ones((70, 2)))
    np.testing.assert_allclose(flat.weights, 1)
    with pytest.raises(InputError, match="columns differ"):
        importance(np.ones((5, 2)), np.ones((5, 3)))
    with pytest.raises(InputError, match="rows on both sides"):
        importance(np.ones((5, 2)), np.ones((0, 2)))

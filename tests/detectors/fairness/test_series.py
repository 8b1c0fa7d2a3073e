"""Disparity as a series: unit variance while nothing changes, and large when it does."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.errors import InputError, ParameterError
from detectors.fairness.series import IN_USE, Fairness
from detectors.performance.outcomes import Outcomes

NAMES = ("a", "b", "c")


def draw(rng: np.random.Generator, rows: int, bias: float = 0.0) -> tuple[Outcomes, np.ndarray]:
    group = rng.choice(3, rows, p=[0.6, 0.3, 0.1])
    truth = (rng.random(rows) < 0.4).astype(float)
    chance = 0.2 + 0.5 * truth - 0.15 * (group == 2) - bias * (group == 1)
    said = (rng.random(rows) < chance).astype(float)
    return Outcomes(truth, said, np.empty((rows, 0))), group


def test_series_of_unchanged_windows_are_about_standard_normal() -> None:
    rng = np.random.default_rng(1)
    fit = Fairness().fit(*draw(rng, 200_000), NAMES)
    assert len(fit.series) == len(IN_USE) * 3
    values = np.array([fit.measure(*draw(rng, 4000)) for _ in range(400)])
    assert np.abs(values.mean(axis=0)).max() < 0.3
    np.testing.assert_allclose(values.std(axis=0), 1, atol=0.2)


def test_a_new_disadvantage_shows_in_its_group() -> None:
    rng = np.random.default_rng(2)
    fit = Fairness().fit(*draw(rng, 50_000), NAMES)
    values = dict(zip(fit.series, fit.measure(*draw(rng, 3000, bias=0.15)), strict=True))
    assert values["selection rate of b"] < -5
    assert values["true positive rate of b"] < -4
    assert abs(values["selection rate of c"]) < 4


def test_small_groups_are_not_observed() -> None:
    rng = np.random.default_rng(3)
    fit = Fairness(rates=("precision",), least=120).fit(*draw(rng, 5000), NAMES)
    values = fit.measure(*draw(rng, 1200))
    assert np.isnan(values).tolist() == [False, False, True]
    small = Fairness(least=100).fit(*draw(rng, 200), NAMES)
    assert np.isnan(small.measure(*draw(rng, 5000))).any()


def test_wrong_use_is_named() -> None:
    rows, group = draw(np.random.default_rng(4), 100)
    with pytest.raises(ParameterError, match="rate must be one of"):
        Fairness(rates=("calibration",))
    with pytest.raises(ParameterError, match="least must be positive"):
        Fairness(least=0)
    with pytest.raises(InputError, match="groups"):
        Fairness().fit(rows, group[:5], NAMES)

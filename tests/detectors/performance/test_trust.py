"""Estimators are believed until their own errors speak against them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from detectors.errors import InputError
from detectors.performance.estimate import Estimate, estimated
from detectors.performance.measure import Measure
from detectors.performance.trust import OwnError, own_error


def windows(
    off: list[float], error: float = 0.01, metric: str = "roc_auc"
) -> tuple[list[Estimate], list[Measure]]:
    better = "higher" if metric == "roc_auc" else "lower"
    estimates = [
        estimated(metric, 0.9, (error, 0.0), rows=500, better=better, ends=(0.0, 1.0), alpha=0.05)
        for _ in off
    ]
    realised = [Measure(metric, 0.9 - o, 0.0, 1.0, 500, "", better) for o in off]
    return estimates, realised


def test_an_honest_estimator_is_trusted() -> None:
    got = own_error(*windows([0.01, -0.008, 0.003, -0.012, 0.004]))
    assert got.trusted
    assert got.widen == 1
    assert got.size == pytest.approx(math.sqrt(np.square([10, 8, 3, 12, 4]).mean()) / 1000)
    assert got.text == "estimates of ROC AUC were off by 0.0082 on the last 5 windows"


def test_a_wrong_one_is_not() -> None:
    got = own_error(*windows([0.03, 0.025, 0.035, 0.03, 0.03]))
    assert not got.trusted
    assert got.bias == pytest.approx(0.03)
    assert got.text.endswith("(too good by 0.03 on average): do not trust them")
    assert got.widen == pytest.approx(got.size / 0.01)
    low = own_error(*windows([0.03] * 5, metric="brier"))
    assert "too bad by 0.03" in low.text


def test_errors_that_do_not_matter_widen_only() -> None:
    got = own_error(*windows([0.004] * 6, error=0.001))
    assert got.trusted
    assert got.widen == pytest.approx(4)
    one = windows([0.0])[0][0]
    wide = got.widened(one)
    assert wide.upper - wide.value == pytest.approx(4 * (one.upper - one.value))
    assert wide.error == pytest.approx(4 * one.error)


def test_two_windows_are_too_few_to_condemn() -> None:
    assert own_error(*windows([0.1, 0.1])).trusted


def test_before_labels_nothing_is_said_against_it() -> None:
    got = own_error(*windows([math.nan, math.nan]))
    assert got.trusted
    assert got.windows == 0
    assert got.text.startswith("no labels yet")


def test_honest_estimators_are_distrusted_as_rarely_as_said() -> None:
    rng, repeats = np.random.default_rng(3), 3000
    wrong = sum(
        not own_error(*windows(rng.normal(0, 0.02, 5).tolist(), error=0.02)).trusted
        for _ in range(repeats)
    )
    assert wrong <= stats.binom.ppf(1 - 1e-6, repeats, 0.01)


def test_wrong_input_is_named() -> None:
    estimates, realised = windows([0.0])
    with pytest.raises(InputError, match="1 estimates and 0 measures"):
        own_error(estimates, [])
    with pytest.raises(InputError, match="one metric at a time, got brier, roc_auc"):
        own_error(estimates, windows([0.0], metric="brier")[1])
    brier = own_error(*windows([0.0], metric="brier"))
    with pytest.raises(InputError, match="errors of brier say nothing of roc_auc"):
        OwnError.widened(brier, estimates[0])
    assert realised[0].metric == "roc_auc"

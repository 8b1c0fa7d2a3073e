"""Estimates without labels: right in a world that keeps its promise, honest about their error."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from detectors.errors import InputError, ParameterError
from detectors.performance.cbpe import Cbpe, cross_checked
from detectors.performance.density_ratio import importance
from detectors.performance.metrics import defaults_for, measure
from detectors.performance.outcomes import Outcomes

NAMES = tuple(name for name in defaults_for("binary") if name != "ece")


def world(rows: int, rng: np.random.Generator, a: float = 1.0, b: float = 1.0) -> Outcomes:
    """A model that says `s` where the truth is 1 with probability `s ** 1.5`."""
    scores = rng.beta(a, b, rows)
    truth = (rng.random(rows) < scores**1.5).astype(float)
    return Outcomes(truth, (scores > 0.6).astype(float), scores[:, None])


def classes3(rows: int, rng: np.random.Generator, sharp: float = 1.0) -> Outcomes:
    scores = rng.dirichlet([sharp, sharp, 2 * sharp], rows)
    bent = scores**1.3 / (scores**1.3).sum(axis=1, keepdims=True)
    truth = (rng.random(rows)[:, None] > bent.cumsum(axis=1)).sum(axis=1).clip(0, 2).astype(float)
    return Outcomes(truth, scores.argmax(axis=1).astype(float), scores)


def test_estimates_follow_a_change_of_mix() -> None:
    rng = np.random.default_rng(1)
    fit = Cbpe().fit(world(20_000, rng), task="binary")
    assert fit is not None
    live = world(20_000, rng, 2.0, 3.0)
    estimates = fit.estimate(live.predicted, live.scores, NAMES)
    for got, want in zip(estimates, measure(live, NAMES, task="binary"), strict=True):
        assert abs(got.value - want.value) < 4.5 * got.error, got.metric
        assert got.error < 0.02
        assert got.better == want.better


@pytest.mark.parametrize("rows", [300, 2000])
def test_intervals_hold_the_realised_metric(rows: int) -> None:
    rng, windows, names = np.random.default_rng(2), 150, ("accuracy", "roc_auc", "f1", "brier")
    missed = dict.fromkeys(names, 0)
    for _ in range(windows):
        fit = Cbpe(alpha=0.1).fit(world(1500, rng), task="binary")
        live = world(rows, rng, 1.5, 1.5)
        assert fit is not None
        got = fit.estimate(live.predicted, live.scores, names)
        for one, want in zip(got, measure(live, names, task="binary"), strict=True):
            missed[one.metric] += not one.lower <= want.value <= one.upper
    # intervals are first order: about 10 %, and never twice that
    most = stats.binom.ppf(1 - 1e-6, windows, 0.15)
    assert max(missed.values()) <= most, missed
    assert min(missed.values()) >= stats.binom.ppf(1e-6, windows, 0.05), missed


def test_many_classes() -> None:
    rng = np.random.default_rng(3)
    names = tuple(name for name in defaults_for("multiclass") if name != "ece")
    fit = Cbpe().fit(classes3(20_000, rng), task="multiclass", classes=3)
    assert fit is not None
    live = classes3(8000, rng, sharp=0.5)
    probabilities = fit.probabilities(live.scores)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    estimates = fit.estimate(live.predicted, live.scores, names)
    for got, want in zip(
        estimates, measure(live, names, task="multiclass", classes=3), strict=True
    ):
        assert got.value == pytest.approx(want.value, abs=0.02), got.metric


def test_cost_is_estimated_too() -> None:
    rng = np.random.default_rng(4)
    fit = Cbpe().fit(world(5000, rng), task="binary")
    assert fit is not None
    live, cost = world(5000, rng), [[0.0, 1.0], [20.0, 0.0]]
    got = fit.estimate(live.predicted, live.scores, ["cost"], cost=cost)[0]
    want = measure(live, ["cost"], task="binary", cost=cost)[0]
    assert abs(got.value - want.value) < 4 * got.error


def test_importance_weights_repair_what_calibration_cannot_see() -> None:
    """Two kinds of customers, the same score, other odds: the mix of kinds decides."""
    rng = np.random.default_rng(5)

    def draw(rows: int, share: float) -> tuple[Outcomes, np.ndarray]:
        kind = (rng.random(rows) < share).astype(float)
        scores = rng.random(rows)
        chance = np.clip(scores + 0.25 * (2 * kind - 1), 0, 1)
        truth = (rng.random(rows) < chance).astype(float)
        rows_ = Outcomes(truth, (scores > 0.5).astype(float), scores[:, None])
        return rows_, np.column_stack([kind + rng.normal(0, 0.3, rows), scores])

    baseline, seen = draw(12_000, 0.5)
    live, now = draw(12_000, 0.95)
    weights = importance(seen, now).weights
    weighted = Outcomes(baseline.truth, baseline.predicted, baseline.scores, weights)
    realised = measure(live, ["recall", "precision"], task="binary")
    off = []
    for rows in (baseline, weighted):
        fit = Cbpe().fit(rows, task="binary")
        assert fit is not None
        got = fit.estimate(live.predicted, live.scores, ["recall", "precision"])
        off.append([abs(g.value - r.value) for g, r in zip(got, realised, strict=True)])
    assert min(off[0]) > 0.05
    assert max(off[1]) < 0.04
    assert max(off[1]) < 0.3 * max(off[0])


def test_the_baseline_checks_itself_on_rows_it_did_not_use() -> None:
    rows = world(6000, np.random.default_rng(6))
    checked = cross_checked(rows, ["accuracy"], task="binary", windows=6)
    for part, index in zip(checked, np.array_split(np.arange(6000), 6), strict=True):
        want = measure(rows.take(index), ["accuracy"], task="binary")[0]
        assert abs(part[0].value - want.value) < 4 * part[0].error


def test_rows_without_scores_are_left_out_and_none_is_no_estimate() -> None:
    rng = np.random.default_rng(7)
    fit = Cbpe().fit(world(1000, rng), task="binary")
    assert fit is not None
    live = world(1000, rng)
    live.scores[:400] = np.nan
    got = fit.estimate(live.predicted, live.scores, ["accuracy"])[0]
    assert got.rows == 600
    live.predicted[500:] = np.nan
    by_score = fit.estimate(live.predicted, live.scores, ["accuracy", "roc_auc"])
    assert [one.rows for one in by_score] == [100, 600]
    nothing = fit.estimate(live.predicted[:400], live.scores[:400], ["accuracy", "roc_auc"])
    assert all(math.isnan(one.value) and one.reason for one in nothing)


def test_too_few_rows_or_one_class_fit_nothing() -> None:
    rows = world(1000, np.random.default_rng(8))
    assert Cbpe().fit(rows.take(np.arange(199)), task="binary") is None
    assert Cbpe().fit(rows.take(rows.truth == 1), task="binary") is None


def test_wrong_use_is_named() -> None:
    rows = world(1000, np.random.default_rng(9))
    fit = Cbpe().fit(rows, task="binary")
    assert fit is not None
    with pytest.raises(ParameterError, match="use dle for regression"):
        Cbpe().fit(rows, task="regression")
    with pytest.raises(ParameterError, match="cannot estimate 'mae'"):
        fit.estimate(rows.predicted, rows.scores, ["mae"])
    with pytest.raises(ParameterError, match="cost matrix"):
        fit.estimate(rows.predicted, rows.scores, ["cost"])
    with pytest.raises(InputError, match="scores must have 3 columns, got 1"):
        Cbpe().fit(rows, task="multiclass", classes=3)
    with pytest.raises(ParameterError, match="alpha must be in"):
        Cbpe(alpha=2)

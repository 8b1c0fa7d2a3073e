"""Every metric equals scikit-learn's, weighted or not, and says why where it has no value."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sklearn.metrics as oracle

from detectors.errors import InputError, ParameterError
from detectors.performance.metrics import METRICS, defaults_for, measure, row_losses
from detectors.performance.outcomes import Outcomes

N = 700
NONE = np.empty((N, 0))


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def weights_of(kind: str) -> np.ndarray | None:
    return rng(9).gamma(1.0, size=N) if kind == "weighted" else None


def binary(kind: str = "plain") -> Outcomes:
    draw = rng(1)
    scores = draw.random(N).round(2)  # many ties
    truth = (draw.random(N) < scores).astype(float)
    return Outcomes(truth, (scores > 0.6).astype(float), scores[:, None], weights_of(kind))


def multiclass(kind: str = "plain") -> Outcomes:
    draw = rng(2)
    scores = draw.dirichlet([1.0, 2.0, 0.5], N)
    truth = (draw.random(N)[:, None] > scores.cumsum(axis=1)).sum(axis=1).astype(float)
    return Outcomes(truth, scores.argmax(axis=1).astype(float), scores, weights_of(kind))


def numbers(kind: str = "plain") -> Outcomes:
    draw = rng(3)
    truth = draw.normal(3, 2, N)
    return Outcomes(truth, truth + draw.normal(0.2, 1, N), NONE, weights_of(kind))


def one(outcomes: Outcomes, name: str, task: str, **more: object) -> float:
    return measure(outcomes, [name], task=task, **more)[0].value


BINARY = {
    "accuracy": lambda o: oracle.accuracy_score(o.truth, o.predicted, sample_weight=o.weights),
    "balanced_accuracy": lambda o: oracle.balanced_accuracy_score(
        o.truth, o.predicted, sample_weight=o.weights
    ),
    "precision": lambda o: oracle.precision_score(o.truth, o.predicted, sample_weight=o.weights),
    "recall": lambda o: oracle.recall_score(o.truth, o.predicted, sample_weight=o.weights),
    "f1": lambda o: oracle.f1_score(o.truth, o.predicted, sample_weight=o.weights),
    "roc_auc": lambda o: oracle.roc_auc_score(o.truth, o.scores[:, 0], sample_weight=o.weights),
    "average_precision": lambda o: oracle.average_precision_score(
        o.truth, o.scores[:, 0], sample_weight=o.weights
    ),
    "log_loss": lambda o: oracle.log_loss(o.truth, o.scores[:, 0], sample_weight=o.weights),
    "brier": lambda o: oracle.brier_score_loss(o.truth, o.scores[:, 0], sample_weight=o.weights),
}
MULTI = {
    "accuracy": BINARY["accuracy"],
    "balanced_accuracy": BINARY["balanced_accuracy"],
    "precision": lambda o: oracle.precision_score(
        o.truth, o.predicted, average="macro", sample_weight=o.weights
    ),
    "recall": lambda o: oracle.recall_score(
        o.truth, o.predicted, average="macro", sample_weight=o.weights
    ),
    "f1": lambda o: oracle.f1_score(o.truth, o.predicted, average="macro", sample_weight=o.weights),
    "roc_auc": lambda o: oracle.roc_auc_score(
        o.truth, o.scores, multi_class="ovr", sample_weight=o.weights
    ),
    "average_precision": lambda o: oracle.average_precision_score(
        o.truth, o.scores, sample_weight=o.weights
    ),
    "log_loss": lambda o: oracle.log_loss(o.truth, o.scores, sample_weight=o.weights),
    "brier": lambda o: oracle.brier_score_loss(
        o.truth, o.scores, sample_weight=o.weights, scale_by_half=False
    ),
}
NUMBERS = {
    "mae": lambda o: oracle.mean_absolute_error(o.truth, o.predicted, sample_weight=o.weights),
    "rmse": lambda o: oracle.root_mean_squared_error(o.truth, o.predicted, sample_weight=o.weights),
    "mape": lambda o: oracle.mean_absolute_percentage_error(
        o.truth, o.predicted, sample_weight=o.weights
    ),
    "r2": lambda o: oracle.r2_score(o.truth, o.predicted, sample_weight=o.weights),
    "quantile_loss": lambda o: oracle.mean_pinball_loss(
        o.truth, o.predicted, alpha=0.8, sample_weight=o.weights
    ),
}


@pytest.mark.parametrize("kind", ["plain", "weighted"])
@pytest.mark.parametrize("name", BINARY)
def test_binary(name: str, kind: str) -> None:
    rows = binary(kind)
    assert one(rows, name, "binary") == pytest.approx(BINARY[name](rows), abs=1e-12)


@pytest.mark.parametrize("kind", ["plain", "weighted"])
@pytest.mark.parametrize("name", MULTI)
def test_multiclass(name: str, kind: str) -> None:
    rows = multiclass(kind)
    got = one(rows, name, "multiclass", classes=3)
    assert got == pytest.approx(MULTI[name](rows), abs=1e-12)


@pytest.mark.parametrize("kind", ["plain", "weighted"])
@pytest.mark.parametrize("name", NUMBERS)
def test_regression(name: str, kind: str) -> None:
    rows = numbers(kind)
    got = one(rows, name, "regression", quantile=0.8)
    assert got == pytest.approx(NUMBERS[name](rows), rel=1e-12, abs=1e-12)


def test_certain_mistakes_cost_what_sklearn_says() -> None:
    rows = Outcomes(np.array([1.0, 0.0]), np.array([0.0, 0.0]), np.array([[0.0], [0.0]]))
    want = oracle.log_loss(rows.truth, rows.scores[:, 0], labels=[0, 1])
    assert one(rows, "log_loss", "binary") == pytest.approx(want, rel=1e-12)


def test_calibration_error_of_a_hand_computed_case() -> None:
    truth = np.array([0.0, 1.0, 1.0, 1.0])
    rows = Outcomes(truth, truth, np.array([[0.31], [0.35], [0.92], [1.0]]))
    want = 0.5 * abs(0.5 - 0.33) + 0.5 * abs(1 - 0.96)
    assert one(rows, "ece", "binary") == pytest.approx(want, abs=1e-12)


def test_cost_is_a_mean_of_the_matrix() -> None:
    rows = binary()
    matrix = [[0.0, 5.0], [100.0, 1.0]]
    want = np.mean(
        [matrix[int(t)][int(p)] for t, p in zip(rows.truth, rows.predicted, strict=True)]
    )
    got = measure(rows, ["cost"], task="binary", cost=matrix)[0]
    assert got.value == pytest.approx(want, rel=1e-12)
    assert got.lower < want < got.upper


def test_every_value_lies_in_its_interval_and_every_metric_is_tested() -> None:
    cases = (("binary", binary(), 2), ("multiclass", multiclass(), 3), ("regression", numbers(), 2))
    seen = {"cost"}
    for task, rows, classes in cases:
        names = [
            name for name, metric in METRICS.items() if task in metric.tasks and name != "cost"
        ]
        for got in measure(rows, names, task=task, classes=classes):
            assert got.lower <= got.value <= got.upper, got
            assert got.reason == ""
            seen.add(got.metric)
    assert seen == set(METRICS)


def test_rows_without_predictions_or_scores_are_left_out_of_what_needs_them() -> None:
    rows = binary()
    predicted, scores = rows.predicted.copy(), rows.scores.copy()
    predicted[:100], scores[50:300] = math.nan, math.nan
    holes = Outcomes(rows.truth, predicted, scores)
    accuracy, auc = measure(holes, ["accuracy", "roc_auc"], task="binary")
    assert (accuracy.rows, auc.rows) == (N - 100, N - 250)
    rest = rows.take(np.r_[0:50, 300:N])
    assert auc.value == pytest.approx(BINARY["roc_auc"](rest), abs=1e-12)


@pytest.mark.parametrize("name", defaults_for("binary"))
def test_no_rows_is_no_value(name: str) -> None:
    empty = Outcomes(np.empty(0), np.empty(0), np.empty((0, 1)))
    got = measure(empty, [name], task="binary")[0]
    assert math.isnan(got.value)
    assert got.reason


@pytest.mark.parametrize("name", ["balanced_accuracy", "roc_auc", "average_precision"])
def test_one_class_is_no_value(name: str) -> None:
    same = Outcomes(np.zeros(50), np.zeros(50), np.full((50, 1), 0.3))
    got = measure(same, [name], task="binary")[0]
    assert math.isnan(got.value)
    assert "class" in got.reason


@pytest.mark.parametrize("name", defaults_for("regression"))
def test_few_rows_have_no_interval_of_a_limit(name: str) -> None:
    got = measure(numbers().take(np.arange(20)), [name], task="regression")[0]
    assert not math.isnan(got.value)
    assert math.isnan(got.lower)
    assert got.reason == "an interval needs 10 more rows"


def test_constant_truth_has_no_r2() -> None:
    flat = Outcomes(np.ones(40), np.zeros(40), np.empty((40, 0)))
    assert measure(flat, ["r2"], task="regression")[0].reason == "the truth is constant"


def test_perfect_ranking_is_not_certain() -> None:
    truth = np.repeat([0.0, 1.0], 30)
    got = measure(Outcomes(truth, truth, truth[:, None]), ["roc_auc"], task="binary")[0]
    assert got.value == 1
    assert 0.8 < got.lower < 0.99


def test_classes_that_did_not_occur_are_left_out_and_said() -> None:
    rows = multiclass()
    rest = rows.take((rows.truth != 2) & (rows.predicted != 2))
    got = measure(rest, ["recall"], task="multiclass", classes=3)[0]
    assert got.reason == "1 classes without rows are left out"
    want = oracle.recall_score(rest.truth, rest.predicted, average="macro")
    assert got.value == pytest.approx(want, abs=1e-12)


def test_losses_of_rows() -> None:
    gap = Outcomes(np.array([1.0, 0.0, 2.0]), np.array([1.0, 2.0, np.nan]), np.empty((3, 0)))
    np.testing.assert_array_equal(row_losses(gap, "multiclass"), [0, 1, np.nan])
    np.testing.assert_array_equal(row_losses(gap, "regression"), [0, 2, np.nan])
    np.testing.assert_array_equal(row_losses(gap, "regression", squared=True), [0, 4, np.nan])


@pytest.mark.parametrize(
    ("names", "task", "more", "text"),
    [
        (["auc"], "binary", {}, "metric 'auc' is unknown"),
        (["mae"], "binary", {}, "metric mae is for regression, not binary"),
        (["cost"], "binary", {}, "needs a cost matrix"),
        (["cost"], "binary", {"cost": [[0, 1]]}, "2 rows of 2 finite"),
        (["f1"], "binary", {"alpha": 0.0}, "alpha must be in"),
        (["f1"], "ranking", {}, "task must be one of"),
    ],
)
def test_wrong_parameters_are_named(
    names: list[str], task: str, more: dict[str, object], text: str
) -> None:
    with pytest.raises(ParameterError, match=text):
        measure(binary(), names, task=task, **more)


def test_wrong_input_is_named() -> None:
    with pytest.raises(InputError, match="scores must have 1 columns, got 3"):
        measure(multiclass(), ["accuracy"], task="binary")
    with pytest.raises(InputError, match="indexes from 0 to 1"):
        measure(Outcomes(np.array([2.0]), np.ones(1), np.ones((1, 1))), ["f1"], task="binary")
    with pytest.raises(InputError, match="truth must be finite"):
        Outcomes(np.array([np.nan]), np.zeros(1), np.zeros((1, 1)))
    with pytest.raises(InputError, match="same rows"):
        Outcomes(np.zeros(2), np.zeros(1), np.zeros((1, 1)))

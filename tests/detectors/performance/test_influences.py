"""The influence of a row is how the metric changes when the row gets more weight."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from detectors.performance.metrics import METRICS
from detectors.performance.outcomes import Outcomes
from detectors.performance.setting import Setting

N = 60
STEP = 1e-6


def rows(task: str) -> Outcomes:
    rng = np.random.default_rng(4)
    weights = rng.uniform(0.5, 2, N)
    if task == "regression":
        truth = rng.normal(5, 1, N)
        return Outcomes(truth, truth + rng.normal(0.3, 1, N), np.empty((N, 0)), weights)
    if task == "binary":
        scores = rng.random(N).round(1)
        truth = (rng.random(N) < scores).astype(float)
        return Outcomes(truth, (scores > 0.5).astype(float), scores[:, None], weights)
    scores = rng.dirichlet([1, 1, 1], N)
    truth = rng.integers(0, 3, N).astype(float)
    return Outcomes(truth, scores.argmax(axis=1).astype(float), scores, weights)


CASES = [(task, name) for name, m in METRICS.items() for task in sorted(m.tasks)]


@pytest.mark.parametrize(("task", "name"), CASES)
def test_gain_is_the_derivative_by_weight(task: str, name: str) -> None:
    outcomes = rows(task)
    classes = 3 if task == "multiclass" else 2
    cost = (np.arange(classes * classes).reshape(classes, classes) ** 1.5).tolist()
    setting = Setting(task, classes, cost, quantile=0.3)
    reading = METRICS[name].read(outcomes, setting)
    assert outcomes.weights is not None
    slopes = []
    for row in range(N):
        moved = outcomes.weights.copy()
        moved[row] += STEP
        more = METRICS[name].read(replace(outcomes, weights=moved), setting)
        slopes.append((more.value - reading.value) / STEP)
    wanted = np.array(slopes) * outcomes.weights.sum()
    # placements of AUC are scaled by sqrt(m / (m - 1)), so that their variance is DeLong's
    slack = 0.03 * np.abs(wanted).max() if name == "roc_auc" else 1e-4
    np.testing.assert_allclose(reading.gain, wanted, rtol=1e-4, atol=slack)


def test_variance_of_auc_is_delongs() -> None:
    outcomes = replace(rows("binary"), weights=None)
    reading = METRICS["roc_auc"].read(outcomes, Setting("binary"))
    score, positive = outcomes.scores[:, 0], outcomes.truth == 1
    up, down = score[positive], score[~positive]
    psi = (up[:, None] > down) + 0.5 * (up[:, None] == down)
    delong = psi.mean(axis=1).var(ddof=1) / len(up) + psi.mean(axis=0).var(ddof=1) / len(down)
    assert np.square(reading.gain).sum() / N**2 == pytest.approx(delong, rel=1e-12)

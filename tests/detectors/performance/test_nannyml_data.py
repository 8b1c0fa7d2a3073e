"""CBPE and realised metrics on NannyML's own data, against NannyML's own tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from detectors.performance.cbpe import Cbpe
from detectors.performance.metrics import measure
from detectors.performance.outcomes import Outcomes

DATA = Path(__file__).parents[4] / "shared/data"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the data folder is not part of driftd")

STANDARD = "Tutorial_Calculating_Standard_Metrics_Binary_Classification__cell5.csv"
ESTIMATED = "Tutorial_Estimating_Standard_Performance_Metrics_Binary_Classification__cell5.csv"


def rows(name: str, target: str, part: str) -> Outcomes:
    table = pq.read_table(DATA / f"monitoring/nannyml_{name}_{part}.parquet")
    labels = table
    if part == "analysis":
        labels = pq.read_table(DATA / f"monitoring/nannyml_{name}_analysis_target.parquet")
        assert labels["id"].equals(table["id"])
    return Outcomes(
        labels[target].to_numpy().astype(float),
        table["y_pred"].to_numpy().astype(float),
        table["y_pred_proba"].to_numpy()[:, None].astype(float),
    )


def chunks(outcomes: Outcomes, size: int) -> list[Outcomes]:
    starts = range(0, len(outcomes) - size + 1, size)
    return [outcomes.take(np.arange(start, start + size)) for start in starts]


def anchor(name: str, column: str) -> np.ndarray:
    table = pyarrow.csv.read_csv(DATA / "anchors/nannyml" / name)
    return table[column].to_numpy()


def test_realised_metrics_of_the_car_loan_set_are_nannymls() -> None:
    names = ["roc_auc", "f1", "precision", "recall", "accuracy", "average_precision"]
    got = [measure(part, names, task="binary") for part in chunks(car_loan(), 5000)]
    for place, name in enumerate(names):
        want = anchor(STANDARD, f"{name}.value")
        np.testing.assert_allclose([one[place].value for one in got], want, atol=2e-6)


def test_car_loan_auc_is_estimated_within_five_thousandths_in_every_chunk() -> None:
    fit = Cbpe().fit(rows("car_loan", "repaid", "reference"), task="binary")
    assert fit is not None
    names = ["roc_auc", "accuracy", "f1"]
    estimates, realised = [], []
    for part in chunks(car_loan(), 5000):
        estimates.append([e.value for e in fit.estimate(part.predicted, part.scores, names)])
        realised.append(measure(part, ["roc_auc"], task="binary")[0].value)
    table = np.array(estimates)
    assert np.abs(table[:, 0] - realised).max() < 0.005
    for place, name in enumerate(names):
        want = anchor(ESTIMATED, f"{name}.value")
        np.testing.assert_allclose(table[:, place], want, atol=5e-4)


def test_california_auc_per_thousand_rows() -> None:
    parts = chunks(rows("california", "clf_target", "analysis"), 1000)
    got = [measure(part, ["roc_auc"], task="binary")[0].value for part in parts]
    assert np.round(got, 3).tolist() == [0.847, 0.683, 0.676, 0.877, 0.842, 0.914, 0.844, 0.916]
    reference = rows("california", "clf_target", "reference")
    whole = measure(reference, ["roc_auc"], task="binary")[0].value
    assert round(whole, 3) == 0.908


def car_loan() -> Outcomes:
    return rows("car_loan", "repaid", "analysis")

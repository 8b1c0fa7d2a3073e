"""Rates by group against hand-computed cases and real data."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from detectors.errors import InputError, ParameterError
from detectors.fairness.groups import FOUR_FIFTHS, RATES, disparities
from detectors.performance.outcomes import Outcomes

DATA = Path(__file__).parents[4] / "shared/data/monitoring"
#               a a a a a  b b b b b
TRUTH = np.array([1, 1, 0, 0, 1, 1, 0, 0, 0, 1.0])
SAID = np.array([1, 0, 0, 1, 1, 1, 0, 0, 1, 0.0])
SCORE = np.array([0.9, 0.4, 0.2, 0.6, 0.8, 0.7, 0.1, 0.3, 0.6, 0.2])
GROUP = np.repeat([0, 1], 5)

# rate: (a, b), counted by hand as fairlearn's MetricFrame counts
BY_HAND = {
    "selection_rate": (3 / 5, 2 / 5),
    "true_positive_rate": (2 / 3, 1 / 2),
    "false_positive_rate": (1 / 2, 1 / 3),
    "precision": (2 / 3, 1 / 2),
    "accuracy": (3 / 5, 3 / 5),
    "calibration": (3 / 5 - 2.9 / 5, 2 / 5 - 1.9 / 5),
}


def rows() -> Outcomes:
    return Outcomes(TRUTH, SAID, SCORE[:, None])


@pytest.mark.parametrize("name", RATES)
def test_rates_differences_and_ratios(name: str) -> None:
    got = disparities(rows(), GROUP, ["a", "b"], [name], least=1)[0]
    assert [g.value for g in got.groups] == pytest.approx(BY_HAND[name])
    low, high = sorted(BY_HAND[name])
    assert got.difference == pytest.approx(high - low)
    assert got.difference_lower <= got.difference <= got.difference_upper
    if name == "calibration":
        assert math.isnan(got.ratio)
    else:
        assert got.ratio == pytest.approx(low / high)
        assert got.ratio_lower <= got.ratio


def test_small_groups_are_insufficient_and_say_how_many_rows_are_missing() -> None:
    got = disparities(rows(), GROUP, ["a", "b"], ["true_positive_rate"], least=3)[0]
    assert [g.missing_rows for g in got.groups] == [0, 1]
    assert [g.group for g in got.insufficient] == ["b"]
    assert math.isnan(got.difference)
    assert got.text == "true positive rate: insufficient; rows needed: b 1 more"


def test_a_group_without_rows_has_no_rate_and_rows_without_group_do_not_count() -> None:
    group = np.where(GROUP == 0, 0, -1)
    got = disparities(rows(), group, ["a", "b"], ["selection_rate"])[0]
    assert math.isnan(got.groups[1].value)
    assert (got.groups[1].lower, got.groups[1].upper) == (0, 1)
    assert got.groups[0].rows == 5


def test_selection_rate_needs_no_labels_but_rates_need_predictions() -> None:
    said = SAID.copy()
    said[0] = np.nan
    got = disparities(Outcomes(np.zeros(10), said, SCORE[:, None]), GROUP, ["a", "b"], least=1)
    assert got[0].groups[0].rows == 4
    assert got[0].groups[0].value == pytest.approx(2 / 4)


def test_wrong_use_is_named() -> None:
    with pytest.raises(ParameterError, match="rate 'tpr' is unknown"):
        disparities(rows(), GROUP, ["a", "b"], ["tpr"])
    with pytest.raises(ParameterError, match="least must be positive"):
        disparities(rows(), GROUP, ["a", "b"], least=0)
    with pytest.raises(InputError, match="one index under 1 per row"):
        disparities(rows(), GROUP, ["a"])


needs_data = pytest.mark.skipif(not DATA.exists(), reason="the data folder is not part of driftd")


@needs_data
def test_adult_income_by_sex() -> None:
    """Income over 50K in Adult: 30.57 % of men, 10.95 % of women (UCI, training file)."""
    table = pq.read_table(DATA / "adult_uci_train_original_order.parquet")
    sex = np.array([value.strip() for value in table["sex"].to_pylist()])
    rich = np.array([value.strip().startswith(">50K") for value in table["class"].to_pylist()])
    outcomes = Outcomes(rich.astype(float), rich.astype(float), np.empty((len(rich), 0)))
    group = (sex == "Male").astype(np.int64)
    got = disparities(outcomes, group, ["Female", "Male"], ["selection_rate"])[0]
    assert [g.value for g in got.groups] == pytest.approx([0.1095, 0.3057], abs=5e-5)
    assert got.ratio_upper < FOUR_FIFTHS
    assert got.text.endswith("the difference is certain")


@needs_data
def test_german_credit_by_foreign_worker_is_too_small_to_say_much() -> None:
    table = pq.read_table(DATA / "german_credit.parquet")
    good = (table["credit_risk"].to_numpy() == 1).astype(float)
    group = np.array([value == "A202" for value in table["foreign_worker"].to_pylist()])
    outcomes = Outcomes(good, good, np.empty((len(good), 0)))
    got = disparities(
        outcomes, group.astype(np.int64), ["foreign", "native"], ["selection_rate"], least=50
    )[0]
    assert got.groups[1].rows == 37
    assert got.insufficient[0].missing_rows == 13

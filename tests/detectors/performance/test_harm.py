"""Harm and objectives: what is said from intervals, and how many labels are missing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from detectors.errors import InputError, ParameterError
from detectors.performance.harm import HarmfulShift, Objective, Standing, capped, harm
from detectors.performance.metrics import measure
from detectors.performance.outcomes import Outcomes

if TYPE_CHECKING:
    from detectors.performance.measure import Measure


def accuracy(hits: int, rows: int) -> Measure:
    truth = np.zeros(rows)
    predicted = (np.arange(rows) >= hits).astype(float)
    return measure(Outcomes(truth, predicted, np.empty((rows, 0))), ["accuracy"], task="binary")[0]


def error(size: float, rows: int, seed: int = 0) -> Measure:
    truth = np.random.default_rng(seed).normal(size=rows)
    outcomes = Outcomes(truth * size, np.zeros(rows), np.empty((rows, 0)))
    return measure(outcomes, ["mae"], task="regression")[0]


def test_harm_is_a_gap_between_intervals() -> None:
    worse = harm(accuracy(800, 1000), accuracy(950, 1000))
    assert worse.harmful
    assert 0 < worse.worse_by < 0.15
    assert "worse by at least" in worse.text
    assert not harm(accuracy(930, 1000), accuracy(950, 1000)).harmful
    assert not harm(accuracy(990, 1000), accuracy(800, 1000)).harmful


def test_a_tolerance_is_tolerated() -> None:
    assert not harm(accuracy(800, 1000), accuracy(950, 1000), 0.15).harmful
    assert not HarmfulShift(0.15).fit(accuracy(950, 1000)).judge(accuracy(800, 1000)).harmful


def test_losses_are_worse_when_they_grow() -> None:
    assert harm(error(2.0, 2000), error(1.0, 2000)).harmful
    assert not harm(error(1.0, 2000), error(2.0, 2000)).harmful


def test_without_intervals_nothing_is_shown() -> None:
    assert not harm(error(9.0, 10), error(1.0, 2000)).harmful


@pytest.mark.parametrize(
    ("hits", "rows", "standing"),
    [(950, 1000, Standing.OK), (850, 1000, Standing.BREACHED), (88, 100, Standing.UNDECIDED)],
)
def test_an_objective_is_met_missed_or_open(hits: int, rows: int, standing: Standing) -> None:
    verdict = Objective("accuracy", at_least=0.9).judge(accuracy(hits, rows))
    assert verdict.standing is standing
    assert (verdict.more_rows is None) == (standing is not Standing.UNDECIDED)


def test_the_missing_labels_do_decide() -> None:
    objective = Objective("accuracy", at_least=0.9)
    open_ = objective.judge(accuracy(176, 200))
    assert open_.more_rows is not None
    rows = 200 + open_.more_rows
    early, late = (round(rows * part) for part in (0.7, 1.2))
    assert objective.judge(accuracy(round(0.88 * early), early)).standing is Standing.UNDECIDED
    assert objective.judge(accuracy(round(0.88 * late), late)).standing is Standing.BREACHED
    assert "more labels needed" in open_.text


def test_at_most_is_the_other_side() -> None:
    assert Objective("mae", at_most=1.0).judge(error(1.0, 2000)).standing is Standing.OK
    assert Objective("mae", at_most=0.5).judge(error(1.0, 2000)).standing is Standing.BREACHED
    few = Objective("mae", at_most=0.5).judge(error(1.0, 10))
    assert few.standing is Standing.UNDECIDED
    assert few.more_rows == 20


def test_exactly_at_the_target_is_too_close_to_tell() -> None:
    verdict = Objective("accuracy", at_least=0.9).judge(accuracy(900, 1000))
    assert verdict.more_rows is None
    assert "too close to tell" in verdict.text


def test_an_undefined_metric_says_why() -> None:
    nothing = accuracy(0, 0)
    verdict = Objective("accuracy", at_least=0.9).judge(nothing)
    assert verdict.text.endswith("undecided: no rows")


def test_capped_losses_have_exact_means() -> None:
    got = capped(np.array([0.0, 1.0, 9.0, math.nan]), 2.0)
    np.testing.assert_array_equal(got, [0, 0.5, 1, math.nan])


def test_wrong_parameters_are_named() -> None:
    with pytest.raises(ParameterError, match="either at_least or at_most"):
        Objective("accuracy")
    with pytest.raises(ParameterError, match="'auc' is unknown"):
        Objective("auc", at_least=0.9)
    with pytest.raises(ParameterError, match="target must be a number"):
        Objective("mae", at_most=math.inf)
    with pytest.raises(ParameterError, match="tolerance must be at least 0"):
        HarmfulShift(-0.1)
    with pytest.raises(ParameterError, match="cap must be positive"):
        capped(np.zeros(1), 0.0)
    with pytest.raises(InputError, match="cannot compare mae with accuracy"):
        harm(error(1.0, 50), accuracy(9, 10))
    with pytest.raises(InputError, match="objective of mae cannot judge accuracy"):
        Objective("mae", at_most=1.0).judge(accuracy(9, 10))

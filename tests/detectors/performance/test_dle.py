"""Losses of regression estimated without labels."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy import stats
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

from detectors.errors import InputError, ParameterError
from detectors.performance.dle import Dle
from detectors.performance.metrics import measure
from detectors.performance.outcomes import Outcomes

DATA = Path(__file__).parents[4] / "shared/data/monitoring/bike_sharing_hour.parquet"
NAMES = ("mae", "rmse")


def world(rows: int, rng: np.random.Generator, centre: float = 0.0) -> tuple[Outcomes, np.ndarray]:
    """Errors grow with the first input."""
    inputs = rng.normal(centre, 1, (rows, 3))
    predicted = inputs.sum(axis=1)
    truth = predicted + rng.normal(size=rows) * np.exp(inputs[:, 0] / 2)
    return Outcomes(truth, predicted, np.empty((rows, 0))), inputs


def test_harder_inputs_are_expected_to_do_worse() -> None:
    rng = np.random.default_rng(1)
    fit = Dle().fit(*world(10_000, rng))
    assert fit is not None
    live, inputs = world(5000, rng, 0.5)
    easy = fit.estimate(*_unlabelled(world(5000, rng)), NAMES)
    hard = fit.estimate(live.predicted, inputs, NAMES)
    for one, other, want in zip(hard, easy, measure(live, NAMES, task="regression"), strict=True):
        assert one.value > 1.15 * other.value
        assert one.value == pytest.approx(want.value, rel=0.06)
        assert one.better == "lower"


def test_intervals_hold_the_realised_metric() -> None:
    rng, windows = np.random.default_rng(2), 80
    missed = 0
    for _ in range(windows):
        fit = Dle(alpha=0.1, metrics=("mae",)).fit(*world(1500, rng))
        live, inputs = world(500, rng, 0.2)
        assert fit is not None
        got = fit.estimate(live.predicted, inputs, ["mae"])[0]
        want = measure(live, ["mae"], task="regression")[0].value
        missed += not got.lower <= want <= got.upper
    assert missed <= stats.binom.ppf(1 - 1e-6, windows, 0.15)


def test_row_losses_average_to_the_estimate() -> None:
    rng = np.random.default_rng(3)
    fit = Dle(metrics=("mae", "mape", "quantile_loss"), quantile=0.8).fit(*world(1000, rng))
    assert fit is not None
    predicted, inputs = _unlabelled(world(400, rng))
    predicted[:100] = np.nan
    for name in ("mae", "mape", "quantile_loss"):
        expected = fit.expected(predicted, inputs, name)
        got = fit.estimate(predicted, inputs, [name])[0]
        assert np.isnan(expected[:100]).all()
        assert got.rows == 300
        assert np.nanmean(expected) == pytest.approx(got.value, rel=1e-9)


def test_missing_inputs_are_a_value_like_others() -> None:
    rng = np.random.default_rng(4)
    rows, inputs = world(4000, rng)
    inputs[rows.predicted > 0, 1] = np.nan
    fit = Dle().fit(rows, inputs)
    assert fit is not None
    assert math.isfinite(fit.estimate(rows.predicted, inputs, ["mae"])[0].value)


def test_nothing_is_fitted_or_estimated_from_nothing() -> None:
    rng = np.random.default_rng(5)
    assert Dle().fit(*world(199, rng)) is None
    fit = Dle().fit(*world(300, rng))
    assert fit is not None
    got = fit.estimate(np.empty(0), np.empty((0, 3)), ["mae"])[0]
    assert got.reason == "no rows"


def test_wrong_use_is_named() -> None:
    rng = np.random.default_rng(6)
    fit = Dle().fit(*world(300, rng))
    assert fit is not None
    with pytest.raises(InputError, match="features must be"):
        fit.estimate(np.zeros(2), np.zeros((2, 1)), ["mae"])
    with pytest.raises(ParameterError, match="fitted for mae, rmse, not 'mape'"):
        fit.estimate(np.zeros(2), np.zeros((2, 3)), ["mape"])
    with pytest.raises(ParameterError, match="dle knows mae"):
        Dle(metrics=("r2",))
    with pytest.raises(ParameterError, match="additive or boosted"):
        Dle(model="forest")  # type: ignore[arg-type]


@pytest.mark.skipif(not DATA.exists(), reason="the data folder is not part of driftd")
@pytest.mark.parametrize("model", ["additive", "boosted"])
def test_bike_sharing_of_2011(model: str) -> None:
    """Reference and live rows of one year: estimates by season lie within four errors."""
    table = pq.read_table(DATA).slice(0, 8645)
    names = ["season", "hr", "weekday", "workingday", "weathersit", "temp", "hum", "windspeed"]
    inputs = np.column_stack([table[name].to_numpy().astype(float) for name in names])
    count = table["cnt"].to_numpy().astype(float)
    place = np.random.default_rng(8).integers(0, 3, len(count))
    learner = HistGradientBoostingRegressor(random_state=0, max_iter=40)
    with threadpool_limits(limits=1):
        predicted = learner.fit(inputs[place == 0], count[place == 0]).predict(inputs)
    rows = Outcomes(count, predicted, np.empty((len(count), 0)))
    fit = Dle(model=model).fit(rows.take(place == 1), inputs[place == 1])  # type: ignore[arg-type]
    assert fit is not None
    for season in (1, 2, 3, 4):
        part = (place == 2) & (inputs[:, 0] == season)
        got = fit.estimate(predicted[part], inputs[part], NAMES)
        for one, want in zip(got, measure(rows.take(part), NAMES, task="regression"), strict=True):
            assert abs(one.value - want.value) < 4 * one.error, (season, one, want.value)


def _unlabelled(drawn: tuple[Outcomes, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    return drawn[0].predicted, drawn[1]

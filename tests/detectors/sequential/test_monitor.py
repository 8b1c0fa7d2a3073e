"""The monitor against direct regression, and its laws: resume, permute, gaps, freeze, reset."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.errors import InputError, StateError
from detectors.result import Guarantee, GuaranteeKind
from detectors.sequential.calibration import Calibration, History, estimate
from detectors.sequential.evidence import HEADROOM
from detectors.sequential.monitor import SequentialState, StepResult, reset, scores_ahead, step
from detectors.sequential.regression import prior_precision
from tests.calibration.streams import plain_bank

NONE = Guarantee(GuaranteeKind.NONE, None, "test")
COLUMNS = [0, 0, 1, 2, 2, 2]


def calibrated(
    windows: int = 60, columns: list[int] | None = None, seed: int = 0
) -> tuple[Calibration, NDArray[np.float64], NDArray[np.float64]]:
    """Calibration on half of some noise with a season of 7, and all components and regressors."""
    rng = np.random.default_rng(seed)
    bank = plain_bank(COLUMNS if columns is None else columns)
    t = np.arange(2 * windows)
    x = np.stack([np.ones(len(t)), np.cos(2 * np.pi * t / 7), np.sin(2 * np.pi * t / 7)], axis=1)
    y = x @ rng.standard_normal((3, len(bank.column))) + rng.standard_normal(
        (len(t), len(bank.column))
    )
    return estimate(History.of(y[:windows], x[:windows]), bank, NONE), y, x


def walk(
    calibration: Calibration,
    state: SequentialState,
    y: NDArray[np.float64],
    x: NDArray[np.float64],
    frozen: NDArray[np.bool_] | None = None,
) -> tuple[SequentialState, list[StepResult]]:
    lines = np.full(calibration.columns, 1000.0)
    nobody = np.zeros(calibration.columns, dtype=bool)
    results = []
    for window, regressors in zip(y, x, strict=True):
        state, result = step(
            calibration,
            lines,
            state,
            window,
            regressors,
            rows=1000.0,
            consecutive=True,
            frozen=nobody if frozen is None else frozen,
        )
        results.append(result)
    return state, results


def test_recursive_residuals_equal_a_full_refit_at_every_step() -> None:
    calibration, y, x = calibrated()
    plain = replace(
        calibration,
        phi=np.zeros_like(calibration.phi),
        upper=np.ones(6),
        lower=np.ones(6),
        spread=np.full(6, 1e9),
    )
    z = scores_ahead(plain, y[60:], x[60:])
    for t in range(60, 120):
        normal = x[:t].T @ x[:t] + prior_precision(3)
        fitted = np.linalg.solve(normal, x[:t].T @ y[:t])
        variance = 1 + x[t] @ np.linalg.solve(normal, x[t])
        expected = (y[t] - x[t] @ fitted) / np.sqrt(variance) / plain.scale
        assert z[t - 60] == pytest.approx(expected, abs=1e-8)


def test_step_and_scores_ahead_agree() -> None:
    calibration, y, x = calibrated()
    _, results = walk(calibration, SequentialState.start(calibration), y[60:], x[60:])
    assert np.array_equal([r.z for r in results], scores_ahead(calibration, y[60:], x[60:]))


def test_resuming_from_saved_arrays_continues_identically() -> None:
    calibration, y, x = calibrated(windows=200)
    calibration = Calibration.restore(calibration.state())
    half, _ = walk(calibration, SequentialState.start(calibration), y[200:300], x[200:300])
    resumed = SequentialState.from_arrays(calibration, half.to_arrays())
    end, results = walk(calibration, half, y[300:], x[300:])
    again, repeated = walk(calibration, resumed, y[300:], x[300:])
    for name, array in end.to_arrays().items():
        assert np.array_equal(array, again.to_arrays()[name], equal_nan=True), name
    assert np.array_equal(results[-1].evidence, repeated[-1].evidence)
    assert np.array_equal(results[-1].change.start, repeated[-1].change.start)


def test_states_of_other_calibrations_are_refused() -> None:
    calibration, _, _ = calibrated()
    other, _, _ = calibrated(columns=[0, 1])
    arrays = SequentialState.start(calibration).to_arrays()
    with pytest.raises(StateError, match="expected shape"):
        SequentialState.from_arrays(other, arrays)
    del arrays["lags"]
    with pytest.raises(StateError, match="state lags"):
        SequentialState.from_arrays(calibration, arrays)
    with pytest.raises(StateError, match="format None"):
        Calibration.restore({})
    with pytest.raises(StateError, match="lacks"):
        Calibration.restore({"format": 2})


def test_permuting_columns_permutes_evidence() -> None:
    calibration, y, x = calibrated()
    order = np.array([3, 4, 5, 2, 0, 1])  # columns 2, 1, 0
    mirrored = estimate(History.of(y[:60][:, order], x[:60]), plain_bank([0, 0, 0, 1, 2, 2]), NONE)
    _, ours = walk(calibration, SequentialState.start(calibration), y[60:], x[60:])
    _, theirs = walk(mirrored, SequentialState.start(mirrored), y[60:][:, order], x[60:])
    for a, b in zip(ours, theirs, strict=True):
        assert a.evidence == pytest.approx(b.evidence[::-1], rel=1e-9)
        assert a.change.start.tolist() == b.change.start[::-1].tolist()


def test_unobserved_components_change_nothing_of_theirs() -> None:
    calibration, y, x = calibrated()
    start, _ = walk(calibration, SequentialState.start(calibration), y[60:70], x[60:70])
    gap = np.where(np.arange(6) < 2, np.nan, y[70])
    after, results = walk(calibration, start, gap[None], x[70:71])
    assert np.isnan(results[0].z[:2]).all()
    assert np.array_equal(after.constant[:, :2], start.constant[:, :2])
    assert np.array_equal(after.coefficients[:, :2], start.coefficients[:, :2])
    following, results = walk(calibration, after, y[71:72], x[71:72])
    assert np.isfinite(results[0].z).all()
    assert following.windows == 12


def test_baselines_with_gaps_calibrate_on_what_they_saw() -> None:
    _, y, x = calibrated()
    gappy = y[:60].copy()
    gappy[::7, 0] = np.nan
    gappy[:, 3] = np.nan
    calibration = estimate(History.of(gappy, x[:60]), plain_bank(COLUMNS), NONE)
    seen = ~np.isnan(gappy[:, 0])
    normal = x[:60][seen].T @ x[:60][seen] + prior_precision(3)
    expected = np.linalg.solve(normal, x[:60][seen].T @ gappy[seen, 0])
    assert calibration.coefficients[:, 0] == pytest.approx(expected)
    assert calibration.coefficients[:, 3].tolist() == [0, 0, 0]
    assert np.isfinite(calibration.scale).all()


def test_constant_components_give_no_evidence() -> None:
    calibration, y, x = calibrated()
    flat = y.copy()
    flat[:, 2] = 1.0
    calibration = estimate(History.of(flat[:60], x[:60]), plain_bank(COLUMNS), NONE)
    assert calibration.scale[2] == 1.0
    _, results = walk(calibration, SequentialState.start(calibration), flat[60:], x[60:])
    assert results[-1].evidence[1] < 100


def test_after_a_gap_the_past_is_unknown_and_scores_are_wider() -> None:
    calibration, y, x = calibrated()
    dependent = replace(
        calibration,
        phi=np.full((1, 6), 0.8),
        lags=np.full((1, 6), 2.0),
        spread=calibration.scale / 0.6,
    )
    state = SequentialState.start(dependent)
    lines, nobody = np.full(3, 1000.0), np.zeros(3, dtype=bool)
    results = {
        consecutive: step(
            dependent, lines, state, y[60], x[60], rows=1.0, consecutive=consecutive, frozen=nobody
        )[1].z
        for consecutive in (True, False)
    }
    error = y[60] - x[60] @ dependent.coefficients
    leverage = x[60] @ dependent.covariance @ x[60]
    side = np.where(error > 0, dependent.upper, dependent.lower)
    # AR(1): innovation variance plus phi^2 times the marginal one is the marginal variance.
    expected = error / (dependent.scale * np.sqrt(1 + leverage + (0.8 / 0.6) ** 2)) / side
    assert results[False] == pytest.approx(expected)
    assert (results[True] < results[False]).all()


def test_frozen_columns_do_not_learn() -> None:
    calibration, y, x = calibrated()
    frozen = np.array([False, True, False])
    after, _ = walk(calibration, SequentialState.start(calibration), y[60:80], x[60:80], frozen)
    same = (after.coefficients == calibration.coefficients).all(axis=0)
    assert same.tolist() == [False, False, True, False, False, False]


def test_reset_begins_columns_anew_and_only_those() -> None:
    calibration, y, x = calibrated()
    state, _ = walk(calibration, SequentialState.start(calibration), y[60:90], x[60:90])
    after = reset(calibration, state, np.array([True, False, False]))
    assert not after.constant[:, :2].any()
    assert np.array_equal(after.constant[:, 2:], state.constant[:, 2:])
    assert after.age.tolist() == [0, 30, 30]


def test_evidence_of_a_long_drift_stays_within_reach_of_its_line() -> None:
    calibration, y, x = calibrated()
    drifted = y[60:] + 50.0
    frozen = np.ones(3, dtype=bool)
    _, results = walk(calibration, SequentialState.start(calibration), drifted, x[60:], frozen)
    assert results[0].alarm.all()
    assert results[-1].evidence.max() <= 1000.0 * HEADROOM


def test_nothing_to_follow_is_no_error() -> None:
    calibration = estimate(History.of(np.empty((30, 0)), np.ones((30, 1))), plain_bank([]), NONE)
    state = SequentialState.start(calibration)
    _, results = walk(calibration, state, np.empty((3, 0)), np.ones((3, 1)))
    assert results[-1].evidence.shape == (0,)


def test_columns_without_series_have_no_change() -> None:
    calibration, y, x = calibrated(columns=[0, 0, 2])
    _, results = walk(calibration, SequentialState.start(calibration), y[60:], x[60:])
    last = results[-1]
    assert last.evidence[1] == 0.0
    assert last.leader.series[1] == last.change.start[1] == -1
    assert np.isnan(last.change.effect[1])


def test_wrong_shapes_are_named() -> None:
    calibration, y, x = calibrated()
    state = SequentialState.start(calibration)
    with pytest.raises(InputError, match=r"y must have shape \(6,\), got \(5,\)"):
        walk(calibration, state, y[60:61, :5], x[60:61])
    with pytest.raises(InputError, match="frozen"):
        walk(calibration, state, y[60:61], x[60:61], np.zeros(2, dtype=bool))
    with pytest.raises(InputError, match="cannot calibrate"):
        estimate(History.of(y[:60], x[:50]), plain_bank(COLUMNS), NONE)

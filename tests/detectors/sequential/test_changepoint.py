"""Since when and how much, on changes whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import lfilter

from detectors.result import Guarantee, GuaranteeKind
from detectors.sequential.calibration import Calibration, History, estimate
from detectors.sequential.changepoint import Change
from detectors.sequential.monitor import SequentialState, StepResult, step
from detectors.sequential.recovery import LINE, Recovery, recovery_step
from tests.calibration.streams import plain_bank

NONE = Guarantee(GuaranteeKind.NONE, None, "test")
SERIES = 200
ROWS = 900.0


def monitored(y: NDArray[np.float64], history: int) -> tuple[Calibration, list[StepResult]]:
    """One column per series; every column learns from nothing but its baseline."""
    x = np.ones((len(y), 1))
    calibration = estimate(
        History.of(y[:history], x[:history]), plain_bank(list(range(SERIES))), NONE
    )
    state, frozen = SequentialState.start(calibration), np.ones(SERIES, dtype=bool)
    lines, results = np.full(SERIES, 1e4), []
    for window in y[history:]:
        state, result = step(
            calibration, lines, state, window, x[0], rows=ROWS, consecutive=True, frozen=frozen
        )
        results.append(result)
    return calibration, results


@pytest.fixture(name="shifted", scope="module")
def _shifted() -> list[StepResult]:
    """300 windows of baseline, 20 quiet ones, then +3 sd from the 21st on."""
    y = np.random.default_rng(0).standard_normal((345, SERIES))
    y[320:] += 3.0
    return monitored(y, 300)[1]


def test_the_start_is_found(shifted: list[StepResult]) -> None:
    last = shifted[-1].change
    error = last.start - 24
    assert np.median(error) == 0
    assert np.mean(np.abs(error) <= 1) > 0.8
    assert np.mean((last.low <= 24) & (last.high >= 24)) > 0.9


def test_sizes_are_found(shifted: list[StepResult]) -> None:
    last = shifted[-1].change
    assert np.median(last.shift) == pytest.approx(3.0, rel=0.05)
    assert np.median(last.deviation) == pytest.approx(3.0 / 30, rel=0.05)
    assert np.median(last.effect) == pytest.approx(3.0 / 30, rel=0.05)
    assert np.median(last.effect_error) == pytest.approx(1 / 30 / 5, rel=0.1)
    assert np.median(last.noise) == pytest.approx(1 / 30 / 5, rel=0.05)
    assert (shifted[-1].leader.sign == 1).all()


def test_effects_must_exceed_their_uncertainty_to_matter() -> None:
    change = Change.none(4)
    effect = np.array([0.06, 0.3, -0.3, np.nan])
    error, noise = np.array([0.02, 0.1, 0.02, 0.1]), np.array([0.01, 0.01, 0.1, 0.1])
    change = replace(change, effect=effect, effect_error=error, noise=noise)
    assert change.matters(np.zeros(4), 0.05).tolist() == [False, True, False, False]
    assert change.matters(np.full(4, -0.1), 0.05).tolist() == [True, True, False, False]


def test_steps_of_dependent_series_keep_their_size() -> None:
    """Through AR(1) .8 a step of 6 innovation sd shows as 6, 1.2, 1.2, ..."""
    y = lfilter([1], [1, -0.8], np.random.default_rng(1).standard_normal((500, SERIES)), axis=0)
    y[450:] += 6.0
    calibration, results = monitored(y[100:], 340)
    alarmed = results[-1].alarm & results[-1].change.step
    assert alarmed.mean() > 0.3
    change = results[-1].change
    assert np.median(change.start[alarmed] - 49) == 0
    assert np.median(change.shift[alarmed]) == pytest.approx(6.0, rel=0.2)
    assert np.median(calibration.phi.sum(axis=0)) == pytest.approx(0.8, abs=0.05)


def test_a_return_is_noticed_and_going_on_is_not() -> None:
    y = np.random.default_rng(2).standard_normal((360, SERIES))
    y[300:330] += 3.0
    calibration, results = monitored(y, 300)
    watches = [Recovery.watch(results[9], column) for column in range(SERIES)]
    for result in results[10:30]:
        watches = [recovery_step(calibration, watch, result.z) for watch in watches]
    assert np.mean([watch.recovered for watch in watches]) < 20 / LINE * 0.2
    for result in results[30:33]:
        watches = [recovery_step(calibration, watch, result.z) for watch in watches]
    assert np.mean([watch.recovered for watch in watches]) > 0.95
    assert Recovery.restore(watches[0].state()) == watches[0]


def test_a_step_back_of_a_dependent_series_is_noticed() -> None:
    calibration, _ = monitored(np.random.default_rng(3).standard_normal((310, SERIES)), 300)
    phi = np.zeros((3, SERIES))
    phi[0] = 0.8
    dependent = Calibration(**{**vars_of(calibration), "phi": phi})
    watch = Recovery(series=0, shift=5.0, step=True)
    going_on = recovery_step(dependent, watch, np.full(SERIES, 1.0))
    assert going_on.log_evidence == 0.0
    back = recovery_step(dependent, watch, np.full(SERIES, -4.0))
    assert back.recovered
    assert recovery_step(dependent, watch, np.full(SERIES, np.nan)) == watch


def vars_of(calibration: Calibration) -> dict[str, object]:
    return {name: getattr(calibration, name) for name in calibration.__dataclass_fields__}

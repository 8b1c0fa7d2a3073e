"""What a history promises, and how the back-test makes columns wary."""

import numpy as np
import pytest
from scipy.signal import lfilter

from detectors.errors import InputError
from detectors.result import GuaranteeKind
from detectors.sequential.backtest import LADDER, backtest, count_alarms
from detectors.sequential.calibrate import calibrate
from detectors.sequential.calibration import Calibration
from detectors.sequential.monitor import scores_ahead
from tests.calibration.streams import plain_bank

BANK = plain_bank(list(range(20)))


def noise(windows: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((windows, 20))


def test_quiet_baselines_keep_the_sharpest_settings() -> None:
    calibration = calibrate(noise(200), np.ones((200, 1)), BANK)
    assert (calibration.nu == LADDER[0][0]).all()
    assert (calibration.gate == LADDER[0][1]).all()
    assert calibration.alarms == 0
    assert calibration.guarantee.kind is GuaranteeKind.RUN_LENGTH
    assert "back-tested on 100 of 200 baseline windows: 0 alarms" in calibration.guarantee.text


def test_one_restless_column_is_gated_alone() -> None:
    y = noise(300, 1)
    y[:, 3] += 6 * np.sign(np.sin(np.arange(300) / 12.0))
    calibration = calibrate(y, np.ones((300, 1)), BANK)
    quiet = np.arange(20) != 3
    assert calibration.gate[3] >= calibration.gate[quiet].max()
    assert calibration.gate[quiet].max() <= 0.25


def test_wandering_everywhere_makes_every_column_wary() -> None:
    slow = lfilter([1], [1, -0.995], 0.6 * noise(400, 2), axis=0)
    calibration = calibrate(slow + noise(400, 3), np.ones((400, 1)), BANK)
    assert (calibration.gate > 0).all()


def test_a_baseline_that_never_settles_is_said_so() -> None:
    y = noise(100, 4)
    y[50:] += 40.0 * np.sign(np.sin(np.arange(50) / 2.0))[:, None]
    calibration = calibrate(y, np.ones((100, 1)), BANK)
    assert "not stationary" in calibration.guarantee.text


def test_single_storms_do_not_widen_everything() -> None:
    y = noise(90, 5)
    y[38:40, 0] += 40.0
    calibration = calibrate(y, np.ones((90, 1)), BANK)
    assert calibration.scale[0] < 1.5
    assert calibration.tails[0] <= 6


def test_short_histories_are_wide_and_say_so() -> None:
    calibration = calibrate(noise(20), np.ones((20, 1)), BANK)
    assert (calibration.nu == 6).all()
    assert (calibration.gate == 1).all()
    assert calibration.guarantee.kind is GuaranteeKind.NONE
    assert "only 20 baseline windows" in calibration.guarantee.text


def test_pretended_histories_promise_nothing() -> None:
    calibration = calibrate(noise(40), np.ones((40, 1)), BANK, exchangeable=True)
    assert calibration.guarantee.text.startswith("NONE (exchangeable rows assumed)")
    with pytest.raises(InputError, match="5 windows are no history"):
        calibrate(noise(5), np.ones((5, 1)), BANK)


def test_settings_survive_saving() -> None:
    calibration = calibrate(noise(60), np.ones((60, 1)), BANK)
    again = Calibration.restore(calibration.state())
    z = scores_ahead(calibration, noise(10, 6), np.ones((10, 1)))
    assert np.array_equal(z, scores_ahead(again, noise(10, 6), np.ones((10, 1))))
    assert again.guarantee == calibration.guarantee


def test_back_tests_count_alarms_at_a_line_that_allows_five() -> None:
    calibration = calibrate(noise(100, 7), np.ones((100, 1)), BANK)
    z = noise(50, 8)
    z[25:, 2] += 5.0
    alarms = count_alarms(calibration, z, 10.0)
    assert alarms[2] >= 5
    assert alarms.sum() - alarms[2] <= 5
    outcome = backtest(calibration, z)
    assert outcome.gate[2] > outcome.gate[0]
    assert outcome.windows == 50

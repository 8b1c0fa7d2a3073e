"""What silence means: changes of the stated size are found nine times in ten."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from detectors.errors import InputError
from detectors.sequential.calibrate import calibrate
from detectors.sequential.delay import expected_delay
from detectors.sequential.evidence import SHIFTS
from detectors.sequential.monitor import column_evidence, scores_ahead
from detectors.sequential.power import delays, leading_series, power
from tests.calibration.streams import plain_bank

if TYPE_CHECKING:
    from detectors.sequential.calibration import Calibration

COLUMNS = 200
HISTORY = 300
LINES = np.full(COLUMNS, 60.0 * 720)


def history(seed: int = 0, windows: int = HISTORY) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((windows, COLUMNS))


def calibrated(windows: int = HISTORY) -> Calibration:
    bank = plain_bank(list(range(COLUMNS)))
    return calibrate(history(windows=windows), np.ones((windows, 1)), bank)


def found(calibration: Calibration, size: np.ndarray, windows: int) -> float:
    """Share of columns whose evidence reaches the line within `windows` of a step of `size`."""
    y = np.random.default_rng(7).standard_normal((windows, COLUMNS)) + size
    z = scores_ahead(calibration, y, np.ones((windows, 1)))
    constant = np.zeros((2, COLUMNS, len(SHIFTS)))
    step = np.zeros((2, len(calibration.likelihood.stepping), len(SHIFTS)))
    best = np.zeros(COLUMNS)
    for scores in z:
        constant, step = calibration.likelihood.update(constant, step, scores)
        best = np.maximum(best, column_evidence(calibration, constant, step))
    return float((best >= LINES).mean())


def test_a_change_of_the_stated_size_is_found_nine_times_in_ten() -> None:
    calibration = calibrated()
    stated = power(calibration, LINES, (1, 7))
    for h, windows in enumerate(stated.within):
        assert found(calibration, stated.size[:, h], windows) >= 0.85
        assert found(calibration, 0.6 * stated.size[:, h], windows) <= 0.5


def test_more_time_and_more_rows_find_less() -> None:
    stated = power(calibrated(), LINES, (1, 3, 7, 30))
    assert (np.diff(stated.size, axis=1) < 0).all()
    assert stated.per_row(400.0) == pytest.approx(stated.per_row(100.0) / 2)
    assert np.median(stated.per_row(1000.0), axis=0) == pytest.approx(
        [0.23, 0.13, 0.085, 0.037], rel=0.2
    )


def test_what_is_too_small_to_matter_is_not_promised() -> None:
    stated = power(calibrated(), LINES)
    assert (stated.per_row(1e6, min_effect=0.05) > 0.05).all()
    assert (stated.per_row(1e6) < 0.05).all()


def test_wary_settings_see_less() -> None:
    armed = calibrated()
    wary = armed.with_settings(np.full(COLUMNS, 6.0), np.full(COLUMNS, 1.0))
    assert (power(wary, LINES).size > power(armed, LINES).size).all()


def test_lines_that_nothing_reaches() -> None:
    lines = LINES.copy()
    lines[3] = 1e60
    stated = power(calibrated(), lines)
    assert np.isinf(stated.size[3]).all()
    assert np.isfinite(np.delete(stated.size, 3, axis=0)).all()


def test_columns_without_series_have_no_power() -> None:
    calibration = calibrated()
    wider = replace(
        calibration,
        columns=COLUMNS + 1,
        nu=np.append(calibration.nu, 60.0),
        gate=np.append(calibration.gate, 0.0),
    )
    lines = np.append(LINES, 1e4)
    assert leading_series(wider)[-1] == -1
    assert np.isnan(power(wider, lines).size[-1]).all()
    assert np.isnan(delays(wider, lines, [0.1], 100.0)[-1]).all()


def test_the_heaviest_series_of_a_column_leads() -> None:
    bank = plain_bank([0, 0, 0, 1, 1])
    y = np.random.default_rng(3).standard_normal((100, 5))
    calibration = calibrate(y, np.ones((100, 1)), bank)
    calibration = replace(calibration, weight=np.array([0.2, 0.4, 0.4, 0.5, 0.5]))
    assert leading_series(calibration).tolist() == [1, 3]


def test_delays_agree_with_the_one_by_one_calculation() -> None:
    calibration = calibrated()
    shifts = (0.02, 0.05, 0.1, 0.5)
    together = delays(calibration, LINES, shifts, 1000.0)
    for column in (0, 17, 199):
        for k, shift in enumerate(shifts):
            one = expected_delay(
                calibration, LINES[column], series=column, shift=shift, rows=1000.0
            )
            expected = np.inf if one is None or one > 200 else one
            assert together[column, k] == pytest.approx(expected, abs=1)


def test_wrong_calls() -> None:
    calibration = calibrated()
    with pytest.raises(InputError, match="power needs lines"):
        power(calibration, LINES[1:])
    with pytest.raises(InputError, match="at least 1"):
        power(calibration, LINES, (0,))

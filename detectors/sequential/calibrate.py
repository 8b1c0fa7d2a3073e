"""From a baseline's windows to a monitor that keeps its budget on them.

With `WINDOWS_FOR_BACKTEST` windows or more the second half tests what the first half taught, and
the settings that pass are used with parameters from all windows. A shorter history gets wide
settings instead, and says so; a pretended history (random splits of the baseline's rows) promises
nothing, and says that.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from detectors.errors import InputError
from detectors.result import Guarantee, GuaranteeKind
from detectors.sequential.backtest import BackTest, backtest
from detectors.sequential.calibration import Calibration, History, estimate
from detectors.sequential.monitor import scores_ahead
from detectors.sequential.size import relative_size

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.sequential.calibration import Components

MIN_WINDOWS = 8
"""Fewer windows are no history; split the baseline's rows at random and say `exchangeable`."""
WINDOWS_FOR_BACKTEST = 30
WIDE_NU = 6.0
WIDE_GATE = 1.0
_NONE = Guarantee(GuaranteeKind.NONE, None, "not yet stated")


def calibrate(
    y: NDArray[np.float64],
    x: NDArray[np.float64],
    bank: Components,
    *,
    rows: NDArray[np.float64] | None = None,
    consecutive: NDArray[np.bool_] | None = None,
    exchangeable: bool = False,
) -> Calibration:
    """Calibrate the monitor of one stream.

    Parameters
    ----------
    y
        float64 `(R, S)`: components of the baseline's windows in time order, NaN where a window
        does not observe a column.
    x
        float64 `(R, d)`: season regressors of the windows.
    bank
        The components.
    rows
        `(R,)`: rows of each window; without them all windows count as equally large, for ever.
    consecutive
        bool `(R,)`: whether each window follows the one before without a gap; by default all do.
    exchangeable
        Whether the windows are random splits of the baseline's rows, not windows of time.

    Raises
    ------
    InputError
        If shapes disagree or there are fewer than MIN_WINDOWS windows.
    """
    windows = len(y)
    if windows < MIN_WINDOWS:
        raise InputError(f"{windows} windows are no history; at least {MIN_WINDOWS} are needed")
    usual = 0.0 if rows is None else float(np.median(rows))
    size = None if rows is None else relative_size(np.asarray(rows, dtype=np.float64), usual)
    history = History.of(y, x, size, consecutive)
    whole = estimate(history, bank, _NONE, usual=usual)
    if exchangeable or windows < WINDOWS_FOR_BACKTEST:
        return _wide(whole, exchangeable=exchangeable)
    half = windows // 2
    first = estimate(history.part(slice(0, half)), bank, _NONE, usual=usual)
    first = replace(first, tails=np.minimum(first.tails, whole.tails))
    later = history.part(slice(half, windows))
    scores = scores_ahead(first, later.y, later.x, later.size, later.consecutive)
    test = backtest(first, scores)
    return replace(
        whole,
        nu=test.nu,
        gate=test.gate,
        alarms=test.alarms,
        expected_alarms=test.expected,
        guarantee=_tested(windows, test),
    )


def _wide(calibration: Calibration, *, exchangeable: bool) -> Calibration:
    """Settings for a history too short to test itself on."""
    wide = calibration.with_settings(
        np.full(calibration.columns, WIDE_NU), np.full(calibration.columns, WIDE_GATE)
    )
    if exchangeable:
        text = "NONE (exchangeable rows assumed): the baseline has no windows of its own"
        return replace(wide, guarantee=Guarantee(GuaranteeKind.NONE, None, text))
    text = (
        f"learning: only {calibration.windows} baseline windows, wide settings, not back-tested; "
        f"changes under {WIDE_GATE:g} window standard deviations are not called drift"
    )
    return replace(wide, guarantee=Guarantee(GuaranteeKind.NONE, None, text))


def _tested(windows: int, test: BackTest) -> Guarantee:
    text = (
        f"false alarms within the budget if one-step errors are centred with tails no heavier than "
        f"assumed; back-tested on {test.windows} of {windows} baseline windows: "
        f"{test.alarms} {'alarm' if test.alarms == 1 else 'alarms'} where a valid monitor "
        f"raises at most {test.expected:g}"
    )
    if test.exhausted.any():
        text += f"; the baseline of {int(test.exhausted.sum())} columns is not stationary"
    return Guarantee(GuaranteeKind.RUN_LENGTH, None, text)

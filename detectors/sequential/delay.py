"""How long a given change takes to be found: what a budget and a baseline mean in practice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detectors.errors import InputError

if TYPE_CHECKING:
    from detectors.sequential.calibration import Calibration

MAX_WINDOWS = 1000


def expected_delay(
    calibration: Calibration, line: float, *, series: int, shift: float, rows: float
) -> int | None:
    """Windows until a constant shift of one series reaches a line.

    The evidence is run on the expected scores: right to about a window where a few windows suffice,
    because the log likelihood ratio is nearly linear in the score.

    Parameters
    ----------
    line
        Evidence at which the column alarms.
    series
        The series that shifts; the other series of its column show nothing.
    shift
        Size per row: baseline standard deviations for a location, Cohen's h for a share.
    rows
        Rows per window.

    Returns
    -------
    int or None
        Windows including the one that alarms; None beyond MAX_WINDOWS.
    """
    if not 0 <= series < len(calibration.column):
        raise InputError(f"series must be in [0, {len(calibration.column)}), got {series}")
    model = calibration.likelihood
    size = abs(shift) * np.sqrt(rows)
    size /= calibration.deviation(calibration.size(rows))[series] * calibration.upper[series]
    z = np.full(len(calibration.column), np.nan)
    shape = (2, len(z), model.constant.shape[1])
    constant, stepped = np.zeros(shape), np.zeros((2, len(model.stepping), shape[2]))
    for window in range(1, MAX_WINDOWS + 1):
        z[series] = size if window == 1 else size * model.remains[series]
        constant, stepped = model.update(constant, stepped, z)
        evidence = model.by_series(constant, stepped)[series] * calibration.weight[series]
        if evidence >= line:
            return window
    return None


def delay_sentence(name: str, shift: float, windows: int | None) -> str:
    """Say it: 'a shift of 0.2 sd in the location of one column is found in about 6 windows'."""
    found = f"is found in about {windows} windows" if windows else "is too small to be found"
    return f"a shift of {shift:g} sd in the {name} of one column {found}"

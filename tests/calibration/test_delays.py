"""Delays in windows of 1,000 rows at one false alarm a month over 60 columns.

Published medians are those of STATS.md section 3; a median may be at most 20 % (or one window)
longer. Forty independent copies of the changing column are watched, each at the line of one of 60.
"""

import numpy as np
import pytest
from numpy.typing import NDArray

from detectors.sequential.calibrate import calibrate
from detectors.sequential.evidence import SHIFTS
from detectors.sequential.monitor import column_evidence, scores_ahead
from tests.calibration.streams import CATEGORIES, MONTH, Change, Stream, make_stream

COPIES = 40
LINE = 60.0 * MONTH


def ramp(after: NDArray[np.int64]) -> NDArray[np.float64]:
    return 0.5 * np.minimum(1.0, (after + 1) / 200)


def delays(stream: Stream) -> NDArray[np.float64]:
    """Windows until each column reaches its line, inf when it does not."""
    history = stream.reference
    calibration = calibrate(stream.y[:history], stream.x[:history], stream.bank)
    z = scores_ahead(calibration, stream.y[history:], stream.x[history:])
    model = calibration.likelihood
    constant = np.zeros((2, z.shape[1], len(SHIFTS)))
    stepped = np.zeros((2, len(model.stepping), len(SHIFTS)))
    first = np.full(calibration.columns, np.inf)
    for t, scores in enumerate(z):
        constant, stepped = model.update(constant, stepped, scores)
        over = column_evidence(calibration, constant, stepped) >= LINE
        first = np.where(over, np.minimum(first, t + 1), first)
    return first


@pytest.mark.parametrize(
    ("change", "published"),
    [
        (Change(0.05), 17),
        (Change(0.1), 4),
        (Change(0.25), 1),
        (Change(scale=1.1), 2),
        (Change(ramp), 27),
        (Change(shares=(0.48, 0.25, 0.15, 0.07, 0.05)), 4),
        (Change(shares=(0.55, 0.225, 0.135, 0.063, 0.027)), 5),
    ],
    ids=["mean .05", "mean .1", "mean .25", "sd 1.1", "ramp", "share 3 to 5", "share 50 to 55"],
)
@pytest.mark.parametrize("regime", ["iid", "season"])
@pytest.mark.slow
def test_changes_are_found_as_fast_as_published(
    regime: str, change: Change, published: float
) -> None:
    categorical = change.shares is not None
    stream = make_stream(
        regime,
        np.random.default_rng(903),
        numeric=0 if categorical else COPIES,
        categories=(CATEGORIES[5],) * COPIES if categorical else (),
        months=120 / MONTH,
        change=change,
        continuous=True,
    )
    found = delays(stream)
    assert np.isfinite(found).mean() > 0.95
    assert np.median(found) <= max(1.2 * published, published + 1)

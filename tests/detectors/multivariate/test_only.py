"""Scorers that look at some columns only."""

from __future__ import annotations

import numpy as np

from detectors.multivariate.moments import Moments
from detectors.multivariate.only import Only
from tests.detectors.multivariate.tables import factor_rows, frame_of, window_of


def test_hidden_columns_change_nothing() -> None:
    rng = np.random.default_rng(1)
    values, codes = factor_rows(rng, 2000, 5), rng.integers(0, 3, (2000, 1)).astype(np.int32)
    frame = frame_of(values, 1)
    base = window_of(frame, values, codes)
    fitted = Only(Moments(), ("n0", "n3", "c0")).fit(base.profile, base.sample)
    assert fitted is not None
    assert fitted.name == "moments[n0,n3,c0]"
    rows, more = factor_rows(rng, 500, 5), rng.integers(0, 3, (500, 1)).astype(np.int32)
    before = fitted.measure(window_of(frame, rows, more))
    rows[:, [1, 2, 4]] += 9
    assert fitted.measure(window_of(frame, rows, more)).tobytes() == before.tobytes()
    rows[:, 3] += 1
    moved = window_of(frame, rows, more)
    assert np.abs(fitted.measure(moved)).max() > 8
    assert set(fitted.explain(moved).shares) <= {"n0", "n3", "c0"}
    assert len(fitted.series) == 4
    assert (base.profile.cells.sum(axis=1) == 2000).all()


def test_one_visible_column_is_nothing_to_watch_together() -> None:
    values = factor_rows(np.random.default_rng(2), 500, 3)
    base = window_of(frame_of(values), values)
    assert Only(Moments(), ("n1",)).fit(base.profile, base.sample) is None

"""`window_p` keeps its level where rows depend on each other; p-values of rows do not.

Each column is a repetition: its windows' means wander independently, so rows of one window depend
on each other and windows are exchangeable.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from detectors.profile import Profile, fit_frame
from detectors.univariate.battery import Battery
from monitor.engine.univariate import _window_p, history_of, narrowed
from tests.strategies import block_of

COLUMNS, WINDOWS, ROWS = 1000, 39, 200


def test_window_p_holds_where_rows_depend_on_each_other() -> None:
    rng = np.random.default_rng(77)
    means = rng.normal(0, 0.2, size=(WINDOWS + 1, COLUMNS, 1))
    values = means + rng.normal(size=(WINDOWS + 1, COLUMNS, ROWS))
    names = [f"n{j}" for j in range(COLUMNS)]
    sample = dict(zip(names, np.concatenate(values[:WINDOWS:4], axis=1), strict=True))
    frame = fit_frame(sample, {}, [], {}, cells=64)
    windows = [Profile(frame) for _ in values]
    for window, rows in zip(windows, values, strict=True):
        window.add(block_of(list(rows)))
    baseline = Profile(frame)
    for window in windows[:WINDOWS]:
        baseline.merge(window)
    battery = Battery.fit(baseline)
    parts = [battery.judge_part(window) for window in windows[:WINDOWS]]
    history = history_of([{r.detector: narrowed(r.statistic) for r in part} for part in parts])
    near = np.ones(WINDOWS, dtype=np.bool_)
    low, high = stats.binom.ppf([5e-7, 1 - 5e-7], COLUMNS, 0.05)
    for result in battery.judge(windows[-1]):
        window_p = _window_p(result.statistic, history[result.detector], near)
        assert low <= (window_p <= 0.05).sum() <= high, result.detector
        if result.p_value is not None:
            assert (result.p_value <= 0.05).sum() > 2 * high, result.detector

"""Numbers as predictions: absolute errors are measured, expected without labels, and followed."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from monitor.drivers.learn import build_baseline
from monitor.model import PerformanceSpec
from monitor.performance import ESTIMATED, MEASURED
from monitor.record import LabelBatch, Numbers, RecordBatch
from monitor.schema import ColumnSpec
from tests.monitor.engine.labelled_streams import NAME, SPEC, feed, started
from tests.monitor.engine.streams import HOUR, START

REGRESSION = replace(
    SPEC,
    columns=(ColumnSpec("x", "numeric"), ColumnSpec("prediction", "numeric")),
    task="regression",
    positive=None,
    performance=PerformanceSpec(horizon=24 * HOUR),
)
ROWS = 300


def hour_of(
    hour: int, rng: np.random.Generator, noise: float = 1.0
) -> tuple[RecordBatch, LabelBatch]:
    """Predictions that are farther off where `x` is large."""
    x = rng.standard_normal(ROWS)
    truth = 3 * x + noise * (1 + np.abs(x)) * rng.standard_normal(ROWS)
    times = (START + hour) * HOUR + np.sort(rng.integers(0, HOUR, ROWS))
    ids = tuple(f"{hour}-{i}" for i in range(ROWS))
    columns = {"x": Numbers(x), "prediction": Numbers(3 * x)}
    records = RecordBatch(NAME, "1", ids, times, columns)
    return records, LabelBatch(NAME, ids, times + HOUR, Numbers(truth))


def test_errors_that_grow_are_told_and_were_not_expected() -> None:
    rng = np.random.default_rng(1)
    history = [hour_of(hour, rng) for hour in range(40)]
    labels = [known for _, known in history]
    learned = build_baseline([rows for rows, _ in history], REGRESSION, labels=labels)
    known = learned.whole.performance
    assert known is not None
    assert known.losses[0] == "mean absolute error"
    assert known.center[0] == pytest.approx(1.43, abs=0.05)
    # On a Sunday, as the baseline: of the first Monday nothing is known yet.
    stream = [hour_of(40 + hour, rng, 1.0 if hour < 3 else 1.6) for hour in range(16)]
    engine = started(learned, REGRESSION)
    decisions = list(feed(engine, stream))
    rows = {(r.window_index, r.kind): r.value or 0 for r in engine.drain() if r.metric == "mae"}
    later = range(START + 40 + 3, START + 40 + 15)
    expected, measured = ([rows[at, kind] for at in later] for kind in (ESTIMATED, MEASURED))
    assert np.mean(expected) == pytest.approx(1.43, abs=0.1)
    assert np.mean(measured) == pytest.approx(1.6 * 1.43, abs=0.15)
    truths = [known.labels for _, known in stream[3:15]]
    told = [rows_.columns["prediction"] for rows_, _ in stream[3:15]]
    errors = [
        np.abs(p.values - y.values).mean()
        for p, y in zip(told, truths, strict=True)
        if isinstance(p, Numbers) and isinstance(y, Numbers)
    ]
    np.testing.assert_allclose(measured, errors, rtol=1e-12)
    said = {f["kind"]: f["text"] for d in decisions for f in json.loads(d.body)["findings"]}
    assert said["performance"].startswith("mean absolute error rose from 1.4")
    assert "larger than was estimated" in said["estimator"]

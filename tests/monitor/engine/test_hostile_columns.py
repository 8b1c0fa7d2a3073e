"""A hostile column is told of, and leaves the others their evidence (P10)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from detectors import registry
from monitor.drivers.learn import build_baseline
from monitor.record import Mixed
from monitor.schema import ColumnSpec
from tests.monitor.engine import streams

if TYPE_CHECKING:
    from monitor.baseline import Baseline
    from monitor.record import RecordBatch

SIZE = 4
SPEC = replace(
    streams.SPEC,
    columns=(*streams.SPEC.columns, ColumnSpec("vector", "embedding")),
    segments=(),
    scorers=tuple(registry.load(name)() for name in registry.AUTO_SCORERS),
)


def hour(number: int, value: Any = None) -> RecordBatch:
    """Rows with vectors, or with something else in their place."""
    rng = np.random.default_rng(number)
    batch = streams.rows(number, rng, n=200)
    vectors = rng.normal(size=(200, SIZE)).tolist() if value is None else [value] * 200
    return replace(batch, columns={**batch.columns, "vector": Mixed(tuple(vectors))})


@pytest.fixture(scope="module")
def learned() -> Baseline:
    return build_baseline([hour(number) for number in range(30)], SPEC)


@pytest.mark.parametrize("value", [[1.0] * (SIZE - 1), [], "text", 1.0], ids=repr)
def test_what_is_no_vector_of_the_baselines_length_breaks_the_column(
    learned: Baseline, value: Any
) -> None:
    engine = streams.model_engine(SPEC, learned, "c")
    list(engine.feed([hour(100), hour(101, value)], 2))
    *_, decision = engine.flush()
    assert ("wrong_type", "vector") in {(f.kind, f.column) for f in decision.findings}
    columns = json.loads(decision.body)["columns"]
    assert all(columns[name]["evidence_log10"] is not None for name in ("price", "city"))


@pytest.mark.filterwarnings("error")
def test_numbers_beyond_single_precision_are_no_vectors_and_no_warning(learned: Baseline) -> None:
    engine = streams.model_engine(SPEC, learned, "c")
    list(engine.feed([hour(100), hour(101, [1e300] * SIZE)], 2))
    *_, decision = engine.flush()
    assert np.isnan(decision.window.sample.vectors["vector"]).all()

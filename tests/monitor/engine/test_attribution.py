"""Findings say where a change sits and what explains it, on records that the engine took in."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor.drivers.learn import build_baseline
from monitor.record import Numbers, Texts
from monitor.schema import ColumnSpec
from tests.monitor.engine import streams

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.baseline import Baseline
    from monitor.engine.decision import Decision, Finding
    from monitor.record import RecordBatch

SPEC = replace(
    streams.SPEC,
    columns=(*streams.SPEC.columns, ColumnSpec("total", "numeric"), ColumnSpec("score", "numeric")),
    segments=(),
)
LAST = 8


def with_outputs(batch: RecordBatch, rng: np.random.Generator) -> RecordBatch:
    """The batch with a column that is computed from the price, and a score computed from both."""
    price = batch.columns["price"]
    assert isinstance(price, Numbers)
    total = price.values * 1.2 + rng.normal(0, 0.5, len(batch))
    score = 1 / (1 + np.exp((20 - price.values) / 5)) + rng.normal(0, 0.02, len(batch))
    made = {"total": Numbers(total), "score": Numbers(score)}
    return replace(batch, columns={**batch.columns, **made})


@pytest.fixture(scope="module")
def learned() -> Baseline:
    rng = np.random.default_rng(1)
    hours = range(streams.WINDOWS)
    return build_baseline([with_outputs(streams.rows(hour, rng), rng) for hour in hours], SPEC)


def last_decision(
    learned: Baseline, change: Callable[[RecordBatch, np.random.Generator], RecordBatch]
) -> Decision:
    """The decision on the last of some changed hours of more rows than usual."""
    rng = np.random.default_rng(2)
    engine = streams.model_engine(SPEC, learned, "c1")
    decisions = []
    for hour in range(streams.WINDOWS, streams.WINDOWS + LAST):
        batch = change(streams.rows(hour, rng, n=900), rng)
        decisions += list(engine.feed([with_outputs(batch, rng)], hour))
    return decisions[-1]


def findings_of(decision: Decision) -> dict[str, Finding]:
    return {found.column: found for found in decision.findings if found.severity != "warning"}


def in_oslo(batch: RecordBatch, rng: np.random.Generator) -> RecordBatch:
    price, city = batch.columns["price"], batch.columns["city"]
    assert isinstance(price, Numbers)
    assert isinstance(city, Texts)
    there = city.codes == city.vocabulary.index("oslo")
    return replace(batch, columns={**batch.columns, "price": Numbers(price.values + 6 * there)})


def test_a_change_in_one_city_is_placed_there(learned: Baseline) -> None:
    found = findings_of(last_decision(learned, in_oslo))["price"]
    assert found.where == "city=oslo"
    assert "only where city=oslo" in found.text


def test_what_follows_from_another_column_is_explained_by_it(learned: Baseline) -> None:
    def dearer(batch: RecordBatch, _: np.random.Generator) -> RecordBatch:
        price = batch.columns["price"]
        assert isinstance(price, Numbers)
        return replace(batch, columns={**batch.columns, "price": Numbers(price.values + 4)})

    found = findings_of(last_decision(learned, dearer))
    assert found["score"].caused_by in {"price", "total"}
    causes = {found["price"].caused_by, found["total"].caused_by}
    rose = found["score"].current_value - found["score"].baseline_value
    assert found["price"].score_change == pytest.approx(rose, rel=0.25)
    # Either may be said to explain the other, but not both, and never the score.
    assert "" in causes
    assert "score" not in causes


def test_a_null_burst_explains_what_is_computed_from_it(learned: Baseline) -> None:
    rng = np.random.default_rng(3)
    engine = streams.model_engine(SPEC, learned, "c1")
    decisions = []
    for hour in range(streams.WINDOWS, streams.WINDOWS + LAST):
        batch = with_outputs(streams.rows(hour, rng, n=900), rng)
        price, total = batch.columns["price"], batch.columns["total"]
        assert isinstance(price, Numbers)
        assert isinstance(total, Numbers)
        if hour >= streams.WINDOWS + LAST - 2:
            lost = rng.random(len(batch)) < 0.4
            price = Numbers(np.where(lost, np.nan, price.values))
            total = Numbers(np.where(lost, 0.0, total.values))
        batch = replace(batch, columns={**batch.columns, "price": price, "total": total})
        decisions += list(engine.feed([batch], hour))
    found = findings_of(decisions[-1])
    assert found["price"].kind == "missing"
    assert found["total"].caused_by == "price"
    body = json.loads(decisions[-1].body)
    assert next(f for f in body["findings"] if f["column"] == "total")["caused_by"] == "price"


def test_a_change_that_is_everywhere_has_no_place(learned: Baseline) -> None:
    def noisier(batch: RecordBatch, rng: np.random.Generator) -> RecordBatch:
        price = batch.columns["price"]
        assert isinstance(price, Numbers)
        values = price.values + rng.normal(3, 1, len(batch))
        return replace(batch, columns={**batch.columns, "price": Numbers(values)})

    assert findings_of(last_decision(learned, noisier))["price"].where == ""

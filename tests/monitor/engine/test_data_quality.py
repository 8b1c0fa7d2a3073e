"""Rules on data inside the engine: learned with the baseline, remembered, told with decisions."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from detectors.quality.rules import Action, ColumnRules, Rules
from detectors.result import QualityKind
from monitor.record import Numbers, Texts
from tests.monitor.engine import streams

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.baseline import Baseline
    from monitor.model import ModelSpec
    from monitor.record import RecordBatch

    Change = Callable[[RecordBatch], RecordBatch]

FAULT = streams.WINDOWS + 3


@pytest.fixture(name="learned", scope="module")
def _learned() -> Baseline:
    return streams.baseline()


def with_columns(batch: RecordBatch, **columns: Any) -> RecordBatch:
    return replace(batch, columns={**batch.columns, **columns})


def times_1000(batch: RecordBatch) -> RecordBatch:
    price = batch.columns["price"]
    assert isinstance(price, Numbers)
    return with_columns(batch, price=Numbers(price.values * 1000))


def run(learned: Baseline, change: Change, spec: ModelSpec = streams.SPEC) -> list[dict[str, Any]]:
    """Decisions on ordinary hours, the last of which are changed."""
    rng = np.random.default_rng(7)
    engine = streams.model_engine(spec, learned, "c1")
    decisions = []
    for hour in range(streams.WINDOWS, FAULT + 3):
        batch = streams.rows(hour, rng)
        batch = change(batch) if hour >= FAULT else batch
        decisions += list(engine.feed([batch], hour))
        restarted = streams.model_engine(spec, learned, "c1")
        restarted.restore(engine.state())
        engine = restarted
    return [json.loads(d.body) for d in decisions if not d.window.stream.segment]


def findings_at(decisions: list[dict[str, Any]], hour: int) -> list[dict[str, Any]]:
    (found,) = [d for d in decisions if d["window"]["index"] == streams.START + hour]
    return list(found["findings"])


def test_a_conversion_is_broken_and_no_drift(learned: Baseline) -> None:
    decisions = run(learned, times_1000)
    assert findings_at(decisions, FAULT - 1) == []
    for hour in (FAULT, FAULT + 1):
        (finding,) = findings_at(decisions, hour)
        assert (finding["kind"], finding["column"]) == ("units", "price")
        assert finding["severity"] == "broken"
        assert "multiplied by 1000" in finding["text"]


def test_people_may_allow_it(learned: Baseline) -> None:
    for rules in (
        Rules({QualityKind.UNITS: Action.ALLOW}),
        Rules(columns={"price": ColumnRules(actions={QualityKind.UNITS: Action.ALLOW})}),
    ):
        spec = replace(streams.SPEC, quality=rules)
        found = findings_at(run(learned, times_1000, spec), FAULT)
        assert "units" not in {finding["kind"] for finding in found}


def test_columns_that_go_together_are_one_finding(learned: Baseline) -> None:
    def other_schema(batch: RecordBatch) -> RecordBatch:
        cut = streams.without(streams.without(batch, "price"), "city")
        return with_columns(cut, town=Texts(np.zeros(len(batch), np.int32), ("rome",)))

    decisions = run(learned, other_schema)
    (finding,) = findings_at(decisions, FAULT)
    assert (finding["kind"], finding["column"], finding["severity"]) == ("schema", "", "broken")
    assert finding["text"] == "the schema changed: price, city vanished; town appeared"


def test_a_window_that_comes_again_is_replayed(learned: Baseline) -> None:
    seen: list[RecordBatch] = []

    def again(batch: RecordBatch) -> RecordBatch:
        seen.append(batch)
        return replace(batch, columns=seen[0].columns) if len(seen) > 1 else batch

    (finding,) = findings_at(run(learned, again), FAULT + 1)
    assert (finding["kind"], finding["severity"]) == ("replay", "broken")


def test_nights_with_few_records_are_as_usual(learned: Baseline) -> None:
    """Hours below `min_records` are not judged, yet they are part of the usual volume."""
    rng, spec = np.random.default_rng(9), streams.SPEC

    def count(hour: int) -> int:
        return 12 if hour % 24 < 6 else 600

    history = [streams.rows(hour, rng, n=count(hour)) for hour in range(24 * 10)]
    engine = streams.model_engine(spec, streams.build_baseline(history, spec), "c1")
    live = [streams.rows(hour, rng, n=count(hour)) for hour in range(24 * 10, 24 * 12)]
    live[30] = streams.rows(24 * 10 + 30, rng, n=12)
    decisions = [d for seq, batch in enumerate(live) for d in engine.feed([batch], seq)]
    told = {
        d["window"]["index"]: [f["kind"] for f in d["findings"]]
        for d in (json.loads(d.body) for d in decisions if not d.window.stream.segment)
    }
    unusual = streams.START + 24 * 10 + 30
    assert told.pop(unusual) == ["volume"]
    assert not any("volume" in kinds for kinds in told.values())

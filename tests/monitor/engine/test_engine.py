"""The engine is a function of the journal: restarts, batching and bad columns change nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from monitor.columnar import encode_block, take
from monitor.engine.columns import Framer
from monitor.engine.decision import Decision, canonical
from monitor.engine.engine import Engine, control
from monitor.engine.model import MAX_VERSIONS, OTHERS
from monitor.errors import StorageError
from monitor.packing import pack, unpack
from monitor.record import Numbers
from tests.monitor.engine import streams
from tests.monitor.engine.streams import HOUR, START, WINDOWS, Resolver, rows, started

if TYPE_CHECKING:
    from monitor.baseline import Baseline
    from monitor.record import RecordBatch


@pytest.fixture(scope="module")
def learned() -> Baseline:
    return streams.baseline()


def feed(engine: Engine, batches: list[RecordBatch], first: int = 2) -> list[Decision]:
    made: list[Decision] = []
    for seq, batch in enumerate(batches, first):
        made += engine.step(seq, "records", encode_block([batch]))
    return made


def body(decision: Decision) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(decision.body)
    return value


def whole(decisions: list[Decision]) -> list[dict[str, Any]]:
    return [body(d) for d in decisions if not d.window.stream.segment]


def hours(count: int, seed: int = 7, first: int = WINDOWS, **kind: Any) -> list[RecordBatch]:
    rng = np.random.default_rng([seed, first])
    return [rows(first + hour, rng, **kind) for hour in range(count)]


def test_quiet_traffic_is_stable(learned: Baseline) -> None:
    found = whole(feed(started(learned), hours(40)))
    assert len(found) == 39
    assert {decision["verdict"] for decision in found} == {"stable"}
    assert found[0]["columns"]["price"]["statistics"]["ks"]["threshold"] > 0


def test_a_shift_is_found_dated_and_told_in_units(learned: Baseline) -> None:
    batches = hours(30) + hours(12, seed=8, first=WINDOWS + 30, shift=0.6)
    found = whole(feed(started(learned), batches))
    drifting = [decision for decision in found if decision["verdict"] == "drift"]
    began = (START + WINDOWS + 30) * HOUR
    assert drifting[0]["window"]["index"] == began // HOUR
    finding = drifting[-1]["findings"][0]
    assert finding["column"] == "price"
    assert finding["measure"] == "location"
    assert finding["since"] == drifting[0]["window"]["start"]
    assert finding["text"].startswith("price rose: mean 20")
    assert "euros" in finding["text"]
    assert finding["current_value"] == pytest.approx(23, abs=0.2)
    assert finding["evidence_log10"] > finding["line_log10"]


def test_a_column_that_comes_back_is_stable_again_after_some_windows(learned: Baseline) -> None:
    batches = hours(10, shift=0.8) + hours(20, seed=9, first=WINDOWS + 10)
    verdicts = [decision["verdict"] for decision in whole(feed(started(learned), batches))]
    assert verdicts[9] == "drift"
    assert verdicts[10:12] == ["drift", "drift"]
    assert set(verdicts[16:]) == {"stable"}


def test_the_other_direction_is_told_anew(learned: Baseline) -> None:
    batches = hours(10, shift=0.8) + hours(12, seed=9, first=WINDOWS + 10, shift=-0.8)
    found = whole(feed(started(learned), batches))
    assert found[5]["findings"][0]["text"].startswith("price rose")
    assert found[-1]["findings"][0]["text"].startswith("price fell")
    assert found[-1]["findings"][0]["since"] > found[5]["findings"][0]["since"]


def test_a_segment_alarms_where_it_moves(learned: Baseline) -> None:
    rng = np.random.default_rng(3)
    batches = []
    for hour in range(12):
        batch = rows(WINDOWS + hour, rng, n=2000)
        price = batch.columns["price"].values.copy()  # type: ignore[union-attr]
        price[batch.columns["city"].codes == 1] += 15  # type: ignore[union-attr]
        batches.append(
            replace(batch, columns={**batch.columns, "price": type(batch.columns["price"])(price)})
        )
    found = [body(d) for d in feed(started(learned), batches)]
    drifted = {
        d["segment"]
        for d in found
        if any(f["column"] == "price" and f["severity"] == "drift" for f in d["findings"])
    }
    assert "city=oslo" in drifted
    assert not drifted & {"city=rome", "city=bonn"}


def test_restarting_anywhere_gives_the_same_bytes(learned: Baseline) -> None:
    batches = hours(8) + hours(6, seed=8, first=WINDOWS + 8, shift=0.7, missing=0.1)
    journal = streams.journal_of(learned, batches)

    def run(restart_at: int | None) -> list[tuple[bytes, bytes]]:
        engine = Engine(Resolver(learned))
        made: list[Decision] = []
        for seq, (kind, payload) in enumerate(journal, 1):
            if seq == restart_at:
                engine = Engine.restore(unpack(pack(engine.state())), Resolver(learned))
            made += engine.step(seq, kind, payload)
        return [(decision.body, decision.evidence) for decision in made]

    straight = run(None)
    assert len(straight) > 20
    for place in range(1, len(journal) + 1):
        assert run(place) == straight


def test_entries_of_one_row_or_of_many_give_the_same_profiles(learned: Baseline) -> None:
    batch = hours(1)[0]
    after = hours(1, first=WINDOWS + 1)
    singles = [take(batch, np.array([i])) for i in range(len(batch))]
    together = whole(feed(started(learned), [batch, *after]))
    apart = whole(feed(started(learned), [*singles, *after]))
    assert canonical(together) == canonical(apart)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ((None,) * 300, "schema"),
        (("a",) * 300, "wrong_type"),
        (("a", 1.5, True, None, [1, 2]) * 60, "wrong_type"),
        ((float("inf"),) * 300, "infinite"),
        ((7.0,) * 300, "constant"),
        ((1e308, -1e308) * 150, None),
    ],
)
def test_a_broken_column_is_its_own_finding_and_harms_no_other(
    learned: Baseline, values: tuple[Any, ...], kind: str | None
) -> None:
    bad = streams.with_price(hours(1)[0], values)
    found = whole(feed(started(learned), [bad, *hours(1, first=WINDOWS + 1)]))[0]
    kinds = {finding["kind"] for finding in found["findings"] if finding["column"] == "price"}
    if kind is not None:
        assert found["verdict"] == "broken"
        assert kind in kinds
    assert found["columns"]["city"]["status"] == 0
    assert found["columns"]["city"]["statistics"]["chi2"]["statistic"] is not None


def test_a_vanished_column_breaks_and_the_others_are_judged(learned: Baseline) -> None:
    bad = streams.without(hours(1)[0], "price")
    found = whole(feed(started(learned), [bad, *hours(1, first=WINDOWS + 1)]))[0]
    assert found["verdict"] == "broken"
    assert found["columns"]["city"]["status"] == 0


def test_a_column_that_appears_is_told_and_breaks_nothing(learned: Baseline) -> None:
    batch = hours(1)[0]
    more = replace(batch, columns={**batch.columns, "colour": batch.columns["city"]})
    found = whole(feed(started(learned), [more, *hours(1, first=WINDOWS + 1)]))[0]
    assert [(f["kind"], f["column"]) for f in found["findings"]] == [("schema", "colour")]
    assert found["verdict"] == "warning"


def test_too_few_records_are_insufficient(learned: Baseline) -> None:
    found = whole(feed(started(learned), [*hours(1, n=60), *hours(1, first=WINDOWS + 1)]))[0]
    assert found["verdict"] in {"insufficient", "broken"}
    assert {column["status"] for column in found["columns"].values()} == {4}


def test_a_silent_stream_breaks_when_it_is_advanced(learned: Baseline) -> None:
    engine = started(learned)
    feed(engine, hours(2))
    to = (START + WINDOWS + 5) * HOUR
    made = engine.step(10, "control", control("advance", model="shop", to=to))
    found = whole(made)
    assert [decision["window"]["records"] for decision in found] == [300, 0, 0, 0]
    assert found[1]["verdict"] == "broken"
    assert "no records" in found[1]["summary"]
    assert {finding["kind"] for finding in found[1]["findings"]} == {"volume", "freshness"}
    assert any("no record for" in finding["text"] for finding in found[1]["findings"])


def test_a_check_closes_what_is_open_and_says_nothing_of_volume(learned: Baseline) -> None:
    engine = started(learned)
    feed(engine, hours(1, n=120))
    (found, *_) = whole(engine.step(3, "control", control("check", model="shop")))
    assert found["window"]["records"] == 120
    assert found["verdict"] == "stable"


def test_versions_are_judged_apart_and_ids_differ(learned: Baseline) -> None:
    batches = [
        b for pair in zip(hours(5), hours(5, seed=4, version="2"), strict=True) for b in pair
    ]
    made = feed(started(learned), batches)
    assert {d.window.stream.version for d in made} == {"1", "2"}
    assert len({d.id for d in made}) == len(made)
    first, second = (next(body(d) for d in made if d.window.stream.version == v) for v in "12")
    line = [d["columns"]["price"]["line_log10"] for d in (first, second)]
    assert line[1] > line[0]


def test_a_version_per_record_ends_in_one_common_stream(learned: Baseline) -> None:
    batch = hours(1)[0]
    many = [
        replace(take(batch, np.array([i])), version=f"build-{i}") for i in range(MAX_VERSIONS + 200)
    ]
    made = feed(started(learned), [*many, *hours(1, first=WINDOWS + 1, version="build-0")])
    found = {
        d.window.stream.version: d.window.profile.rows for d in made if not d.window.stream.segment
    }
    assert len(found) == MAX_VERSIONS + 1
    assert found[OTHERS] == 200


def test_a_new_configuration_keeps_the_state_where_frames_agree(learned: Baseline) -> None:
    specs = {"c1": streams.SPEC, "c2": replace(streams.SPEC, min_records=50)}
    engine = Engine(Resolver(learned, specs))
    engine.step(1, "control", streams.configured(learned, "c1"))
    feed(engine, hours(3, shift=0.8))
    assert engine.step(9, "control", streams.configured(learned, "c2")) == []
    made = whole(feed(engine, hours(2, seed=5, first=WINDOWS + 3, shift=0.8), 10))
    assert made[0]["config"] == "c2"
    assert made[0]["findings"][0]["since"] < made[0]["window"]["start"]


def test_a_new_way_of_cutting_closes_what_is_open(learned: Baseline) -> None:
    other = replace(streams.SPEC, window=replace(streams.SPEC.window, lateness=HOUR // 2))
    engine = Engine(Resolver(learned, {"c1": streams.SPEC, "c2": other}))
    engine.step(1, "control", streams.configured(learned, "c1"))
    feed(engine, hours(1))
    (found, *_) = whole(engine.step(3, "control", streams.configured(learned, "c2")))
    assert found["window"]["records"] == 300
    assert found["config"] == "c1"


def test_records_of_models_nobody_configured_are_passed_over(learned: Baseline) -> None:
    engine = started(learned)
    stranger = replace(hours(1)[0], model="stranger")
    assert engine.step(2, "records", encode_block([stranger])) == []
    assert engine.cursor == 2


def test_a_state_of_another_format_is_refused(learned: Baseline) -> None:
    state = started(learned).state()
    with pytest.raises(StorageError, match="format 99"):
        Engine.restore({**state, "format": 99}, Resolver(learned))


def test_the_first_window_is_never_short_of_records(learned: Baseline) -> None:
    engine = started(learned)
    found = whole(feed(engine, [*hours(1, n=110), *hours(1, first=WINDOWS + 1, n=110)]))
    found += whole(feed(engine, hours(1, first=WINDOWS + 2), 5))
    assert [decision["verdict"] for decision in found] == ["stable", "warning"]
    assert found[1]["findings"][0]["kind"] == "volume"


def test_a_stream_that_breaks_off_in_the_past_is_not_short_of_records(learned: Baseline) -> None:
    engine = started(learned)
    feed(engine, [*hours(1), *hours(1, first=WINDOWS + 1, n=110)])
    end = (START + WINDOWS + 2) * HOUR
    found = whole(engine.step(9, "control", control("advance", model="shop", to=end)))
    assert [(d["window"]["records"], d["verdict"]) for d in found] == [(110, "stable")]


def test_since_when_stays_while_a_drift_lasts(learned: Baseline) -> None:
    rng = np.random.default_rng(11)
    batches = [rows(WINDOWS + hour, rng, shift=0.9 if hour >= 3 else 0.0) for hour in range(40)]
    found = whole(feed(started(learned), batches))
    told = {f["since"] for d in found for f in d["findings"] if f["column"] == "price"}
    assert told == {found[3]["window"]["start"]}


@pytest.mark.parametrize("known", ["score", "score.1"])
def test_a_score_is_known_by_either_name(known: str) -> None:
    def scored(batch: RecordBatch, **names: float) -> RecordBatch:
        scores = {name: Numbers(np.full(len(batch), value)) for name, value in names.items()}
        return replace(batch, columns={**batch.columns, **scores})

    others = {"score.0"} if known == "score.1" else set()
    framer = Framer(streams.baseline().frame, frozenset({"price", "city", "note", known, *others}))
    batch = hours(1)[0]
    named = framer.named(scored(batch, **{"score.0": 0.75, "score.1": 0.25}), "1")
    assert set(named.columns) == {"price", "city", "note", known, *others}
    assert named.columns[known].values[0] == 0.25  # type: ignore[union-attr]
    assert framer.appeared(named) == []
    alone = framer.named(scored(batch, score=0.5), "1")
    assert alone.columns[known].values[0] == 0.5  # type: ignore[union-attr]
    assert framer.named(scored(batch, **{"score.7": 0.5}), None).columns.keys() >= {"score.7"}

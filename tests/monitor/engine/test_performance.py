"""Labels become evidence: quiet when nothing changes, in words when it does, the same in replay."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from detectors.performance.metrics import measure
from detectors.performance.outcomes import Outcomes
from monitor.columnar import encode_block, take_labels
from monitor.engine.engine import Engine
from monitor.engine.labels import LabelStore
from monitor.model import ObjectiveSpec
from monitor.packing import pack, unpack
from monitor.performance import ESTIMATED, MEASURED
from monitor.record import LabelBatch, Numbers, RecordBatch, Texts
from tests.monitor.engine import labelled_streams as streams
from tests.monitor.engine.labelled_streams import NAME, SPEC, WINDOWS, Resolver, feed, started
from tests.monitor.engine.streams import HOUR, START

if TYPE_CHECKING:
    from monitor.baseline import Baseline
    from monitor.engine.cohort import Cohort
    from monitor.engine.decision import Decision
    from monitor.model import ModelSpec
    from monitor.performance import PerformanceRow

KINDS = frozenset({"performance", "label_rate", "estimator", "fairness"})


@pytest.fixture(scope="module")
def learned() -> Baseline:
    return streams.baseline()


def hours(count: int, seed: int = 7, first: int = WINDOWS, **kind: Any) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [streams.hour_of(first + hour, rng, **kind) for hour in range(count)]


def bodies(decisions: list[Decision]) -> list[dict[str, Any]]:
    return [json.loads(decision.body) for decision in decisions]


def told(decisions: list[Decision]) -> list[dict[str, Any]]:
    return [
        finding
        for body in bodies(decisions)
        for finding in body["findings"]
        if finding["kind"] in KINDS
    ]


def figures(engine: Engine, **wanted: Any) -> list[PerformanceRow]:
    rows = {(r.segment, r.window_index, r.metric, r.kind): r for r in engine.drain()}
    return [
        row
        for row in rows.values()
        if all(getattr(row, name) == value for name, value in wanted.items())
    ]


def test_a_baseline_learns_from_its_labels(learned: Baseline) -> None:
    known = learned.whole.performance
    assert known is not None
    assert (known.task, known.classes) == ("binary", ("0", "1"))
    assert known.losses == ("error rate", "Brier score", "label rate", "estimation error")
    assert known.center[0] == pytest.approx(0.2, abs=0.02)
    assert known.center[3] == pytest.approx(0, abs=0.005)
    assert known.coverage == 1.0
    assert 2 * HOUR < known.delays[50] < 2.5 * HOUR
    assert len(known.series) == WINDOWS
    assert known.calibration is not None
    assert np.isfinite(learned.whole.sample.truth).all()
    again = type(learned).from_bytes(learned.to_bytes())
    assert again.id == learned.id


def test_quiet_labels_say_nothing(learned: Baseline) -> None:
    decisions = list(feed(started(learned), hours(40)))
    assert told(decisions) == []
    section = bodies(decisions)[-1]["performance"]
    assert section["labels"]["outcomes"]["joined"] > 10_000
    assert section["measured"]["labelled"] == streams.ROWS
    assert section["evidence"]["performance"]["evidence_log10"] < 3


def test_a_rise_of_errors_is_told_in_words_with_its_beginning(learned: Baseline) -> None:
    rising = hours(10) + hours(25, seed=8, first=WINDOWS + 10, error=0.32)
    found = [f for f in told(list(feed(started(learned), rising))) if f["kind"] == "performance"]
    assert found
    finding = found[-1]
    assert finding["severity"] == "drift"
    assert " rose from " in finding["text"]
    assert "labels" in finding["text"]
    began = np.datetime64((START + WINDOWS + 10) * HOUR, "us").astype("datetime64[h]")
    dated = np.datetime64(finding["since"].removesuffix("Z"), "h")
    assert abs(int((dated - began).astype(int))) <= 2
    assert finding["current_value"] > finding["baseline_value"]
    assert finding["evidence_log10"] >= finding["line_log10"]


def test_concept_drift_shows_as_an_error_of_the_estimate(learned: Baseline) -> None:
    turned = hours(25, seed=8, error=0.35)
    kinds = {f["kind"]: f["text"] for f in told(list(feed(started(learned), turned)))}
    assert "more errors than the scores promise" in kinds["estimator"]


def test_figures_are_what_the_metrics_say_of_the_joined_rows(learned: Baseline) -> None:
    engine = started(learned)
    stream = hours(6)
    list(feed(engine, stream))
    records, labels = stream[0]
    truth = labels.labels
    assert isinstance(truth, Texts)
    score, predicted = records.columns["score.1"], records.columns["prediction"]
    assert isinstance(score, Numbers)
    assert isinstance(predicted, Texts)
    rows = Outcomes(truth.codes.astype(float), predicted.codes.astype(float), score.values[:, None])
    index = int(records.times[0]) // HOUR
    found = {
        row.metric: row for row in figures(engine, window_index=index, kind=MEASURED, segment="")
    }
    for expected in measure(rows, ["accuracy", "roc_auc", "brier"], task="binary"):
        row = found[expected.metric]
        assert row.value == pytest.approx(expected.value, abs=1e-12)
        assert row.lower == pytest.approx(expected.lower, abs=1e-9)
        assert (row.rows, row.labelled) == (streams.ROWS, streams.ROWS)
    assert found["roc_auc"].as_of == int(labels.times.max())


def test_without_labels_the_scores_estimate(learned: Baseline) -> None:
    engine = started(learned)
    for at, (records, _) in enumerate(hours(6)):
        engine.step(at + 2, "records", encode_block([records]))
    found = figures(engine, kind=ESTIMATED, metric="accuracy")
    assert len(found) == 5
    assert all(row.value == pytest.approx(0.8, abs=0.05) for row in found)
    assert all(row.lower < row.value < row.upper and row.labelled == 0 for row in found)


def test_groups_stand_beside_each_other(learned: Baseline) -> None:
    engine = started(learned)
    list(feed(engine, hours(6)))
    rows = figures(engine, metric="selection_rate")
    assert {row.segment for row in rows} == {"sex=f", "sex=m"}
    whole = [row for row in rows if row.window_index == rows[0].window_index]
    assert sum(row.rows for row in whole) == streams.ROWS
    assert all(row.lower < row.value < row.upper for row in whole)


def test_unequal_treatment_that_begins_is_a_finding(learned: Baseline) -> None:
    def unfair(hour: tuple[RecordBatch, LabelBatch]) -> tuple[RecordBatch, LabelBatch]:
        """Half of the positive predictions of one sex become negative."""
        records, labels = hour
        sex, predicted = records.columns["sex"], records.columns["prediction"]
        assert isinstance(sex, Texts)
        assert isinstance(predicted, Texts)
        turned = predicted.codes * ((sex.codes != 1) | (np.arange(len(records)) % 2 == 0))
        columns = {**records.columns, "prediction": Texts(turned.astype(np.int32), ("0", "1"))}
        return replace(records, columns=columns), labels

    stream = hours(8) + [unfair(hour) for hour in hours(25, seed=9, first=WINDOWS + 8)]
    found = [f for f in told(list(feed(started(learned), stream))) if f["kind"] == "fairness"]
    assert found
    assert found[0]["column"] == "sex"
    assert " for m and " in found[-1]["text"] or " for f and " in found[-1]["text"]


def test_restarts_and_grouping_change_no_decision_and_no_figure(learned: Baseline) -> None:
    stream = hours(5) + hours(15, seed=8, first=WINDOWS + 5, error=0.35)
    once = started(learned)
    first = [decision.body for decision in feed(once, stream)]
    again, second, rows = started(learned), [], []
    for at in range(len(stream) + 3):
        for labels in _halves(stream[at - 3][1]) if at >= 3 else ():
            again.step(again.cursor + 1, "records", encode_block([], [labels]))
        rows += again.drain()
        again = Engine.restore(unpack(pack(again.state())), Resolver(learned))
        if at < len(stream):
            block = encode_block([stream[at][0]])
            second += [d.body for d in again.step(again.cursor + 1, "records", block)]
    assert first == second
    assert "performance" in {finding["kind"] for finding in json.loads(first[-1])["findings"]}
    assert _stated(once.drain()) == _stated([*rows, *again.drain()])


def _halves(labels: LabelBatch) -> list[LabelBatch]:
    codes = labels.labels
    assert isinstance(codes, Texts)
    half = len(labels) // 2
    return [
        LabelBatch(NAME, labels.ids[part], labels.times[part], Texts(codes.codes[part], ("0", "1")))
        for part in (slice(half, None), slice(0, half))
    ]


def _stated(rows: list[PerformanceRow]) -> dict[Any, PerformanceRow]:
    """The last word on every figure of a window whose labels all came."""
    last = {(r.segment, r.window_index, r.metric, r.kind): r for r in rows}
    return {key: row for key, row in last.items() if row.kind == MEASURED}


def test_labels_of_an_unknown_class_or_of_none_are_no_truth(learned: Baseline) -> None:
    engine = started(learned)
    records, _ = hours(1)[0]
    later = records.times + HOUR
    nothing = LabelBatch(NAME, records.ids, later, Texts(np.full(len(records), -1, np.int32), ()))
    engine.step(2, "records", encode_block([records], [nothing]))
    model = engine.models[NAME]
    assert model.performance is not None
    assert model.performance.counts["unmatched"] == len(records)
    assert model.performance.counts["joined"] == 0


def test_a_baseline_without_labels_measures_and_judges_nothing() -> None:
    engine = started(streams.without_labels())
    decisions = list(feed(engine, hours(8, error=0.5)))
    assert told(decisions) == []
    assert figures(engine, kind=MEASURED, metric="accuracy")
    assert figures(engine, kind=ESTIMATED) == []
    assert bodies(decisions)[-1]["performance"]["guarantee"].startswith("none")


def test_a_model_without_outputs_has_no_performance() -> None:
    spec = replace(SPEC, columns=SPEC.columns[:1], performance=replace(SPEC.performance, groups=()))
    engine = started(streams.without_labels(spec), spec)
    decisions = list(feed(engine, hours(3)))
    assert bodies(decisions)[-1]["performance"] == {}
    assert engine.drain() == []


def objective(bound: float, **more: Any) -> ModelSpec:
    asked = ObjectiveSpec("accuracy", bound, at_least=True)
    return replace(SPEC, performance=replace(SPEC.performance, objective=asked, **more))


def test_an_objective_that_is_missed_is_a_finding_until_it_is_met(learned: Baseline) -> None:
    missed = list(feed(started(learned, objective(0.9)), hours(12)))
    found = [f for body in bodies(missed) for f in body["findings"] if f["kind"] == "objective"]
    assert found[-1]["text"].startswith("accuracy must be at least 0.9, is 0.")
    assert found[-1]["severity"] == "drift"
    met = list(feed(started(learned, objective(0.7)), hours(12)))
    assert not [f for body in bodies(met) for f in body["findings"] if f["kind"] == "objective"]
    assert bodies(met)[-1]["performance"]["objectives"]["objective"]["standing"] == "ok"


def test_performance_that_is_worse_than_tolerated_is_harm(learned: Baseline) -> None:
    spec = objective(0.5, tolerance=0.02)
    worse = list(feed(started(learned, spec), hours(25, error=0.35)))
    found = [f for body in bodies(worse) for f in body["findings"] if f["kind"] == "harm"]
    assert "worse by at least" in found[-1]["text"]
    assert found[-1]["current_value"] == pytest.approx(0.65, abs=0.02)
    same = list(feed(started(learned, spec), hours(25)))
    assert not [f for body in bodies(same) for f in body["findings"] if f["kind"] == "harm"]


def test_estimates_are_compared_with_what_came_true(learned: Baseline) -> None:
    honest = bodies(list(feed(started(learned), hours(15))))[-1]["performance"]["own_error"]
    assert honest["accuracy"]["windows"] == 12
    assert honest["accuracy"]["trusted"]
    assert honest["accuracy"]["size"] < 0.05
    turned = list(feed(started(learned), hours(15, error=0.35)))
    own = bodies(turned)[-1]["performance"]["own_error"]["accuracy"]
    assert not own["trusted"]
    assert own["bias"] > 0.1
    assert own["widen"] > 2
    assert "too good" in own["text"]


def test_labels_that_are_selected_are_said_to_be(learned: Baseline) -> None:
    def only_high(hour: tuple[RecordBatch, LabelBatch]) -> tuple[RecordBatch, LabelBatch]:
        """Labels for high scores only."""
        records, labels = hour
        score = records.columns["score.1"]
        assert isinstance(score, Numbers)
        return records, take_labels(labels, score.values > 0.5)

    stream = [only_high(hour) for hour in hours(8)]
    section = bodies(list(feed(started(learned), stream)))[-1]["performance"]
    assert section["labels"]["windows_waiting"] > 3
    whole = bodies(list(feed(started(learned), hours(6))))[-1]["performance"]["measured"]
    assert not whole["selected"]


def test_labels_that_stay_away_are_found_when_no_more_can_come(learned: Baseline) -> None:
    spec = replace(SPEC, performance=replace(SPEC.performance, horizon=6 * HOUR))

    def few(hour: tuple[RecordBatch, LabelBatch]) -> tuple[RecordBatch, LabelBatch]:
        """A third of the labels."""
        records, labels = hour
        return records, take_labels(labels, np.arange(len(labels)) % 3 == 0)

    stream = [few(hour) for hour in hours(3)] + hours(15, seed=8, first=WINDOWS + 3)
    decisions = list(feed(started(streams.baseline(spec), spec), stream))
    found = [f for body in bodies(decisions) for f in body["findings"] if f["kind"] == "labels"]
    assert found
    assert "33.3 % of the predictions have a label (baseline 100 %)" in found[0]["text"]
    assert found[0]["severity"] == "broken"


def test_estimates_may_follow_the_mix_of_inputs() -> None:
    spec = replace(SPEC, performance=replace(SPEC.performance, weighted=True))
    engine = started(streams.baseline(spec), spec)
    for at, (records, _) in enumerate(hours(3)):
        engine.step(at + 2, "records", encode_block([records]))
    found = figures(engine, kind=ESTIMATED, metric="accuracy")
    assert [row.value == pytest.approx(0.8, abs=0.06) for row in found] == [True, True]


def test_a_delivery_that_closes_no_window_asks_nothing_of_those_that_wait(
    learned: Baseline, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = started(learned)
    asked: list[int] = []
    list(feed(engine, hours(3), lag=9))
    close = LabelStore.close

    def counted(store: LabelStore, until: int) -> list[Cohort]:
        asked.append(until)
        return close(store, until)

    monkeypatch.setattr(LabelStore, "close", counted)
    (records, known), *_ = hours(1, first=WINDOWS + 20)
    for _ in range(5):
        engine.step(engine.cursor + 1, "records", encode_block([records]))
    assert len(asked) == 1
    engine.step(engine.cursor + 1, "records", encode_block([records], [known]))
    assert len(asked) == 2

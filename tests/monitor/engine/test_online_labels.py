"""Online detectors on errors and labels: they hear of predictions as their windows are judged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from detectors.online.adwin import Adwin
from detectors.online.cusum import Cusum
from detectors.online.ddm import DriftDetectionMethod
from monitor.columnar import encode_block
from monitor.engine.engine import Engine
from monitor.engine.labelled import usual
from monitor.engine.online import ERROR, LABEL, references_of
from monitor.model import OnlineSpec
from monitor.packing import pack, unpack
from tests.monitor.engine.labelled_streams import (
    NAME,
    SPEC,
    WINDOWS,
    Resolver,
    baseline,
    feed,
    hour_of,
    started,
    without_labels,
)
from tests.monitor.engine.streams import START

if TYPE_CHECKING:
    from monitor.baseline import Baseline
    from monitor.engine.decision import Decision, Finding
    from monitor.record import LabelBatch, RecordBatch

WATCHED = replace(
    SPEC,
    online=(
        OnlineSpec("cusum", Cusum(run_length=1e6), (ERROR, LABEL, "score.1")),
        OnlineSpec("ddm", DriftDetectionMethod(), (ERROR,)),
        OnlineSpec("adwin", Adwin(), (ERROR,)),
    ),
)
CHANGE = WINDOWS + 3


@pytest.fixture(scope="module")
def learned() -> Baseline:
    return baseline()


def hours(count: int = 9) -> list[tuple[RecordBatch, LabelBatch]]:
    rng = np.random.default_rng(4)
    return [
        hour_of(hour, rng, error=0.5 if hour >= CHANGE else None)
        for hour in range(WINDOWS, WINDOWS + count)
    ]


def told(made: list[Decision]) -> list[tuple[int, Finding]]:
    return [
        (decision.window.index - START, finding)
        for decision in made
        for finding in decision.findings
        if finding.kind == "online"
    ]


def test_errors_are_found_where_the_model_went_wrong(learned: Baseline) -> None:
    found = told(list(feed(started(learned, WATCHED), hours())))
    assert {finding.measure for _, finding in found} >= {"cusum error", "ddm error", "adwin error"}
    assert not [finding for _, finding in found if finding.column == "score.1"]
    for window, finding in found:
        moment = np.datetime64(str(finding.since).rstrip("Z"), "h").astype(int)
        assert moment - START >= CHANGE
        # The labels come three hours after the predictions.
        assert window >= CHANGE + 2
    first = next(finding for _, finding in found if finding.measure == "cusum error")
    assert first.text.startswith("errors: cusum alarmed ")


def test_a_restart_after_every_entry_changes_nothing(learned: Baseline) -> None:
    expected = [decision.body for decision in feed(started(learned, WATCHED), hours(7))]
    sent, made = hours(7), []
    engine = started(learned, WATCHED)
    for at in range(len(sent) + 3):
        records = [sent[at][0]] if at < len(sent) else []
        labels = [sent[at - 3][1]] if at >= 3 else []
        block = encode_block(records, labels)
        made += [decision.body for decision in engine.step(engine.cursor + 1, "records", block)]
        engine.drain()
        engine = Engine.restore(unpack(pack(engine.state())), Resolver(learned, WATCHED))
    assert made == expected


def test_what_the_baseline_knows_of_errors(learned: Baseline) -> None:
    known = usual(learned)
    assert known[ERROR].mean() == pytest.approx(0.2, abs=0.03)
    assert set(np.unique(known[LABEL])) == {0.0, 1.0}
    references = references_of(WATCHED.online, learned)
    assert references[ERROR].rates[0] == pytest.approx(known[ERROR].mean())
    assert references["score.1"].rates[0] is None


def test_without_labels_there_are_no_errors() -> None:
    learned = without_labels()
    assert usual(learned) == {}
    engine = started(learned, WATCHED)
    watch = engine.models[NAME].online
    assert [watcher.columns for watcher in watch._watchers] == [("score.1",)]

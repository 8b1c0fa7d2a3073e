"""Outputs and labels as numbers that can be compared, however people spell their classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from detectors.profile.fitting import fit_frame
from detectors.profile.sample import Reservoir, Sample
from monitor.engine.columns import Framer
from monitor.engine.keys import row_keys
from monitor.engine.outputs import OTHER, Outputs, Task, task_of
from monitor.record import Booleans, Mixed, Numbers, RecordBatch, Texts

if TYPE_CHECKING:
    from detectors.profile.frame import Frame
    from monitor.record import Column

ROWS = 4
NAN = float("nan")


def framed(**columns: Column) -> Frame:
    numbers = {n: c.values for n, c in columns.items() if isinstance(c, Numbers)}
    texts = {n: dict.fromkeys(c.vocabulary, 1) for n, c in columns.items() if isinstance(c, Texts)}
    texts |= {n: {"false": 1, "true": 1} for n, c in columns.items() if isinstance(c, Booleans)}
    return fit_frame(numbers, texts, [], {})


def sampled(frame: Frame, **columns: Column) -> Sample:
    """The rows in their order."""
    batch = RecordBatch("m", "1", tuple("abcd"), np.arange(ROWS), columns)
    reservoir = Reservoir(Sample.empty(frame), 10)
    keys = row_keys(batch.ids)
    reservoir.add(Framer(frame).block(batch), keys, batch.times)
    sample = reservoir.sample()
    return sample.take(np.argsort(sample.times))


def texts(*words: str) -> Texts:
    vocabulary = tuple(dict.fromkeys(words))
    return Texts(np.array([vocabulary.index(w) for w in words], np.int32), vocabulary)


def score(*values: float) -> Numbers:
    return Numbers(np.array(values))


ZERO_ONE = Task("binary", ("0", "1"))
PREDICTION = {"prediction": texts("no", "yes", "yes", "no")}


@pytest.mark.parametrize(
    ("columns", "kind", "positive", "labels", "expected"),
    [
        (PREDICTION, "none", None, {"yes": 3, "no": 9}, Task("binary", ("no", "yes"))),
        (PREDICTION, "none", "no", {}, Task("binary", ("yes", "no"))),
        ({"score": score(0, 1, 0.5, 0.2)}, "none", None, {"0": 2, "1": 1}, ZERO_ONE),
        ({"score.bad": score(0, 1, 0.5, 0.2)}, "binary", "bad", {}, Task("binary", ("", "bad"))),
        ({"prediction": score(1, 2, 3, 4)}, "none", None, {}, Task("regression")),
        (
            {"prediction": texts("a", "b", "c", "a")},
            "none",
            None,
            {"d": 1},
            Task("multiclass", ("a", "b", "c", "d", OTHER)),
        ),
        ({"prediction": Booleans(np.array([0, 1, 0, 1], np.int8))}, "none", None, {"1": 1, "0": 2},
         Task("binary", ("false", "true"))),
        ({"age": score(1, 2, 3, 4)}, "none", None, {"1": 3}, None),
    ],
)  # fmt: skip
def test_the_task_is_read_off_outputs_and_labels(
    columns: dict[str, Column],
    kind: str,
    positive: str | None,
    labels: dict[str, int],
    expected: Task | None,
) -> None:
    assert task_of(kind, positive, framed(**columns), labels) == expected


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (Numbers(np.array([1.0, 0.0, NAN])), [1, 0, NAN]),
        (Booleans(np.array([1, 0, -1], np.int8)), [1, 0, NAN]),
        (texts("1", "0", "maybe"), [1, 0, 0]),
        (texts("True", "FALSE", "1"), [1, 0, 1]),
        (Mixed((1, True, None)), [1, 1, NAN]),
    ],
)
def test_booleans_are_the_same_however_they_are_spelled(column: Any, expected: list[float]) -> None:
    found = Task("binary", ("0", "1")).truth(column, 3)
    np.testing.assert_array_equal(found, expected)


def test_unknown_classes_are_one_of_their_own() -> None:
    task = Task("multiclass", ("a", "b", OTHER))
    np.testing.assert_array_equal(task.truth(texts("b", "a", "zebra"), 3), [1, 0, 2])
    columns = {"score.a": score(0.5, 0.1, 0.2, 0.3), "score.b": score(0.5, 0.9, 0.8, 0.7)}
    frame = framed(**columns, prediction=texts("a", "b", "b", "a"))
    outputs = Outputs(task, frame)
    rows = outputs.read(sampled(frame, **columns, prediction=texts("a", "b", "zebra", "a")))
    np.testing.assert_array_equal(rows.predicted, [0, 1, 2, 0])
    assert rows.scores.shape == (ROWS, 3)
    assert not rows.scores[:, 2].any()


def test_the_score_of_the_other_class_says_as_much() -> None:
    columns = {"score.0": score(0.9, 0.2, NAN, 0.5)}
    frame = framed(**columns)
    rows = Outputs(Task("binary", ("0", "1")), frame).read(sampled(frame, **columns))
    np.testing.assert_allclose(rows.scores[:, 0], [0.1, 0.8, NAN, 0.5])
    np.testing.assert_array_equal(rows.predicted, [0, 1, NAN, 1])


def test_a_prediction_between_zero_and_one_is_a_score() -> None:
    columns = {"prediction": score(0.1, 0.7, 0.5, NAN)}
    frame = framed(**columns)
    rows = Outputs(Task("binary", ("0", "1")), frame).read(sampled(frame, **columns))
    np.testing.assert_array_equal(rows.scores[:, 0], [0.1, 0.7, 0.5, NAN])
    np.testing.assert_array_equal(rows.predicted, [0, 1, 1, NAN])


def test_what_is_kept_is_in_order_of_keys() -> None:
    columns = {"prediction": score(1, 2, 3, 4), "size": score(5, 6, 7, 8)}
    frame = framed(**columns)
    outputs = Outputs(Task("regression"), frame)
    kept = outputs.predictions(outputs.read(sampled(frame, **columns)), np.arange(4.0))
    assert (np.diff(kept.keys.astype(object)) > 0).all()
    np.testing.assert_array_equal(kept.predicted, kept.expected + 1)
    assert kept.scores.shape == (ROWS, 0)

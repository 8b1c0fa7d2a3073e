"""Labels and predictions meet whatever the order and grouping in which they come."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.engine.cohort import Cohort, Outcome, Predictions
from monitor.engine.labels import LabelStore
from monitor.packing import pack, unpack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

EVERY = 100
HORIZON = 1_000


class Label(NamedTuple):
    """A truth on its way."""

    key: int
    time: int
    truth: float


class Row(NamedTuple):
    """A prediction on its way."""

    key: int
    time: int


def cohort(rows: Sequence[Row], index: int = 0, version: str = "1") -> Cohort:
    keys = np.array([row.key for row in rows], dtype=np.uint64)
    made = Predictions(
        keys=keys,
        times=np.array([row.time for row in rows], dtype=np.int64),
        predicted=keys.astype(np.float64),
        scores=np.zeros((len(rows), 1)),
        expected=np.full(len(rows), np.nan),
        groups=np.zeros((len(rows), 0), dtype=np.int32),
    ).in_order()
    return Cohort(version, index, index * EVERY, (index + 1) * EVERY, len(rows), made)


def arrays(
    labels: Sequence[Label],
) -> tuple[NDArray[np.uint64], NDArray[np.int64], NDArray[np.float64]]:
    keys = np.array([label.key for label in labels], dtype=np.uint64)
    times = np.array([label.time for label in labels], dtype=np.int64)
    return keys, times, np.array([label.truth for label in labels], dtype=np.float64)


def counted(store: LabelStore) -> dict[str, int]:
    return {
        outcome.name: int(store.counts[outcome]) for outcome in Outcome if store.counts[outcome]
    }


def truths(store: LabelStore) -> dict[tuple[int, int], tuple[float, int]]:
    """What is known in the end, by window and key."""
    return {
        (index, int(key)): (float(truth), int(known))
        for (_, index), made in store.cohorts.items()
        for key, truth, known in zip(made.predictions.keys, made.truth, made.known, strict=True)
        if not np.isnan(truth)
    }


def test_a_label_joins_the_prediction_of_its_id() -> None:
    store = LabelStore(HORIZON, 100)
    store.open(cohort([Row(5, 10), Row(3, 20)]))
    store.add(*arrays([Label(3, 50, 1.0), Label(4, 60, 1.0)]))
    assert truths(store) == {(0, 3): (1.0, 50)}
    assert store.watermark == 50
    store.close(EVERY)
    assert counted(store) == {"JOINED": 1, "UNMATCHED": 1}


def test_a_label_may_come_before_its_prediction() -> None:
    store = LabelStore(HORIZON, 100)
    store.add(*arrays([Label(3, 50, 1.0), Label(3, 50, 1.0)]))
    assert store.waiting == 1
    store.open(cohort([Row(3, 20)]))
    store.close(EVERY)
    assert truths(store) == {(0, 3): (1.0, 50)}
    assert counted(store) == {"JOINED": 1, "DUPLICATE": 1}
    assert store.waiting == 0


def test_the_latest_truth_counts_and_ties_are_broken_by_content() -> None:
    labels = [Label(3, 50, 1.0), Label(3, 90, 0.0), Label(3, 70, 1.0), Label(3, 90, 2.0)]
    for turned in (labels, labels[::-1]):
        store = LabelStore(HORIZON, 100)
        store.open(cohort([Row(3, 20)]))
        for label in turned:
            store.add(*arrays([label]))
        assert truths(store) == {(0, 3): (2.0, 90)}
        assert sum(counted(store).values()) == 4
        assert counted(store)["JOINED"] == 1


def test_a_label_beyond_the_horizon_is_late_and_moves_nothing() -> None:
    store = LabelStore(HORIZON, 100)
    store.open(cohort([Row(3, 20)]))
    store.add(*arrays([Label(3, 21 + HORIZON, 1.0)]))
    assert counted(store) == {"LATE": 1}
    assert truths(store) == {}
    assert store.watermark is None
    assert store.close(EVERY) == []


def test_two_versions_that_saw_one_record_both_get_its_truth() -> None:
    store = LabelStore(HORIZON, 100)
    store.open(cohort([Row(3, 20)]))
    store.open(cohort([Row(3, 20)], version="2"))
    store.add(*arrays([Label(3, 50, 1.0)]))
    assert [made.labelled for made in store.cohorts.values()] == [1, 1]
    assert counted(store) == {"JOINED": 1}


def test_a_cohort_leaves_when_truths_are_a_horizon_newer() -> None:
    store = LabelStore(HORIZON, 100)
    store.open(cohort([Row(3, 20)]))
    late = EVERY + HORIZON + 1
    store.open(cohort([Row(4, late - 5)], index=late // EVERY))
    assert store.release() == []
    store.add(*arrays([Label(4, late, 0.0)]))
    assert [made.index for made in store.release()] == [0]
    assert list(store.cohorts) == [("1", late // EVERY)]


def test_no_more_predictions_wait_than_allowed_and_the_oldest_go() -> None:
    store = LabelStore(HORIZON, 5)
    for index in range(4):
        store.open(
            cohort([Row(2 * index, index * EVERY), Row(2 * index + 1, index * EVERY)], index)
        )
    assert [made.index for made in store.release()] == [0, 1]
    store.add(*arrays([Label(7, 400, 1.0)]))
    assert truths(store) == {(3, 7): (1.0, 400)}


def test_no_more_truths_wait_than_allowed_and_the_smallest_keys_stay() -> None:
    store = LabelStore(HORIZON, 3)
    store.add(*arrays([Label(key, 50, 1.0) for key in range(10)]))
    assert store.waiting == 3
    store.open(cohort([Row(key, 10) for key in range(10)]))
    assert sorted(key for _, key in truths(store)) == [0, 1, 2]
    assert counted(store) == {"JOINED": 3, "UNMATCHED": 7}


# Laws.

keys = st.integers(0, 7)
label_times = st.integers(0, 500)
values = st.sampled_from([0.0, 1.0, 2.0])


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[list[Row]], list[Label]]:
    """Windows of predictions, and truths that are known after the prediction was made."""
    windows = [
        [
            Row(key, draw(st.integers(index * EVERY, index * EVERY + EVERY - 1)))
            for key in draw(st.lists(keys, max_size=5, unique=True))
        ]
        for index in range(draw(st.integers(1, 4)))
    ]
    labels = draw(st.lists(st.builds(Label, keys, label_times, values), max_size=20))
    return windows, labels


def expected(windows: list[list[Row]], labels: list[Label]) -> dict[tuple[int, int], object]:
    """By definition: the latest truth that is not late; of one time the largest."""
    known: dict[tuple[int, int], object] = {}
    for index, rows in enumerate(windows):
        for row in rows:
            good = [
                (label.time, label.truth)
                for label in labels
                if label.key == row.key and row.time <= label.time <= row.time + HORIZON
            ]
            if good:
                time, truth = max(good)
                known[index, row.key] = (truth, time)
    return known


def deal(draw: st.DrawFn, labels: list[Label], groups: int) -> list[list[Label]]:
    dealt: list[list[Label]] = [[] for _ in range(groups)]
    for label in draw(st.permutations(labels)):
        dealt[draw(st.integers(0, groups - 1))].append(label)
    return dealt


@st.composite
def interleavings(draw: st.DrawFn) -> tuple[list[list[Row]], list[Label], list[list[list[Label]]]]:
    """The same with every truth dealt to an entry before or after one of the windows closed."""
    windows, labels = draw(worlds())
    labels = [
        label
        for label in labels
        # A truth older than its prediction may have been given up before that came.
        if all(label.time >= row.time for rows in windows for row in rows if row.key == label.key)
    ]
    steps = deal(draw, labels, len(windows) + 1)
    return windows, labels, [deal(draw, step, draw(st.integers(1, 3))) for step in steps]


def run(
    windows: list[list[Row]], steps: list[list[list[Label]]], *, restart: bool = False
) -> LabelStore:
    store = LabelStore(HORIZON, 1_000)
    for index, step in enumerate(steps):
        for entry in step:
            store.add(*arrays(entry))
        if restart:
            again = LabelStore(HORIZON, 1_000)
            again.restore(unpack(pack(store.state())))
            store = again
        if index < len(windows):
            store.open(cohort(windows[index], index))
            assert store.close((index + 1) * EVERY) == []
    return store


@given(interleavings())
@settings(max_examples=200)
def test_every_interleaving_gives_the_same_truths(
    world: tuple[list[list[Row]], list[Label], list[list[list[Label]]]],
) -> None:
    windows, labels, steps = world
    store = run(windows, steps)
    assert truths(store) == expected(windows, labels)
    done = int(store.counts.sum()) + store.waiting
    assert done >= len(labels)
    assert int(store.counts[Outcome.JOINED]) <= len(labels)


@given(interleavings())
def test_each_label_is_counted_once(
    world: tuple[list[list[Row]], list[Label], list[list[list[Label]]]],
) -> None:
    windows, labels, steps = world
    store = run(windows, steps)
    store.close(10_000)
    assert store.waiting == 0
    assert int(store.counts.sum()) == len(labels)


@given(interleavings())
def test_a_restart_changes_nothing(
    world: tuple[list[list[Row]], list[Label], list[list[list[Label]]]],
) -> None:
    windows, _, steps = world
    once, twice = run(windows, steps), run(windows, steps, restart=True)
    assert pack(once.state()) == pack(twice.state())


def test_packed_predictions_are_not_packed_again() -> None:
    store = LabelStore(HORIZON, 100)
    store.open(cohort([Row(3, 20)]))
    first = store.state()["cohorts"][0]
    store.add(*arrays([Label(3, 50, 1.0)]))
    second = store.state()["cohorts"][0]
    assert first[-2] is second[-2]
    assert first[-1] != second[-1]


@pytest.mark.parametrize("rows", [[], [Row(1, 5)]])
def test_cohorts_may_be_empty(rows: list[Row]) -> None:
    made = cohort(rows)
    assert made.newest is None
    again = Cohort.restore(unpack(pack(made.state())))
    assert pack(again.state()) == pack(made.state())

"""Repeats are recognised as far back as promised, in bounded memory; checked against a set."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from monitor.intake import dedup
from monitor.intake.dedup import GENERATIONS, Dedup
from monitor.intake.intake import load_dedup

CAPACITY = 64
hash_lists = st.lists(st.integers(0, 2**64 - 1), max_size=12)
few = st.lists(st.integers(0, 30), max_size=12)


def array(values: list[int]) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    return np.array(values, dtype=np.uint64)


def fresh(memory: Dedup, *values: int) -> list[bool]:
    return [bool(new) for new in memory.fresh(array(list(values)))]


def admit(memory: Dedup, values: list[int]) -> list[int]:
    """What intake does: keep what is fresh and remember it."""
    taken = array(values)
    new = taken[memory.fresh(taken)]
    memory.add(new)
    return [int(value) for value in new]


def test_the_first_of_equals_in_a_batch_counts() -> None:
    memory = Dedup(CAPACITY)
    assert fresh(memory, 7, 5, 7, 7, 5, 9) == [True, True, False, False, False, True]
    assert len(memory) == 0, "asking remembers nothing"


def test_an_empty_batch_is_fresh() -> None:
    memory = Dedup(CAPACITY)
    memory.add(array([]))
    assert memory.fresh(array([])).shape == (0,)


@given(values=hash_lists)
def test_extreme_hashes_are_ordinary(values: list[int]) -> None:
    memory = Dedup(CAPACITY)
    memory.add(array([0, 2**64 - 1, 2**63]))
    expected = [
        value not in {0, 2**64 - 1, 2**63} and value not in values[:i]
        for i, value in enumerate(values)
    ]
    assert fresh(memory, *values) == expected


@pytest.mark.parametrize("capacity", [1, 3, 4, 64, 1000])
@pytest.mark.parametrize("batch", [1, 7, 300])
def test_a_repeat_is_recognised_for_as_long_as_promised(capacity: int, batch: int) -> None:
    memory = Dedup(capacity)
    promised = GENERATIONS * (capacity // GENERATIONS)
    last: deque[int] = deque(maxlen=promised)
    for start in range(0, 5 * capacity, batch):
        values = list(range(start, start + batch))
        assert fresh(memory, *last) == [False] * len(last)
        assert admit(memory, values) == values
        last.extend(values)


def test_memory_is_bounded() -> None:
    memory = Dedup(CAPACITY)
    for value in range(10 * CAPACITY):
        memory.add(array([value]))
        assert len(memory) <= CAPACITY * (GENERATIONS + 1) // GENERATIONS
    assert fresh(memory, 0, 10 * CAPACITY - 1) == [True, False]


def test_large_memories_keep_a_small_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dedup, "RECENT", 10)
    memory = Dedup(4_000)
    rng = np.random.default_rng(1)
    seen: set[int] = set()
    for _ in range(100):
        values = rng.integers(0, 3_000, 30).astype(np.uint64)
        expected = {int(value) for value in values} - seen
        assert set(admit(memory, [int(value) for value in values])) == expected
        seen |= expected
        assert len(memory._recent) < 10 + 30


@given(kept=few, gone=few)
def test_only_what_is_discarded_is_fresh_again(kept: list[int], gone: list[int]) -> None:
    memory = Dedup(CAPACITY)
    before = admit(memory, kept)
    taken = admit(memory, gone)
    memory.discard(array(taken))
    assert fresh(memory, *before) == [False] * len(before)
    assert fresh(memory, *taken) == [True] * len(taken)


class AgainstASet(RuleBasedStateMachine):
    """Never forgets what it must know, never claims to know what it never saw."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = Dedup(16)
        self.order: list[int | None] = []
        self.last = 0

    @rule(values=few)
    def admit(self, values: list[int]) -> None:
        known = set(self.order)
        taken = admit(self.memory, values)
        assert len(set(taken)) == len(taken)
        assert not set(taken) & set(self.order[-16:])
        assert set(values) - known <= set(taken)
        self.order += taken
        self.last = len(taken)

    @rule()
    def fail(self) -> None:
        """The transaction of the last batch is lost; what it pushed out stays out."""
        gone = [value for value in self.order[len(self.order) - self.last :] if value is not None]
        self.memory.discard(array(gone))
        assert fresh(self.memory, *gone) == [True] * len(gone)
        self.order[len(self.order) - self.last :] = [None] * self.last

    @invariant()
    def bounded(self) -> None:
        assert len(self.memory) <= 16 + 4 + 2 * 12 * GENERATIONS


TestAgainstASet = AgainstASet.TestCase
TestAgainstASet.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_loading_takes_the_newest_blocks_and_no_more_than_needed() -> None:
    asked: list[int] = []

    def blocks() -> object:
        for number in range(100, 0, -1):  # newest first
            asked.append(number)
            yield array([10 * number + i for i in range(8)]).astype("<u8").tobytes()

    memory = Dedup(CAPACITY)
    load_dedup(memory, CAPACITY, blocks())  # type: ignore[arg-type]
    assert asked == list(range(100, 92, -1))
    newest = [10 * number + i for number in range(93, 101) for i in range(8)]
    assert fresh(memory, *newest) == [False] * CAPACITY
    assert fresh(memory, 920, 0) == [True, True]


def test_after_loading_the_oldest_are_forgotten_first() -> None:
    blocks = [array([number]).tobytes() for number in range(CAPACITY, 0, -1)]
    memory = Dedup(CAPACITY)
    load_dedup(memory, CAPACITY, blocks)
    memory.add(array(list(range(1000, 1000 + CAPACITY // 2))))
    assert fresh(memory, CAPACITY) == [False]
    memory.add(array(list(range(2000, 2000 + CAPACITY))))
    assert fresh(memory, 1, 2000) == [True, False]

"""Row hashes, duplicates and samples of unseen values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.errors import InputError
from detectors.profile import hash_columns
from detectors.profile.duplicates import SIZE, DuplicateSketch
from detectors.profile.unseen import SIZE as VALUES
from detectors.profile.unseen import ValueSample, restored


def share(rows: np.ndarray) -> float:
    sketch = DuplicateSketch()
    sketch.add(hash_columns([rows.astype(float)], []))
    return sketch.share(len(rows))


def test_equal_rows_hash_equally_whatever_their_zeros_and_nans() -> None:
    other_nan = np.array([0x7FF8000000000123], dtype=np.uint64).view(np.float64)[0]
    numbers = np.array([0.0, -0.0, np.nan, other_nan, 1.0])
    hashes = hash_columns([numbers], [np.zeros(5, dtype=np.int32)])
    assert hashes[0] == hashes[1]
    assert hashes[2] == hashes[3]
    assert len(set(hashes.tolist())) == 3


def test_hashes_know_the_order_of_columns_and_of_rows() -> None:
    a, b = np.arange(100.0), np.arange(100.0)[::-1].copy()
    assert (hash_columns([a, b], []) != hash_columns([b, a], [])).all()
    whole = hash_columns([a, b], [])
    assert (hash_columns([a[10:], b[10:]], []) == whole[10:]).all()


def test_hashes_are_well_mixed() -> None:
    rng = np.random.default_rng(9)
    hashes = hash_columns([np.arange(1e5)], [rng.integers(-3, 5, 100_000).astype(np.int32)])
    assert len(np.unique(hashes)) == len(hashes)
    bits = np.unpackbits(hashes.view(np.uint8)).reshape(-1, 64).mean(axis=0)
    assert np.abs(bits - 0.5).max() < 0.01


def test_columns_are_needed_and_of_one_length() -> None:
    with pytest.raises(InputError, match="columns of one length"):
        hash_columns([], [])
    with pytest.raises(InputError, match=r"\[2, 3\]"):
        hash_columns([np.zeros(2)], [np.zeros(3, dtype=np.int32)])


def test_duplicates_are_exact_when_there_are_few_rows() -> None:
    assert share(np.array([1, 2, 2, 3, 3, 3])) == pytest.approx(0.5)
    assert share(np.arange(500)) == 0


@pytest.mark.parametrize("copies", [2, 3])
def test_duplicates_are_estimated_when_there_are_many(copies: int) -> None:
    rows = np.repeat(np.arange(40_000), copies)
    np.random.default_rng(10).shuffle(rows)
    assert share(rows) == pytest.approx(1 - 1 / copies, abs=0.05)


def test_one_row_with_very_many_copies_does_not_mislead() -> None:
    for value in range(40):
        rows = np.concatenate([np.arange(40_000) + 100, np.full(2_000, value)])
        assert share(rows) < 0.05 + 5 / SIZE**0.5


@given(st.lists(st.tuples(st.text(max_size=2), st.integers(1, 9)), max_size=150), st.integers(0))
def test_unseen_values_keep_exact_counts(pairs: list[tuple[str, int]], place: int) -> None:
    middle = place % (len(pairs) + 1)
    one, two, whole = ValueSample(), ValueSample(), ValueSample()
    one.add(pairs[:middle])
    two.add(pairs[middle:])
    whole.add(pairs)
    again = restored(one.counts())
    again.merge(two)
    two.merge(one)
    counts: dict[str, int] = {}
    for value, count in pairs:
        counts[value] = counts.get(value, 0) + count
    assert whole.counts() == two.counts() == again.counts()
    assert len(whole.counts()) == min(len(counts), VALUES)
    assert all(counts[value] == count for value, count in whole.counts().items())

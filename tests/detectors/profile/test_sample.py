"""A row sample is a function of the set of rows, and uniform (or as weighted) over them."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from detectors.errors import InputError
from detectors.inputs import Block
from detectors.profile import fit_frame
from detectors.profile.sample import Reservoir, Sample, capacity_for, priorities

FRAME = fit_frame({"x": np.arange(100.0)}, {"c": {"a": 5, "b": 5}}, [], {})


def block(values: np.ndarray) -> Block:
    n = len(values)
    return Block(
        rows=n,
        numeric=[values],
        numeric_wrong=np.zeros(1, np.int64),
        categorical=[np.zeros(n, np.int32)],
        unseen=[{}],
        presence_missing=np.empty(0, np.int64),
        presence_wrong=np.empty(0, np.int64),
        hashes=values.view(np.uint64),
    )


def filled(keys: np.ndarray, capacity: int, pieces: int = 1, **named: np.ndarray) -> Reservoir:
    reservoir = Reservoir(Sample.empty(FRAME), capacity)
    for part in np.array_split(np.arange(len(keys)), pieces):
        given_now = {name: values[part] for name, values in named.items()}
        rows = keys[part]
        reservoir.add(block(rows.astype(float)), rows, rows.astype(np.int64) % 7, **given_now)
    return reservoir


@given(
    st.lists(st.integers(0, 2**64 - 1), max_size=60),
    st.integers(1, 20),
    st.integers(1, 7),
    st.randoms(use_true_random=False),
)
def test_order_pieces_and_merging_do_not_matter(
    keys: list[int], capacity: int, pieces: int, random: Random
) -> None:
    once = filled(np.array(keys, np.uint64), capacity).sample()
    random.shuffle(keys)
    shuffled = np.array(keys, np.uint64)
    again = filled(shuffled, capacity, pieces).sample()
    left, right = filled(shuffled[::2], capacity), filled(shuffled[1::2], capacity)
    left.merge(right)
    for other in (again, left.sample()):
        assert other.rows == once.rows == len(keys)
        for name in ("keys", "hashes", "priority", "times", "numeric", "categorical"):
            np.testing.assert_array_equal(getattr(other, name), getattr(once, name))


def test_a_saved_reservoir_goes_on_as_if_nothing_had_happened() -> None:
    keys = np.random.default_rng(1).integers(0, 2**64, 500, dtype=np.uint64)
    whole = filled(keys, 50).sample()
    half = Reservoir.restore(filled(keys[:200], 50).state())
    half.merge(filled(keys[200:], 50))
    np.testing.assert_array_equal(half.sample().keys, whole.keys)
    assert half.sample().rows == 500


def test_every_row_is_kept_with_the_same_probability() -> None:
    rng = np.random.default_rng(2)
    kept = 0
    for _ in range(200):
        keys = rng.integers(0, 2**64, 100, dtype=np.uint64)
        kept += int(np.isin(keys[:10], filled(keys, 30).sample().keys).sum())
    assert binomtest(kept, 2000, 0.3).pvalue > 1e-3


def test_a_heavier_row_is_kept_more_readily() -> None:
    rng = np.random.default_rng(3)
    keys = rng.integers(0, 2**64, 20_000, dtype=np.uint64)
    weights = np.where(np.arange(20_000) < 10_000, 3.0, 1.0)
    kept = filled(keys, 1_000, weights=weights).sample()
    heavy = int(np.isin(kept.keys, keys[:10_000]).sum())
    # With few kept of many, the odds of one draw are the ratio of the weights.
    assert binomtest(heavy, 1_000, 0.75).pvalue > 1e-3


def test_priorities_are_exponential_and_in_the_order_of_keys() -> None:
    keys = np.array([0, 2**63, 2**64 - 1], np.uint64)
    drawn = priorities(keys)
    assert drawn[0] == 0
    assert drawn[1] == pytest.approx(np.log(2))
    assert np.isfinite(drawn[2])
    assert (np.diff(drawn) > 0).all()


def test_vectors_that_are_absent_are_missing() -> None:
    reservoir = Reservoir(Sample.empty(FRAME, {"e": 3}), 5)
    keys = np.array([5, 6], np.uint64)
    reservoir.add(block(np.ones(2)), keys, np.zeros(2, np.int64))
    assert np.isnan(reservoir.sample().vectors["e"]).all()
    assert reservoir.sample().vectors["e"].shape == (2, 3)


def test_lengths_must_agree() -> None:
    with pytest.raises(InputError, match="2 rows, 1 keys, 2 times"):
        Reservoir(Sample.empty(FRAME), 5).add(
            block(np.ones(2)), np.ones(1, np.uint64), np.zeros(2, np.int64)
        )


def test_wide_streams_keep_fewer_rows() -> None:
    assert capacity_for(FRAME) == 5_000
    assert capacity_for(FRAME, 998) == 500

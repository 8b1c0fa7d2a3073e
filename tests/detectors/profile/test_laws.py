"""Laws of profiles: how rows are cut, ordered, merged or stored never shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.errors import InputError, StateError
from detectors.inputs import Block
from detectors.profile import Frame, Profile
from tests.strategies import blocks, frames, profile_of


def same(one: Any, other: Any) -> bool:
    """Whether two states are equal bit for bit, types of counts aside."""
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    return bool(one == other)


def cut(block: Block, middle: int) -> tuple[Block, Block]:
    """Both parts of a block; what is only known as a count goes to the first."""
    return part(block, 0, middle, first=True), part(block, middle, block.rows, first=False)


def part(block: Block, start: int, stop: int, *, first: bool) -> Block:
    """Rows `start` to `stop` of a block."""
    return Block(
        rows=stop - start,
        numeric=[values[start:stop] for values in block.numeric],
        numeric_wrong=block.numeric_wrong * first,
        categorical=[codes[start:stop] for codes in block.categorical],
        unseen=block.unseen if first else [{}] * len(block.unseen),
        presence_missing=block.presence_missing * first,
        presence_wrong=block.presence_wrong * first,
        hashes=block.hashes[start:stop],
    )


@given(st.data())
def test_merging_is_associative_and_commutative(data: st.DataObject) -> None:
    frame = data.draw(frames())
    a, b, c = (profile_of(frame, data.draw(blocks(frame))) for _ in range(3))
    left, right = Profile.restore(frame, a.state()), Profile.restore(frame, c.state())
    left.merge(b)
    left.merge(c)
    right.merge(Profile.restore(frame, b.state()))
    right.merge(a)
    assert same(left.state(), right.state())


@given(st.data())
def test_splitting_rows_anyhow_equals_adding_them_at_once(data: st.DataObject) -> None:
    frame = data.draw(frames())
    block = data.draw(blocks(frame))
    parts = cut(block, data.draw(st.integers(0, block.rows)))
    assert same(profile_of(frame, *parts).state(), profile_of(frame, block).state())


@given(st.data())
def test_a_restored_profile_continues_identically(data: st.DataObject) -> None:
    frame = data.draw(frames())
    first, second = data.draw(blocks(frame)), data.draw(blocks(frame))
    again = Frame.restore(frame.state())
    restored = Profile.restore(again, profile_of(frame, first).state())
    restored.add(second)
    assert same(restored.state(), profile_of(frame, first, second).state())


@given(st.data())
def test_every_value_is_counted_once(data: st.DataObject) -> None:
    frame = data.draw(frames())
    profile = profile_of(frame, data.draw(blocks(frame)))
    numeric, categorical = profile.numeric, profile.categorical
    counted = numeric.valid() + numeric.infinite + numeric.missing + numeric.wrong
    assert (counted == profile.rows).all()
    counted = categorical.valid() + categorical.missing + categorical.wrong
    assert (counted == profile.rows).all()


@given(frames())
def test_a_frame_restores_to_an_equal_frame(frame: Frame) -> None:
    again = Frame.restore(frame.state())
    assert again.fingerprint == frame.fingerprint
    assert again.columns == frame.columns


@given(frames(), frames())
def test_profiles_on_different_frames_do_not_merge(one: Frame, other: Frame) -> None:
    if one.fingerprint == other.fingerprint:
        Profile(one).merge(Profile(other))
    else:
        with pytest.raises(InputError, match="different frames"):
            Profile(one).merge(Profile(other))


def test_states_of_other_formats_and_frames_are_refused() -> None:
    empty, other = Frame.restore(_empty(("a",))), Frame.restore(_empty(("b",)))
    state = Profile(empty).state()
    with pytest.raises(StateError, match="another frame"):
        Profile.restore(other, state)
    with pytest.raises(StateError, match="format 9"):
        Profile.restore(empty, {**state, "format": 9})
    with pytest.raises(StateError, match="format None"):
        Frame.restore({})
    with pytest.raises(StateError, match="lacks 'cells'"):
        Frame.restore({"format": 1})


def _empty(presence: tuple[str, ...]) -> dict[str, Any]:
    none: list[float] = []
    arrays = ("center", "width", "range_low", "range_high", "edge_columns", "edge_values")
    return {
        "format": 1,
        "numeric_names": [],
        "cells": 16,
        **dict.fromkeys(arrays, none),
        "categorical_names": [],
        "vocabularies": [],
        "complete": [],
        "presence_names": presence,
    }

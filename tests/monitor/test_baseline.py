"""A baseline is its bytes: named by them, restored from them, refused when they are damaged."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.baseline import MAGIC, Baseline, is_baseline
from monitor.errors import InputError, StorageError
from monitor.packing import compress, decompress, pack, unpack
from tests.monitor.drivers.setting import PER_WINDOW, START, WINDOWS, learned

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def content() -> Any:
    """The plain data in the file; a new copy each time."""
    return unpack(decompress(learned().to_bytes().removeprefix(MAGIC)))


def written(state: Any) -> bytes:
    return MAGIC + compress(pack(state))


def test_from_bytes_is_the_inverse_of_to_bytes() -> None:
    baseline = learned()
    found = Baseline.from_bytes(baseline.to_bytes())
    assert found.to_bytes() == baseline.to_bytes()
    assert (found.id, found.model, found.rows) == (baseline.id, "shop", WINDOWS * PER_WINDOW)
    assert (found.columns, found.window) == (baseline.columns, baseline.window)
    assert (found.start, found.end) == (baseline.start, baseline.end)
    assert found.start == START
    assert list(found.segments) == ["", "region=north", "region=south"]


def test_every_part_of_a_segment_comes_back() -> None:
    for name, part in learned().segments.items():
        found = Baseline.from_bytes(learned().to_bytes()).segments[name]
        assert pack(found.state()) == pack(part.state())
        np.testing.assert_array_equal(found.history.series, part.history.series)


def test_the_id_is_the_hash_of_the_content() -> None:
    data = decompress(learned().to_bytes().removeprefix(MAGIC))
    assert learned().id == hashlib.sha256(data).hexdigest()
    assert replace(learned(), id="").named() == learned()


def test_another_content_has_another_id() -> None:
    assert replace(learned(), model="other").named().id != learned().id
    assert replace(learned(), end=learned().end + 1).named().id != learned().id


def test_the_id_does_not_depend_on_how_the_content_was_compressed() -> None:
    state = decompress(learned().to_bytes().removeprefix(MAGIC))
    again = Baseline.from_bytes(MAGIC + compress(state))
    assert again.id == learned().id


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not a driftd baseline"),
        (b"PAR1", "not a driftd baseline"),
        (MAGIC, "damaged"),
        (MAGIC + b"x" * 100, "damaged"),
        (b"DRIFTDB0" + b"x" * 100, "another version"),
        (written([]), "damaged"),
        (written(None), "damaged"),
        (written(3), "damaged"),
        (written({}), "damaged"),
    ],
)
def test_what_is_no_baseline_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(StorageError, match=said):
        Baseline.from_bytes(data)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_a_cut_file_is_refused(length: int) -> None:
    whole = learned().to_bytes()
    with pytest.raises(StorageError, match=r"damaged|not a driftd"):
        Baseline.from_bytes(whole[: length % len(whole)])


def drop(*keys: str) -> Callable[[Any], None]:
    def damage(state: Any) -> None:
        for key in keys[:-1]:
            state = state[key]
        del state[keys[-1]]

    return damage


def put(value: Any, *keys: str) -> Callable[[Any], None]:
    def damage(state: Any) -> None:
        for key in keys[:-1]:
            state = state[key]
        state[keys[-1]] = value

    return damage


NO_ROWS = np.empty(0)


@pytest.mark.parametrize(
    "damage",
    [
        *(drop(key) for key in ("model", "columns", "window", "frame", "segments", "start")),
        drop("segments", ""),
        drop("segments", "", "profile"),
        drop("segments", "", "bank"),
        drop("segments", "", "season"),
        drop("segments", "", "calibration"),
        put(None, "segments", "", "profile"),
        put(7, "frame"),
        put(7, "segments"),
        put([7], "segments"),
        put("x", "segments", "", "bank"),
        put([], "segments", "", "calibration"),
        put({"every": 1, "hours": 3}, "window"),
        put([{"name": "x"}], "columns"),
        put([7], "columns"),
        put(7, "columns"),
    ],
)
def test_missing_and_wrong_parts_are_a_storage_error(damage: Callable[[Any], None]) -> None:
    state = content()
    damage(state)
    with pytest.raises(StorageError, match="damaged"):
        Baseline.from_bytes(written(state))


def test_arrays_of_another_shape_are_a_storage_error() -> None:
    state = content()
    profile = state["segments"][""]["profile"]
    names = [name for name, value in profile.items() if isinstance(value, np.ndarray)]
    for name in names:
        damaged = content()
        damaged["segments"][""]["profile"][name] = np.zeros((1, 2, 3))
        with pytest.raises(StorageError, match="damaged"):
            Baseline.from_bytes(written(damaged))


def test_a_baseline_is_told_from_rows_by_its_first_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x.ndjson"
    path.write_bytes(learned().to_bytes())
    assert is_baseline(path)
    path.write_bytes(b"{}")
    assert not is_baseline(path)
    with pytest.raises(InputError, match="cannot be read"):
        is_baseline(tmp_path / "absent")

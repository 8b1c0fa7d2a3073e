"""Plain data survives as it is, and bytes that `pack` did not write are refused."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from monitor.errors import StorageError
from monitor.packing import compress, decompress, pack, unpack

ARRAYS = hnp.arrays(
    st.sampled_from(["f8", ">f8", "f4", "i8", "u8", "i4", "i1", "?"]),
    hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text()
DATA = st.recursive(
    SCALARS | st.binary(max_size=20) | ARRAYS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def assert_same(left: Any, right: Any) -> None:
    """Equal in type and value; NaN equals NaN."""
    if isinstance(left, np.ndarray):
        assert isinstance(right, np.ndarray)
        assert left.dtype.newbyteorder("<") == right.dtype.newbyteorder("<")
        np.testing.assert_array_equal(left, right)
    elif isinstance(left, dict):
        assert list(left) == list(right)
        for key, value in left.items():
            assert_same(value, right[key])
    elif isinstance(left, list):
        assert len(left) == len(right)
        for one, other in zip(left, right, strict=True):
            assert_same(one, other)
    else:
        assert type(left) is type(right)
        assert left == right or left != left  # noqa: PLR0124 - NaN


@given(data=DATA)
def test_what_is_packed_comes_back(data: Any) -> None:
    assert_same(data, unpack(decompress(compress(pack(data)))))


@given(data=DATA)
def test_equal_data_give_equal_bytes(data: Any) -> None:
    assert pack(data) == pack(unpack(pack(data)))


def test_tuples_come_back_as_lists_and_numpy_scalars_as_numbers() -> None:
    data = {"t": (1, (2,)), "i": np.int64(3), "f": np.float64(0.5), "b": np.bool_(1)}
    assert unpack(pack(data)) == {"t": [1, [2]], "i": 3, "f": 0.5, "b": True}


def test_strided_and_big_endian_arrays_are_stored_in_order() -> None:
    array = np.arange(12, dtype=">i4").reshape(3, 4).T[::2]
    found = unpack(pack(array))
    np.testing.assert_array_equal(found, array)
    assert found.dtype == np.dtype("<i4")
    assert not found.flags.writeable


@pytest.mark.parametrize("value", [object(), np.array([object()]), np.array(["a"]), {1, 2j}])
def test_anything_else_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match=r"cannot store|not supported|unsupported"):
        pack({"value": value})


def extension(code: int, content: Any) -> bytes:
    return msgspec.msgpack.encode(msgspec.msgpack.Ext(code, msgspec.msgpack.encode(content)))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        pack([1, 2]) + b"x",
        pack({"a": np.arange(3)})[:-1],
        extension(2, []),
        extension(1, ["<f8", [2], b"\0" * 8]),
        extension(1, ["<f8", [-1, -1], b"\0" * 8]),
        extension(1, ["<f8", [1], b"\0" * 7]),
        extension(1, ["|O", [1], b"\0" * 8]),
        extension(1, ["O", [1], b"\0" * 8]),
        extension(1, ["no such type", [1], b"\0" * 8]),
        extension(1, ["f8,f8", [1], b"\0" * 16]),
        extension(1, ["<f8", "shape", b"\0" * 8]),
        extension(1, 3),
    ],
)
def test_damage_is_a_storage_error(data: bytes) -> None:
    with pytest.raises(StorageError, match="stored data are damaged"):
        unpack(data)


@given(data=st.binary(max_size=60))
def test_random_bytes_never_raise_anything_else(data: bytes) -> None:
    for read in (unpack, decompress):
        try:
            read(data)
        except StorageError as error:
            assert "damaged" in str(error)  # noqa: PT017 - that none is raised is fine too


@given(data=DATA, place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_flipped_bit_is_another_value_or_a_storage_error(data: Any, place: int, bit: int) -> None:
    stored = bytearray(pack(data))
    stored[place % len(stored)] ^= 1 << bit
    try:
        unpack(bytes(stored))
    except StorageError:
        return


def test_a_frame_over_the_limit_is_refused_before_it_is_inflated() -> None:
    bomb = compress(b"\0" * 100_000)
    assert len(bomb) < 200
    assert decompress(bomb, 100_000) == b"\0" * 100_000
    with pytest.raises(StorageError, match="100000 bytes announced, at most 99999 allowed"):
        decompress(bomb, 99_999)


@pytest.mark.parametrize("data", [b"", b"DRIFT", compress(b"x" * 100)[:-5], compress(b"abc")[1:]])
def test_a_damaged_frame_is_a_storage_error(data: bytes) -> None:
    with pytest.raises(StorageError, match="stored data are damaged"):
        decompress(data)

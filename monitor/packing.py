"""Plain data with arrays, to bytes and back: baselines, engine state, profiles.

msgpack with one extension type for numpy arrays (dtype, shape, little-endian bytes), then zstd.
Nothing in the bytes can name code, so reading them never runs any (DESIGN.md, P11). Equal data
gives equal bytes: dictionaries keep the order in which they were built.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import zstandard

from monitor.errors import StorageError

_ARRAY = 1
_KINDS = frozenset("biuf")
MAX_BYTES = 1 << 31


def pack(data: Any) -> bytes:
    """Bytes of `data`: dicts, lists, tuples, str, bytes, numbers, None and numeric arrays."""
    return msgspec.msgpack.encode(data, enc_hook=_encode)


def unpack(data: bytes) -> Any:
    """Inverse of `pack`; tuples come back as lists, arrays as read-only arrays.

    Raises
    ------
    StorageError
        The bytes are not what `pack` wrote.
    """
    try:
        return msgspec.msgpack.decode(data, ext_hook=_decode)
    except (msgspec.DecodeError, ValueError, TypeError) as error:
        msg = f"stored data are damaged: {error}"
        raise StorageError(msg) from error


def compress(data: bytes) -> bytes:
    """`data` as one zstd frame that records its size."""
    return zstandard.ZstdCompressor(level=3).compress(data)


def decompress(data: bytes, limit: int = MAX_BYTES) -> bytes:
    """Inverse of `compress`; refuses a frame that says it holds more than `limit` bytes."""
    try:
        size = zstandard.frame_content_size(data)
        if not 0 <= size <= limit:
            msg = f"stored data are damaged: {size} bytes announced, at most {limit} allowed"
            raise StorageError(msg)
        return zstandard.ZstdDecompressor().decompress(data, max_output_size=limit)
    except zstandard.ZstdError as error:
        msg = f"stored data are damaged: {error}"
        raise StorageError(msg) from error


def _encode(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.dtype.kind in _KINDS:
        array = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("<"))
        head = (array.dtype.str, list(value.shape), array.tobytes())
        return msgspec.msgpack.Ext(_ARRAY, msgspec.msgpack.encode(head))
    if isinstance(value, np.generic):
        return value.item()
    msg = f"cannot store a {type(value).__name__}"
    raise TypeError(msg)


def _decode(code: int, data: memoryview) -> Any:
    if code != _ARRAY:
        msg = f"unknown extension {code}"
        raise ValueError(msg)
    dtype, shape, raw = msgspec.msgpack.decode(data, type=tuple[str, list[int], bytes])
    kind = np.dtype(dtype)
    if kind.kind not in _KINDS:
        msg = f"array of {dtype} is not plain data"
        raise ValueError(msg)
    return np.frombuffer(raw, dtype=kind).reshape(shape)

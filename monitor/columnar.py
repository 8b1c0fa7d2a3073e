"""Columns from values, batches cut by row, and the block format of the journal.

Everything between a decoder and the archive that touches whole columns lives here, so that no
other room loops over rows. A *block* is what the journal stores for one delivery:

    b"DRB" + version byte + zstd frame(msgpack envelope)

The envelope carries float64, int32 and int8 buffers raw and little-endian, texts as a vocabulary
list, mixed values as msgpack lists. Columns are written in sorted order, so equal batches make
equal bytes whatever the order of their mappings. Payload line numbers are not stored.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain
from operator import itemgetter
from struct import pack
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec
import numpy as np
import zstandard

from monitor.errors import StorageError
from monitor.record import Booleans, Column, LabelBatch, Mixed, Numbers, RecordBatch, Texts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from monitor.record import Scalar

    Value: TypeAlias = "Scalar | list[Any]"
    Rows: TypeAlias = "NDArray[np.bool_] | NDArray[np.integer[Any]]"

MAX_BLOCK_BYTES: Final = 1 << 28
"""How large a decompressed block may be unless the caller says otherwise (256 MiB)."""

_MAGIC: Final = b"DRB"
_VERSION: Final = 1
_HEADER: Final = _MAGIC + bytes([_VERSION])
_LEVEL: Final = -1
"""Doubles hardly compress: level 1 saves 2 to 6 % more and takes twice the time, both ways."""
_NULL: Final = type(None)
_NUMERIC: Final = frozenset({int, float})
_TEXT: Final = frozenset({str})
_BOOLEAN: Final = frozenset({bool})


def column_of(values: Sequence[Value]) -> Column:
    """Make a column from one value per row; the narrowest kind that holds all of them.

    Parameters
    ----------
    values : Sequence
        JSON values; `None` is missing.

    Returns
    -------
    Column
        `Numbers` when every present value is an int or float (ints beyond 2**53 round to the
        nearest double, as JSON readers do), `Texts` for str, `Booleans` for bool, else `Mixed`
        with the values untouched. No value present (or none at all): `Numbers` of NaN.

    Raises
    ------
    OverflowError
        An int is beyond the range of a double; decoders reject those first.
    """
    kinds = set(map(type, values))
    missing = _NULL in kinds
    kinds.discard(_NULL)
    if kinds <= _NUMERIC:
        return Numbers(_doubles(values, missing=missing))
    if kinds == _TEXT:
        return _texts(values)
    if kinds == _BOOLEAN:
        signed = [-1 if value is None else value for value in values] if missing else values
        return Booleans(np.array(signed, dtype=np.int8))
    return Mixed(tuple(values))


def _doubles(values: Sequence[Any], *, missing: bool) -> NDArray[np.float64]:
    if missing:
        return np.array(values, dtype=np.float64)
    # struct converts a thousand floats four times faster than numpy does.
    return np.frombuffer(bytearray(pack(f"{len(values)}d", *values)), dtype=np.float64)


def _texts(values: Sequence[Any]) -> Texts:
    codes: dict[str | None, int] = {}
    for value in dict.fromkeys(values):
        if value is not None:
            codes[value] = len(codes)
    vocabulary: tuple[Any, ...] = tuple(codes)
    codes[None] = -1
    return Texts(np.fromiter(map(codes.__getitem__, values), np.int32, len(values)), vocabulary)


def columns_of(rows: Sequence[Mapping[str, Value]]) -> dict[str, Column]:
    """Turn rows into columns: the union of the keys in order of first appearance.

    A key that a row lacks is missing in that row. Rows that share one set of keys (the usual
    case: one service wrote them) take a fast path of about 2.5 ms for 1,000 rows of 60 keys.
    """
    if not rows:
        return {}
    names = list(rows[0])
    series = _aligned(rows, names)
    if series is None:
        names = list(dict.fromkeys(chain.from_iterable(rows)))
        series = [[row.get(name) for row in rows] for name in names]
    return {name: column_of(values) for name, values in zip(names, series, strict=True)}


def _aligned(rows: Sequence[Mapping[str, Value]], names: list[str]) -> list[Sequence[Value]] | None:
    """Transpose rows that all have exactly the keys `names` (in any order), else None."""
    if set(map(len, rows)) != {len(names)}:
        return None
    if not names:
        return []
    pick = itemgetter(*names)
    try:
        picked = list(map(pick, rows))
    except KeyError:
        return None
    return [picked] if len(names) == 1 else list(zip(*picked, strict=True))


def values_of(column: Column) -> list[Any]:
    """Give the column back as one Python value per row, `None` where missing."""
    if isinstance(column, Numbers):
        return [None if value != value else value for value in column.values.tolist()]  # noqa: PLR0124 - NaN is the only value unequal to itself
    if isinstance(column, Texts):
        vocabulary = (*column.vocabulary, None)
        return [vocabulary[code] for code in column.codes.tolist()]
    if isinstance(column, Booleans):
        return [None if value < 0 else value == 1 for value in column.values.tolist()]
    return list(column.values)


def rows_in(column: Column) -> int:
    """Count the rows of a column."""
    return len(column.codes if isinstance(column, Texts) else column.values)


def take_column(column: Column, rows: Rows) -> Column:
    """Select rows by boolean mask or index array; a vocabulary keeps only what is still used."""
    if isinstance(column, Numbers):
        return Numbers(column.values[rows])
    if isinstance(column, Texts):
        return _compact(column.codes[rows], column.vocabulary)
    if isinstance(column, Booleans):
        return Booleans(column.values[rows])
    return Mixed(tuple(column.values[row] for row in _index(rows).tolist()))


def _compact(codes: NDArray[np.int32], vocabulary: Sequence[str]) -> Texts:
    """Drop unused words and renumber in order of first appearance, as `Texts` promises."""
    first = np.full(len(vocabulary) + 1, len(codes))
    # Assigned back to front, so the first row of each word writes last; -1 lands in the extra slot.
    first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
    first = first[:-1]
    order = np.argsort(first, kind="stable")[: np.count_nonzero(first < len(codes))]
    renumber = np.full(len(vocabulary) + 1, -1, dtype=np.int32)
    renumber[order] = np.arange(len(order), dtype=np.int32)
    return Texts(renumber[codes], tuple(vocabulary[word] for word in order.tolist()))


def _index(rows: Rows) -> NDArray[Any]:
    return np.flatnonzero(rows) if rows.dtype == np.bool_ else rows


def _take_columns(columns: Mapping[str, Column], rows: Rows) -> dict[str, Column]:
    return {name: take_column(column, rows) for name, column in columns.items()}


def take(batch: RecordBatch, rows: Rows) -> RecordBatch:
    """Select rows of a batch by boolean mask `(n,)` or index array, in the order given.

    A column stays even when none of the selected rows has a value in it.
    """
    ids = batch.ids
    return replace(
        batch,
        ids=tuple(ids[row] for row in _index(rows).tolist()),
        times=batch.times[rows],
        columns=_take_columns(batch.columns, rows),
        segments=_take_columns(batch.segments, rows),
        lines=None if batch.lines is None else batch.lines[rows],
    )


def take_labels(batch: LabelBatch, rows: Rows) -> LabelBatch:
    """Select rows of a label batch by boolean mask `(n,)` or index array."""
    ids = batch.ids
    return replace(
        batch,
        ids=tuple(ids[row] for row in _index(rows).tolist()),
        times=batch.times[rows],
        labels=take_column(batch.labels, rows),
        lines=None if batch.lines is None else batch.lines[rows],
    )


# The block format.


class _Numbers(msgspec.Struct, array_like=True, tag="f8"):
    values: bytes


class _Texts(msgspec.Struct, array_like=True, tag="i4"):
    codes: bytes
    vocabulary: tuple[str, ...]


class _Booleans(msgspec.Struct, array_like=True, tag="i1"):
    values: bytes


class _Mixed(msgspec.Struct, array_like=True, tag="any"):
    values: tuple[Any, ...]


_Packed: TypeAlias = _Numbers | _Texts | _Booleans | _Mixed


class _Records(msgspec.Struct, array_like=True):
    model: str
    version: str
    ids: tuple[str, ...]
    times: bytes
    columns: dict[str, _Packed]
    segments: dict[str, _Packed]


class _Labels(msgspec.Struct, array_like=True):
    model: str
    ids: tuple[str, ...]
    times: bytes
    labels: _Packed


class _Block(msgspec.Struct, array_like=True):
    records: list[_Records]
    labels: list[_Labels]


_ENCODER: Final = msgspec.msgpack.Encoder(order="deterministic")
_DECODER: Final = msgspec.msgpack.Decoder(_Block)


def encode_block(records: Sequence[RecordBatch], labels: Sequence[LabelBatch] = ()) -> bytes:
    """Encode batches as one block; equal batches give equal bytes, `lines` are left out.

    Raises
    ------
    StorageError
        A text is not valid Unicode (a lone surrogate) or an int is beyond 64 bits; decoders reject
        both first.
    """
    block = _Block(
        [
            _Records(
                batch.model,
                batch.version,
                batch.ids,
                _raw(batch.times, "<i8"),
                {name: _pack(column) for name, column in batch.columns.items()},
                {name: _pack(column) for name, column in batch.segments.items()},
            )
            for batch in records
        ],
        [
            _Labels(batch.model, batch.ids, _raw(batch.times, "<i8"), _pack(batch.labels))
            for batch in labels
        ],
    )
    try:
        envelope = _ENCODER.encode(block)
    except (UnicodeEncodeError, OverflowError) as error:
        raise StorageError(f"a value does not fit into a block: {error}") from error
    # The checksum makes every flipped bit an error instead of another number.
    return _HEADER + zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True).compress(envelope)


def decode_block(
    block: bytes, *, max_bytes: int = MAX_BLOCK_BYTES
) -> tuple[list[RecordBatch], list[LabelBatch]]:
    """Decode what `encode_block` made; arrays are read-only views of one buffer each.

    Raises
    ------
    StorageError
        Not a block, another version, larger than `max_bytes` once decompressed, or damaged.
    """
    if block[: len(_MAGIC)] != _MAGIC:
        raise StorageError("this is not a block of driftd's journal")
    if block[: len(_HEADER)] != _HEADER:
        raise StorageError(f"block version {block[3:4].hex() or 'missing'} is not known here")
    try:
        envelope = _DECODER.decode(_inflate(block[len(_HEADER) :], max_bytes))
        records = [_unpack_records(packed) for packed in envelope.records]
        labels = [_unpack_labels(packed) for packed in envelope.labels]
    except (zstandard.ZstdError, msgspec.MsgspecError, ValueError) as error:
        raise StorageError(f"the block is damaged: {error}") from error
    return records, labels


def _inflate(frame: bytes, max_bytes: int) -> bytes:
    size = zstandard.frame_content_size(frame)
    if size < 0:
        raise ValueError("its frame does not say how large it is")
    if size > max_bytes:
        raise StorageError(f"the block holds {size} bytes, more than the {max_bytes} allowed")
    return zstandard.ZstdDecompressor().decompress(frame, allow_extra_data=False)


def _raw(array: NDArray[Any], dtype: str) -> bytes:
    return array.astype(dtype, copy=False).tobytes()


def _array(raw: bytes, dtype: str, rows: int) -> NDArray[Any]:
    array = np.frombuffer(raw, dtype=dtype)
    if len(array) != rows:
        raise ValueError(f"a column has {len(array)} rows where {rows} belong")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _pack(column: Column) -> _Packed:
    if isinstance(column, Numbers):
        return _Numbers(_raw(column.values, "<f8"))
    if isinstance(column, Texts):
        return _Texts(_raw(column.codes, "<i4"), column.vocabulary)
    if isinstance(column, Booleans):
        return _Booleans(_raw(column.values, "i1"))
    return _Mixed(column.values)


def _unpack(packed: _Packed, rows: int) -> Column:
    if isinstance(packed, _Numbers):
        return Numbers(_array(packed.values, "<f8", rows))
    if isinstance(packed, _Texts):
        codes = _array(packed.codes, "<i4", rows)
        _require_within(codes, len(packed.vocabulary))
        return Texts(codes, packed.vocabulary)
    if isinstance(packed, _Booleans):
        flags = _array(packed.values, "i1", rows)
        _require_within(flags, 2)
        return Booleans(flags)
    if len(packed.values) != rows:
        raise ValueError(f"a column has {len(packed.values)} rows where {rows} belong")
    return Mixed(packed.values)


def _require_within(codes: NDArray[Any], size: int) -> None:
    if len(codes) and (codes.min() < -1 or codes.max() >= size):
        raise ValueError("a code points outside its vocabulary")


def _unpack_records(packed: _Records) -> RecordBatch:
    rows = len(packed.ids)
    return RecordBatch(
        packed.model,
        packed.version,
        packed.ids,
        _array(packed.times, "<i8", rows),
        {name: _unpack(column, rows) for name, column in packed.columns.items()},
        {name: _unpack(column, rows) for name, column in packed.segments.items()},
    )


def _unpack_labels(packed: _Labels) -> LabelBatch:
    rows = len(packed.ids)
    times = _array(packed.times, "<i8", rows)
    return LabelBatch(packed.model, packed.ids, times, _unpack(packed.labels, rows))

"""An Arrow table as a `Table`: columns become driftd columns without a Python loop over rows.

pyarrow is an optional dependency (`pip install 'driftd[parquet]'`) and imported on first use.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from monitor.columnar import take_column
from monitor.decoders.arrowbounds import stream_size
from monitor.decoders.assembly import problem
from monitor.decoders.base import Fault
from monitor.decoders.tabletimes import MISSING_TIME, Instants
from monitor.errors import InputError
from monitor.record import Booleans, Column, Decoded, Mixed, Numbers, Reason, Texts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

Scalar = TypeVar("Scalar", np.float64, np.int64, np.int8)

MAX_ROWS: Final = 1 << 20
"""Rows in one stream; more are refused, for a column of type null costs nothing to send."""

MAX_UNPACKED: Final = 1 << 28
"""Bytes of all buffers of one stream after decompression (256 MiB)."""

_MICROS_PER: Final = {"day": 86_400_000_000, "s": 1_000_000, "ms": 1_000, "us": 1}
_FARTHEST: Final = 2**62


def require_pyarrow() -> Any:
    """Import pyarrow.

    Raises
    ------
    InputError
        It is not installed; the message says what to install.
    """
    try:
        import pyarrow as pa  # noqa: PLC0415 - optional, and 50 MB when loaded
    except ImportError as error:
        raise InputError("Arrow and Parquet need pyarrow: pip install 'driftd[parquet]'") from error
    return pa


def open_stream(payload: bytes) -> Any | Fault:
    """Read an Arrow IPC stream from untrusted bytes into a fully validated `pyarrow.Table`."""
    pa = require_pyarrow()
    try:
        size = stream_size(pa, payload)
        if size.rows > MAX_ROWS or size.unpacked > MAX_UNPACKED:
            detail = f"the stream holds {size.rows} rows and {size.unpacked} bytes unpacked"
            return Fault(
                Reason.RECORD_TOO_LARGE, f"{detail}, more than {MAX_ROWS} or {MAX_UNPACKED}"
            )
        table = pa.ipc.open_stream(payload).read_all()
        # Offsets and dictionary indices are not checked on reading; wrong ones would crash later.
        table.validate(full=True)
    except (pa.ArrowException, OSError, UnicodeDecodeError, struct.error) as error:
        return Fault(Reason.SCHEMA, f"not a readable Arrow stream: {error}")
    return table


def open_parquet(payload: bytes) -> Any | Fault:
    """Read a Parquet file from untrusted bytes into a fully validated `pyarrow.Table`."""
    pa = require_pyarrow()
    from pyarrow import parquet  # noqa: PLC0415 - as in require_pyarrow

    try:
        file = parquet.ParquetFile(pa.BufferReader(payload))
        if file.metadata.num_rows > MAX_ROWS:
            detail = f"the file holds {file.metadata.num_rows} rows, more than {MAX_ROWS}"
            return Fault(Reason.RECORD_TOO_LARGE, detail)
        table = file.read()
        table.validate(full=True)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        return Fault(Reason.SCHEMA, f"not a readable Parquet file: {error}")
    return table


def decode_table(opened: Any | Fault, read: Callable[[ArrowTable], Decoded]) -> Decoded:
    """Decode an opened table; one problem if there is none or a column cannot be converted."""
    if isinstance(opened, Fault):
        return Decoded(problems=[problem(1, opened)])
    try:
        return read(ArrowTable(opened))
    except (InputError, UnicodeDecodeError, require_pyarrow().ArrowException) as error:
        return Decoded(problems=[problem(1, Fault(Reason.SCHEMA, str(error)))])


class ArrowTable:
    """A view of a `pyarrow.Table`; structs are spread into `<struct>.<member>` columns.

    Raises
    ------
    InputError
        A column has a type that no JSON value corresponds to (binary, maps, unions).
    """

    def __init__(self, table: Any) -> None:
        self._pa = require_pyarrow()
        while any(self._pa.types.is_struct(field.type) for field in table.schema):
            table = table.flatten()
        self._table = table

    @property
    def names(self) -> Sequence[str]:
        """Names of the columns, structs spread."""
        names: list[str] = self._table.column_names
        return names

    @property
    def lines(self) -> NDArray[np.int64]:
        """Row numbers from 1."""
        return np.arange(1, self._table.num_rows + 1, dtype=np.int64)

    def column(self, name: str) -> Column:
        """Values of a column; timestamps and dates as texts."""
        return _column(self._pa, self._array(name), name)

    def words(self, name: str) -> Texts:
        """Values of a column spelled as texts, each different one once."""
        return _texts(self._pa, self._array(name), name)

    def texts(self, name: str) -> list[str | None]:
        """Values of a column spelled exactly: integers do not pass through doubles."""
        array = self._array(name)
        if self._pa.types.is_dictionary(array.type):
            words = [*_spelled(self._pa, array.dictionary, name).to_pylist(), None]
            return [words[at] for at in _indices(self._pa, array).tolist()]
        texts: list[str | None] = _spelled(self._pa, array, name).to_pylist()
        return texts

    def instants(self, name: str) -> Instants | Column:
        """Timestamps and dates as instants, anything else as values."""
        pa, array = self._pa, self._array(name)
        if not (pa.types.is_timestamp(array.type) or pa.types.is_date(array.type)):
            return self.column(name)
        aware = pa.types.is_timestamp(array.type) and array.type.tz is not None
        return Instants(_micros(pa, array), aware)

    def payload(self, row: int) -> bytes:  # noqa: ARG002 - a row of a table has no bytes of its own
        """Nothing: a row of an Arrow table has no bytes of its own."""
        return b""

    def _array(self, name: str) -> Any:
        return self._table.column(name).combine_chunks()


def _column(pa: Any, array: Any, name: str) -> Column:
    kinds, kind = pa.types, array.type
    if kinds.is_dictionary(kind):
        # Never decoded: a small index into large words could fill the memory.
        return _gathered(_column(pa, array.dictionary, name), _indices(pa, array))
    if kinds.is_boolean(kind):
        return Booleans(_plain(array.cast(pa.int8()), np.int8, np.int8(-1)))
    if kinds.is_decimal(kind) or kinds.is_null(kind):
        array = array.cast(pa.float64())
    elif kinds.is_duration(kind):
        array = array.cast(pa.int64())
    elif kinds.is_list(kind) or kinds.is_large_list(kind) or kinds.is_fixed_size_list(kind):
        _require_plain(kinds, kind.value_type, name)
        return Mixed(tuple(array.to_pylist()))
    elif not (kinds.is_integer(kind) or kinds.is_floating(kind)):
        return _texts(pa, array, name)
    return Numbers(_doubles(pa, array))


def _doubles(pa: Any, array: Any) -> NDArray[np.float64]:
    """Numbers as doubles, null as NaN; what no double holds exactly is rounded, not refused."""
    return _plain(array.cast(pa.float64(), safe=False), np.float64, np.float64(np.nan))


def _plain(array: Any, kind: type[Scalar], missing: Scalar) -> NDArray[Scalar]:
    """Values of a primitive array, nulls replaced; pyarrow's own ways import pandas."""
    count = array.offset + len(array)
    buffer = array.buffers()[1]
    if buffer is None or not count:
        return np.empty(0, dtype=kind)
    values = np.frombuffer(buffer, dtype=kind, count=count)[array.offset :].copy()
    if array.null_count:
        values[_nulls(array)] = missing
    return values


def _nulls(array: Any) -> NDArray[np.bool_]:
    nulls: NDArray[np.bool_] = _plain(array.is_null().cast("int8"), np.int8, np.int8(1)) == 1
    return nulls


def _micros(pa: Any, array: Any) -> NDArray[np.int64]:
    """Microseconds since the epoch, `MISSING_TIME` for null; what overflows stays out of range."""
    unit = "day" if pa.types.is_date32(array.type) else getattr(array.type, "unit", "ms")
    if unit == "day":
        array = array.cast(pa.int32())
    counts = array.cast(pa.int64())
    values = _plain(counts, np.int64, np.int64(0))
    if unit == "ns":
        micros = values // 1_000
    else:
        bound = _FARTHEST // _MICROS_PER[unit]
        micros = np.clip(values, -bound, bound) * _MICROS_PER[unit]
    return np.where(_nulls(counts), MISSING_TIME, micros)


def _require_plain(kinds: Any, kind: Any, name: str) -> None:
    """Lists may hold numbers, texts and booleans; anything else is not a JSON value."""
    plain = (kinds.is_integer, kinds.is_floating, kinds.is_boolean, kinds.is_string)
    if not any(test(kind) for test in (*plain, kinds.is_large_string, kinds.is_null)):
        raise InputError(f"column {name!r} holds lists of {kind}, which driftd cannot read")


def _spelled(pa: Any, array: Any, name: str) -> Any:
    kinds, kind = pa.types, array.type
    readable = (kinds.is_string, kinds.is_large_string, kinds.is_string_view, kinds.is_integer,
                kinds.is_floating, kinds.is_boolean, kinds.is_decimal, kinds.is_timestamp,
                kinds.is_date, kinds.is_time, kinds.is_null)  # fmt: skip
    if not any(test(kind) for test in readable):
        raise InputError(f"column {name!r} has type {kind}, which driftd cannot read")
    return array.cast(pa.string())


def _texts(pa: Any, array: Any, name: str) -> Texts:
    if pa.types.is_dictionary(array.type):
        words = _texts(pa, array.dictionary, name)
        gathered = _gathered(words, _indices(pa, array))
        return gathered if isinstance(gathered, Texts) else words
    encoded = _spelled(pa, array, name).dictionary_encode()
    codes = _indices(pa, encoded).astype(np.int32)
    return Texts(codes, tuple(encoded.dictionary.to_pylist()))


def _indices(pa: Any, array: Any) -> NDArray[np.int64]:
    return _plain(array.indices.cast(pa.int64()), np.int64, np.int64(-1))


def _gathered(column: Column, at: NDArray[np.int64]) -> Column:
    """Values of a dictionary in the rows that refer to them; -1 is missing."""
    if isinstance(column, Numbers):
        return Numbers(np.append(column.values, np.nan)[at])
    if isinstance(column, Booleans):
        return Booleans(np.append(column.values, np.int8(-1))[at])
    if isinstance(column, Texts):
        codes = np.append(column.codes, np.int32(-1))[at]
        # A dictionary may hold words that no row uses, in any order; a vocabulary may not.
        return take_column(Texts(codes, column.vocabulary), np.arange(len(at)))
    values = (*column.values, None)
    return Mixed(tuple(values[row] for row in at.tolist()))

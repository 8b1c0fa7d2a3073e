"""How large an Arrow IPC stream becomes, read from its headers before anything is unpacked.

A few kilobytes of compressed buffers, or one column of type null, can claim any number of rows.
The headers are flatbuffers (https://arrow.apache.org/docs/format/Columnar.html, Message.fbs);
pyarrow verifies them but exposes neither lengths nor compression, so the four fields that matter
are followed here by hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import unpack_from
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

# Positions of fields in the flatbuffers tables of Message.fbs.
_MESSAGE_HEADER: Final = 2
_DICTIONARY_DATA: Final = 1
_BATCH_LENGTH: Final = 0
_BATCH_BUFFERS: Final = 2
_BATCH_COMPRESSION: Final = 3
_BUFFER_BYTES: Final = 16
_PREFIX_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class StreamSize:
    """What a stream unpacks to: rows of its record batches, bytes of all its buffers."""

    rows: int
    unpacked: int


def stream_size(pa: Any, payload: bytes) -> StreamSize:
    """Measure a stream without unpacking it.

    Raises
    ------
    pyarrow.ArrowInvalid, OSError, struct.error
        The stream is damaged.
    """
    rows = unpacked = 0
    for message in pa.ipc.MessageReader.open_stream(pa.py_buffer(payload)):
        if message.type not in ("record batch", "dictionary"):
            continue
        header = _Flat(bytes(message.metadata)).child(_MESSAGE_HEADER)
        if message.type == "dictionary":
            batch = header.child(_DICTIONARY_DATA)
        else:
            batch = header
            rows += batch.integer(_BATCH_LENGTH)
        unpacked += sum(_buffer_sizes(batch, memoryview(message.body)))
    return StreamSize(rows, unpacked)


def _buffer_sizes(batch: _Flat, body: memoryview) -> Iterator[int]:
    compressed = batch.has(_BATCH_COMPRESSION)
    for offset, length in batch.buffers(_BATCH_BUFFERS):
        if compressed and length >= _PREFIX_BYTES:
            # A compressed buffer starts with its unpacked length, or -1 if it is stored as it is.
            yield max(unpack_from("<q", body, offset)[0], length)
        else:
            yield length


class _Flat:
    """One table of a flatbuffer: its fields by position."""

    def __init__(self, data: bytes, at: int | None = None) -> None:
        self._data = data
        self._at = unpack_from("<I", data, 0)[0] if at is None else at

    def _field(self, position: int) -> int:
        """Where a field's value stands, 0 if it is left out."""
        table = self._at - unpack_from("<i", self._data, self._at)[0]
        entry = 4 + 2 * position
        if entry >= unpack_from("<H", self._data, table)[0]:
            return 0
        offset: int = unpack_from("<H", self._data, table + entry)[0]
        return self._at + offset if offset else 0

    def has(self, position: int) -> bool:
        return self._field(position) != 0

    def integer(self, position: int) -> int:
        at = self._field(position)
        return int(unpack_from("<q", self._data, at)[0]) if at else 0

    def child(self, position: int) -> _Flat:
        at = self._field(position)
        return _Flat(self._data, at + unpack_from("<I", self._data, at)[0])

    def buffers(self, position: int) -> Iterator[tuple[int, int]]:
        at = self._field(position)
        if not at:
            return
        vector = at + unpack_from("<I", self._data, at)[0]
        for number in range(unpack_from("<I", self._data, vector)[0]):
            yield unpack_from("<qq", self._data, vector + 4 + _BUFFER_BYTES * number)

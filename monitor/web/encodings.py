"""Content-Encoding undone with a bound on what comes out, so a small body cannot fill memory.

Input is walked in steps whose output is bounded (zlib by `max_length`, zstd by short slices: one
zstd block of 4 bytes makes at most 128 KiB), and the sum is checked after every step. The size that
a zstd frame declares is believed only to refuse early.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import zstandard

from monitor.web.problems import RefusalError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ENCODINGS = ("gzip", "zstd")

_GZIP = 16 + zlib.MAX_WBITS
_STEP = 2**20
_SLICE = 256
_MAX_WINDOW = 2**23


def decompress(encoding: str, body: bytes, limit: int, hold: Callable[[int], None]) -> bytes:
    """What `body` holds, at most `limit` bytes; runs in a worker thread.

    Parameters
    ----------
    encoding
        One of `ENCODINGS`.
    hold
        Called with the size of every piece before it is kept; may raise to stop.

    Raises
    ------
    RefusalError
        413 when more than `limit` bytes would come out, 400 when the stream is corrupt, truncated
        or followed by something else.
    """
    if encoding == "zstd" and declared_size(body) > limit:
        raise _too_large(limit)
    steps = gunzip(body) if encoding == "gzip" else unzstd(body)
    pieces: list[bytes] = []
    total = 0
    try:
        if not body:
            raise EOFError  # noqa: TRY301 - no stream at all is a truncated one
        for piece in steps:
            total += len(piece)
            if total > limit:
                raise _too_large(limit)
            hold(len(piece))
            pieces.append(piece)
    except (zlib.error, zstandard.ZstdError, EOFError):
        raise RefusalError(400, "bad_encoding", f"The body is not valid {encoding}.") from None
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def declared_size(body: bytes) -> int:
    """Size that the first zstd frame says it has, 0 when it does not say.

    gzip says it only at the end, where a truncated body has anything else.
    """
    try:
        size = zstandard.get_frame_parameters(body).content_size
    except zstandard.ZstdError:
        return 0
    unknown = (zstandard.CONTENTSIZE_UNKNOWN, zstandard.CONTENTSIZE_ERROR)
    return 0 if size in unknown else int(size)


def gunzip(body: bytes) -> Iterator[bytes]:
    """Pieces of at most 1 MiB; a gzip body may have several members (RFC 1952, 2.2)."""
    rest = body
    while rest:
        stream = zlib.decompressobj(_GZIP)
        yield stream.decompress(rest, _STEP)
        while not stream.eof:
            tail = stream.unconsumed_tail
            piece = stream.decompress(tail, _STEP)
            if not piece and len(stream.unconsumed_tail) == len(tail):
                raise EOFError
            yield piece
        rest = stream.unused_data


def unzstd(body: bytes) -> Iterator[bytes]:
    """Pieces of at most 8 MiB; several frames may follow each other (RFC 8878, 3)."""
    engine = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW)
    view = memoryview(body)
    while view:
        frame = engine.decompressobj()
        taken = 0
        while not frame.eof:
            if taken >= len(view):
                raise EOFError
            yield frame.decompress(view[taken : taken + _SLICE])
            taken += _SLICE
        used = min(taken, len(view)) - len(frame.unused_data)
        view = view[used:]


def _too_large(limit: int) -> RefusalError:
    detail = f"The decompressed body is over {limit} bytes; send smaller batches."
    return RefusalError(413, "body_too_large", detail)

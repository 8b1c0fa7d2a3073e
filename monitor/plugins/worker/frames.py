r"""Frames on a pipe: a JSON header and some bytes, used on both sides of it.

    8 bytes    b"driftd\x00\x01": the last byte is the version of the framing
    4 bytes    length of the header, big-endian
    8 bytes    length of the body, big-endian
    header     UTF-8 JSON object
    body       whatever the header says, here Arrow IPC streams

Needs nothing but the standard library: it also runs where driftd is not installed.
"""

from __future__ import annotations

import json
import struct
from typing import IO, Any

MAGIC = b"driftd\x00\x01"
HEAD = struct.Struct(">8sIQ")
MAX_HEADER = 1 << 20
MAX_BODY = 1 << 31
PROTOCOL = 1
"""Version of the conversation; both sides name theirs first."""


class FrameError(Exception):
    """The bytes are no frame, or one that is larger than anybody should send."""


def frame(header: dict[str, Any], body: bytes = b"") -> bytes:
    """Bytes of a frame."""
    text = json.dumps(header, allow_nan=False).encode()
    return HEAD.pack(MAGIC, len(text), len(body)) + text + body


def lengths(head: bytes) -> tuple[int, int]:
    """Lengths of header and body that `head`, `HEAD.size` bytes, announces.

    Raises
    ------
    FrameError
        It is not the head of a frame.
    """
    magic, header, body = HEAD.unpack(head)
    if magic != MAGIC:
        raise FrameError(f"expected a frame, got {head[:8]!r}")
    if header > MAX_HEADER or body > MAX_BODY:
        raise FrameError(f"a frame of {header} + {body} bytes is too large")
    return header, body


def header_of(data: bytes) -> dict[str, Any]:
    """The JSON object of a header.

    Raises
    ------
    FrameError
        It is none.
    """
    try:
        header = json.loads(data)
    except ValueError as error:
        raise FrameError(f"a header that is no JSON: {error}") from error
    if not isinstance(header, dict):
        raise FrameError("a header that is no JSON object")
    return header


def read(stream: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    """The next frame of a blocking stream; None at its end.

    Raises
    ------
    FrameError
        What came is no frame, or ends within one.
    """
    head = stream.read(HEAD.size)
    if not head:
        return None
    if len(head) < HEAD.size:
        raise FrameError("the stream ended within a frame")
    header, body = lengths(head)
    data = stream.read(header + body)
    if len(data) < header + body:
        raise FrameError("the stream ended within a frame")
    return header_of(data[:header]), data[header:]

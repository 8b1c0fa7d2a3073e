"""How far one growing file has been read, and how to know it again.

A file is recognised by its inode *and* by what was read from it: a digest of its first bytes and
of the last bytes before the offset. A new file that got the inode of an old one, a truncated file
that has grown again, a copy under another name: the digests tell them apart.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

HEAD_BYTES: Final = 1024
_TAIL_BYTES: Final = 256
_DIGEST_BYTES: Final = 16
_BOM: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Tail:
    """Position in one file; `state` and `restore` are its JSON form.

    `path` is where the file was last seen. `head` and `last` are digests of the first
    `head_bytes` bytes and of up to 256 bytes before `offset`; only bytes already read are in
    them. `header` is the header line of a CSV file, None if it is unknown. `torn` says that the
    offset lies inside a line that is too long and will be skipped up to its end.
    """

    path: str
    inode: int
    offset: int = 0
    head_bytes: int = 0
    head: str = ""
    last: str = ""
    header: str | None = None
    torn: bool = False

    def state(self) -> dict[str, Any]:
        """Plain values for a `Position`."""
        return {name: getattr(self, name) for name in self.__slots__}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Tail:
        """Resume from what `state` gave."""
        return cls(**{name: state[name] for name in cls.__slots__ if name in state})

    def fits(self, descriptor: int) -> bool:
        """Whether everything read so far stands in this file where it was read."""
        if os.fstat(descriptor).st_size < self.offset:
            return False
        head = digest(descriptor, 0, self.head_bytes)
        return (head, _last(descriptor, self.offset)) == (self.head, self.last)

    def moved(self, descriptor: int, offset: int, *, torn: bool = False) -> Tail:
        """Advance to `offset` and take new digests from the file."""
        # A CSV header is the same in every file; what tells files apart comes after it.
        size = min(offset, HEAD_BYTES + len(self.header or ""))
        head, last = digest(descriptor, 0, size), _last(descriptor, offset)
        return replace(self, offset=offset, head_bytes=size, head=head, last=last, torn=torn)


def _last(descriptor: int, offset: int) -> str:
    size = min(offset, _TAIL_BYTES)
    return digest(descriptor, offset - size, size)


def digest(descriptor: int, start: int, size: int) -> str:
    """Digest `size` bytes of a file from `start`, `""` if there are none to digest."""
    if not size:
        return ""
    return blake2b(os.pread(descriptor, size, start), digest_size=_DIGEST_BYTES).hexdigest()


def read_lines(descriptor: int, tail: Tail, max_bytes: int, max_line: int) -> tuple[Tail, bytes]:
    """Read the complete lines that follow a position.

    Parameters
    ----------
    max_bytes : int
        How much to return at most, unless the first line alone is longer.
    max_line : int
        A line longer than this is returned cut after `max_line` bytes, and its rest skipped: its
        decoder will refuse it for its size.

    Returns
    -------
    tail : Tail
        The position behind what was returned (or skipped).
    lines : bytes
        Whole lines, each with its line feed; `b""` if no line is complete yet.
    """
    offset = tail.offset
    if tail.torn:
        offset, ended = _behind_line(descriptor, offset, max_bytes)
        if not ended:
            return tail.moved(descriptor, offset, torn=True), b""
    data = os.pread(descriptor, max_bytes, offset)
    end = data.rfind(b"\n") + 1
    if not end and len(data) == max_bytes < max_line:
        data = os.pread(descriptor, max_line, offset)
        end = data.find(b"\n") + 1
    if not end and len(data) >= max_line:
        return tail.moved(descriptor, offset + len(data), torn=True), data + b"\n"
    if offset + end == tail.offset:
        return tail, b""
    return tail.moved(descriptor, offset + end), data[:end]


def _behind_line(descriptor: int, offset: int, size: int) -> tuple[int, bool]:
    """Go behind the next line feed; False if the file ends before there is one."""
    while data := os.pread(descriptor, size, offset):
        end = data.find(b"\n") + 1
        if end:
            return offset + end, True
        offset += len(data)
    return offset, False


def read_header(descriptor: int, tail: Tail, max_line: int) -> Tail | None:
    """Find the header line of a CSV file, the first that is not blank.

    A position at the start that knows a header already comes from a file that was truncated under
    its writer, which does not write its header again: if the first line is data the old header
    stays in force.

    Returns
    -------
    Tail or None
        The position behind the header; None if there is no complete first line yet.
    """
    data = os.pread(descriptor, max_line, 0)
    start = 0
    while (end := data.find(b"\n", start) + 1) > 0:
        line = data[start:end].removeprefix(_BOM).strip()
        if line:
            break
        start = end
    else:
        return None
    if tail.header is not None and not _is_header(line):
        return tail
    header = line.decode(errors="surrogateescape")
    return replace(tail, header=header).moved(descriptor, end)


def _is_header(line: bytes) -> bool:
    """Tell names from data: every field says something and none is a number."""
    return not any(_is_number(field) for field in line.split(b","))


def _is_number(field: bytes) -> bool:
    try:
        float(field.strip(b' "') or b"0")
    except ValueError:
        return False
    return True

"""One line of JSON of a known shape: parsed fast, vouched for, or explained.

A line is parsed once, by msgspec, into a typed value. What that parser does not see is checked by
arithmetic on the bytes: a repeated key disappears from the parsed value but its colon stays in
the line, so *colons in the line = keys + colons inside texts* holds exactly if no key repeats.
Only a line that the parser refuses, or whose sum does not come out, is looked at again.
"""

from __future__ import annotations

from types import GenericAlias
from typing import TYPE_CHECKING, Annotated, Any, Final, Generic, TypeAlias, TypeVar

import msgspec
from msgspec import Meta

from monitor.decoders.base import Fault
from monitor.decoders.inspection import INT64_MAX, INT64_MIN, Inspection, inspect
from monitor.record import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.record import Limits

Int64: TypeAlias = Annotated[int, Meta(ge=INT64_MIN, le=INT64_MAX)]
_DEEPEST_COUNTED: Final = 32
_REFUSALS: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

Shape = TypeVar("Shape")


class StrictJson(Generic[Shape]):
    """Reads lines of one shape under fixed limits; holds no state between lines.

    Parameters
    ----------
    parser : callable
        Makes the typed parser, given the type of texts: `str`, or `str` with the length limit.
    colons : callable
        A lower bound, cheap to compute, of the colons in any text of the value: its keys and the
        colons in some of its texts. If the line has no more, no key can have repeated.
    """

    def __init__(
        self,
        limits: Limits,
        parser: Callable[[Any], msgspec.json.Decoder[Shape]],
        colons: Callable[[Shape], int],
    ) -> None:
        self._limits = limits
        self._parse = parser(str).decode
        bounded = Annotated[str, Meta(max_length=limits.max_string)]
        self._parse_bounded = parser(bounded).decode
        self._colons = colons

    def read(self, line: bytes) -> Shape | Inspection:
        """Parse one line; an `Inspection` (always with a fault) if it is not acceptable."""
        size = len(line)
        if size > self._limits.max_record_bytes:
            return inspect(line, self._limits)
        # A text cannot be longer than its line: short lines need no look at each text.
        parse = self._parse if size <= self._limits.max_string else self._parse_bounded
        try:
            value = parse(line)
        except _REFUSALS as error:
            inspection = inspect(line, self._limits)
            if inspection.fault:
                return inspection
            return Inspection(Fault(Reason.SCHEMA, str(error)), inspection.model)
        if not self._vouched(line, value):
            inspection = inspect(line, self._limits)
            if inspection.fault:
                return inspection
        return value

    def _vouched(self, line: bytes, value: Shape) -> bool:
        """Whether the fast parser provably saw everything the line says."""
        if b"\\u00" in line and (b"\\u0000" in line or b"\\u003a" in line or b"\\u003A" in line):
            return False
        written = line.count(b":")
        return self._colons(value) == written or _all_colons(line) == written


def _all_colons(line: bytes) -> int:
    """Count the colons a line must be written with; -1 if that cannot be said."""
    colons = 0
    try:
        level = [msgspec.json.decode(line)]
    except _REFUSALS:
        return -1
    for _ in range(_DEEPEST_COUNTED):
        below: list[Any] = []
        for item in level:
            kind = type(item)
            if kind is str:
                colons += item.count(":")
            elif kind is dict:
                colons += len(item) + sum([key.count(":") for key in item])
                below += item.values()
            elif kind is list:
                below += item
        level = below
    return -1 if level else colons


def listing(item: Any) -> Any:
    """Type of a list of `item`, for types that are put together at run time."""
    return GenericAlias(list, (item,))


def mapping(key: Any, value: Any, limits: Limits) -> Any:
    """Type of a JSON object with at most `limits.max_keys` keys."""
    return Annotated[GenericAlias(dict, (key, value)), Meta(max_length=limits.max_keys)]

"""One line of driftd's native format: parsed fast, vouched for, or explained.

A line is parsed once, by msgspec, into a typed struct. What that parser does not see is checked
by arithmetic on the bytes: a repeated key disappears from the parsed value but its colon stays in
the line, so *colons in the line = keys + colons inside texts* holds exactly if no key repeats.
Only a line that the parser refuses, or whose sum does not come out, is looked at again.
"""

from __future__ import annotations

from types import GenericAlias
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType
from msgspec.structs import astuple

from monitor.decoders.base import Fault
from monitor.decoders.inspection import INT64_MAX, INT64_MIN, Inspection, inspect
from monitor.record import Reason

if TYPE_CHECKING:
    from monitor.record import Limits

Scalar: TypeAlias = "str | int | float | bool | None"
_Int64: TypeAlias = Annotated[int, Meta(ge=INT64_MIN, le=INT64_MAX)]
LABEL: Final = "label"
_RECORD_TYPES: Final = ("record", "prediction")
_DEEPEST_PARSED: Final = 32
_REFUSALS: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Line(msgspec.Struct, gc=False):
    """One record or label record as it stands in the payload; unknown members are ignored."""

    type: str | UnsetType | None = UNSET
    id: str | int | UnsetType | None = UNSET
    model: str = ""
    version: Scalar | UnsetType = UNSET
    time: str | UnsetType | None = UNSET
    ts: str | UnsetType | None = UNSET
    features: dict[str, Any] | UnsetType | None = UNSET
    prediction: Scalar | dict[str, Scalar] | UnsetType = UNSET
    scores: dict[str, float | None] | float | UnsetType | None = UNSET
    segments: dict[str, Scalar] | UnsetType | None = UNSET
    label: Scalar | UnsetType = UNSET


class LineReader:
    """Reads lines under fixed limits; holds no state between lines.

    Parameters
    ----------
    limits : Limits
        Depth counts the record itself as 1, its features as 2, a list in them as 3. Lengths of
        texts are in characters.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._parse = _parser(limits, str).decode
        bounded = Annotated[str, Meta(max_length=limits.max_string)]
        self._parse_bounded = _parser(limits, bounded).decode

    def read(self, line: bytes) -> Line | Inspection:
        """Parse one line; an `Inspection` (always with a fault) if it is not acceptable."""
        size = len(line)
        if size > self._limits.max_record_bytes:
            return inspect(line, self._limits)
        # A text cannot be longer than its line: short lines need no look at each text.
        parse = self._parse if size <= self._limits.max_string else self._parse_bounded
        try:
            parsed = parse(line)
        except _REFUSALS as error:
            return self._explain(line, error)
        if not _vouched(line, parsed):
            inspection = inspect(line, self._limits)
            if inspection.fault:
                return inspection
        fault = _incomplete(parsed)
        return Inspection(fault, parsed.model) if fault else parsed

    def _explain(self, line: bytes, error: Exception) -> Inspection:
        """Name the rule a refused line breaks; if none of the general ones, its shape is wrong."""
        inspection = inspect(line, self._limits)
        if inspection.fault:
            return inspection
        detail = str(error)
        reason = Reason.BAD_TIME if _is_about_time(detail) else Reason.SCHEMA
        return Inspection(Fault(reason, detail), inspection.model)


def _is_about_time(detail: str) -> bool:
    return detail.endswith(("`$.time`", "`$.ts`"))


def _vouched(line: bytes, parsed: Line) -> bool:
    """Whether the fast parser provably saw everything the line says."""
    if b"\\u00" in line and (b"\\u0000" in line or b"\\u003a" in line or b"\\u003A" in line):
        return False
    written = line.count(b":")
    seen = 0
    for member in astuple(parsed):
        if member is UNSET:
            continue
        seen += 1
        if type(member) is str:
            seen += member.count(":")
        elif type(member) is dict:
            seen += len(member)
    return seen == written or _colons(line) == written


def _colons(line: bytes) -> int:
    """Count the colons a line must be written with: one per key, plus those inside texts."""
    colons = 0
    try:
        level = [msgspec.json.decode(line)]
    except _REFUSALS:
        return -1
    for _ in range(_DEEPEST_PARSED):
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


def _incomplete(line: Line) -> Fault | None:
    """Check what the types cannot say: which members belong together."""
    if not line.model:
        return Fault(Reason.MISSING_FIELD, "model is missing")
    if line.type is UNSET or line.type is None or line.type in _RECORD_TYPES:
        return None
    if line.type != LABEL:
        return Fault(Reason.SCHEMA, f"type is {line.type[:40]!r}, not 'record' or 'label'")
    if line.id in (UNSET, None, ""):
        return Fault(Reason.MISSING_FIELD, "a label needs the id of its record")
    if line.label is UNSET or line.label is None:
        return Fault(Reason.MISSING_FIELD, "label is missing")
    return None


def _parser(limits: Limits, text: Any) -> msgspec.json.Decoder[Line]:
    """Build the typed parser; `text` is `str`, or `str` with the length limit on it."""
    scalar: Any = _Int64 | float | text | bool | None
    feature = scalar
    for _ in range(limits.max_depth - 2):
        feature = scalar | GenericAlias(list, (feature,))
    shape: dict[str, Any] = {
        "type": text | None,
        "id": _Int64 | text | None,
        "version": scalar,
        "time": text | None,
        "ts": text | None,
        "features": _mapping(text, feature, limits) | None,
        "prediction": scalar | _mapping(text, scalar, limits),
        "scores": _mapping(text, float | None, limits) | float | None,
        "segments": _mapping(text, scalar, limits) | None,
        "label": scalar,
    }
    fields: list[Any] = [(name, kind | UnsetType, UNSET) for name, kind in shape.items()]
    fields.append(("model", text, ""))
    return msgspec.json.Decoder(msgspec.defstruct("Line", fields, bases=(Line,), gc=False))


def _mapping(key: Any, value: Any, limits: Limits) -> Any:
    return Annotated[GenericAlias(dict, (key, value)), Meta(max_length=limits.max_keys)]

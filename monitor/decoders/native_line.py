"""One line of driftd's native format, typed, and what its types cannot say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import astuple

from monitor.decoders.base import Fault
from monitor.decoders.inspection import Inspection
from monitor.decoders.strictjson import Int64, StrictJson, listing, mapping
from monitor.record import Reason

if TYPE_CHECKING:
    from monitor.record import Limits

LABEL: Final = "label"
Scalar: TypeAlias = "str | int | float | bool | None"
_RECORD_TYPES: Final = ("record", "prediction")


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
    """Reads native lines under fixed limits; holds no state between lines.

    Parameters
    ----------
    limits : Limits
        Depth counts the record itself as 1, its features as 2, a list in them as 3. Lengths of
        texts are in characters.
    """

    def __init__(self, limits: Limits) -> None:
        self._read = StrictJson(limits, lambda text: _parser(limits, text), _colons).read

    def read(self, line: bytes) -> Line | Inspection:
        """Parse one line; an `Inspection` (always with a fault) if it is not acceptable."""
        parsed = self._read(line)
        if isinstance(parsed, Inspection):
            return _about_time(parsed)
        fault = _incomplete(parsed)
        return Inspection(fault, parsed.model) if fault else parsed


def _about_time(inspection: Inspection) -> Inspection:
    """A time of the wrong type is a bad time, not a wrong shape."""
    fault = inspection.fault
    if fault and fault.reason is Reason.SCHEMA and fault.detail.endswith(("`$.time`", "`$.ts`")):
        return Inspection(Fault(Reason.BAD_TIME, fault.detail), inspection.model)
    return inspection


def _colons(parsed: Line) -> int:
    """Keys of the line, and colons in the texts that usually have some: times and ids."""
    colons = 0
    for member in astuple(parsed):
        if member is UNSET:
            continue
        colons += 1
        if type(member) is str:
            colons += member.count(":")
        elif type(member) is dict:
            colons += len(member)
    return colons


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
    scalar: Any = Int64 | float | text | bool | None
    feature = scalar
    for _ in range(limits.max_depth - 2):
        feature = scalar | listing(feature)
    shape: dict[str, Any] = {
        "type": text | None,
        "id": Int64 | text | None,
        "version": scalar,
        "time": text | None,
        "ts": text | None,
        "features": mapping(text, feature, limits) | None,
        "prediction": scalar | mapping(text, scalar, limits),
        "scores": mapping(text, float | None, limits) | float | None,
        "segments": mapping(text, scalar, limits) | None,
        "label": scalar,
    }
    fields: list[Any] = [(name, kind | UnsetType, UNSET) for name, kind in shape.items()]
    fields.append(("model", text, ""))
    return msgspec.json.Decoder(msgspec.defstruct("Line", fields, bases=(Line,), gc=False))

"""The slow, exact look at one suspicious line of JSON: which rule it breaks.

Decoders read good lines with a fast typed parser and come here only when that parser refuses a
line or cannot vouch for it. The standard library's parser is used because its hooks see what
others silently drop: repeated keys, NaN, the digits of a number.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from monitor.decoders.base import Fault
from monitor.record import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.record import Limits

INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1
_INT64_DIGITS: Final = 20
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_SHOWN: Final = 40


@dataclass(frozen=True, slots=True)
class Inspection:
    """What the exact look found: the first fault if any, and the model the line names (or "")."""

    fault: Fault | None
    model: str = ""


@dataclass(slots=True)
class _Witness:
    """Hooks for `json.loads` that note the first fault and let parsing go on."""

    faults: list[Fault] = field(default_factory=list)

    def pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            twice = next(key for key, count in counts.items() if count > 1)
            self._note(Reason.DUPLICATE_KEY, f"key {_shown(twice)} occurs twice in one object")
        return found

    def constant(self, name: str) -> None:
        self._note(Reason.NAN_OR_INFINITY, f"{name} is not JSON; leave the value out or send null")

    def integer(self, digits: str) -> int:
        if len(digits) <= _INT64_DIGITS and INT64_MIN <= (number := int(digits)) <= INT64_MAX:
            return number
        self._note(Reason.INTEGER_RANGE, f"{_cut(digits)} does not fit into 64 bits")
        return 0

    def real(self, digits: str) -> float:
        number = float(digits)
        if math.isinf(number):
            self._note(Reason.NUMBER_RANGE, f"{_cut(digits)} is beyond the range of a double")
        return number

    def _note(self, reason: Reason, detail: str) -> None:
        if not self.faults:
            self.faults.append(Fault(reason, detail))


def inspect(line: bytes, limits: Limits) -> Inspection:
    """Find the first rule of driftd's JSON that a line breaks; never raises.

    The rules are those that hold for any JSON (syntax, encoding, numbers, repeated keys) and
    those of `limits`; whether the value has the right shape is the caller's question.
    """
    if len(line) > limits.max_record_bytes:
        detail = f"{len(line)} bytes, more than the {limits.max_record_bytes} allowed"
        return Inspection(Fault(Reason.RECORD_TOO_LARGE, detail))
    try:
        text = line.decode()
    except UnicodeDecodeError as error:
        return Inspection(Fault(Reason.NOT_UTF8, f"byte {error.start + 1}: {error.reason}"))
    witness = _Witness()
    try:
        value = json.loads(
            text,
            object_pairs_hook=witness.pairs,
            parse_constant=witness.constant,
            parse_int=witness.integer,
            parse_float=witness.real,
        )
    except RecursionError:
        return Inspection(_too_deep(limits))
    except ValueError as error:
        return Inspection(_syntax(text, error))
    fault = next(iter(witness.faults), None) or _beyond(value, limits)
    return Inspection(fault, _model(value))


def _syntax(text: str, error: ValueError) -> Fault:
    if "\0" in text:
        return Fault(Reason.NUL, f"character {text.index(chr(0)) + 1} is NUL")
    return Fault(Reason.NOT_JSON, str(error))


def _model(value: object) -> str:
    name = value.get("model") if isinstance(value, dict) else None
    return name if isinstance(name, str) and not _SURROGATE.search(name) else ""


def _beyond(value: object, limits: Limits) -> Fault | None:
    """Check depth, keys and strings of a parsed value, level by level."""
    level: list[Any] = [value]
    depth = 1
    while level:
        below: list[Any] = []
        for item in level:
            if isinstance(item, str):
                fault = _bad_text(item, limits)
            elif isinstance(item, dict):
                fault = _bad_keys(item, limits)
                below.extend(item.values())
            else:
                fault = None
                below.extend(item if isinstance(item, list) else ())
            if fault:
                return fault
        if depth > limits.max_depth and _has_containers(level):
            return _too_deep(limits)
        level = below
        depth += 1
    return None


def _has_containers(level: Iterable[object]) -> bool:
    return any(isinstance(item, dict | list) for item in level)


def _too_deep(limits: Limits) -> Fault:
    return Fault(Reason.TOO_DEEP, f"nested deeper than the {limits.max_depth} levels allowed")


def _bad_keys(item: dict[str, Any], limits: Limits) -> Fault | None:
    if len(item) > limits.max_keys:
        detail = f"{len(item)} keys in one object, more than the {limits.max_keys} allowed"
        return Fault(Reason.TOO_MANY_KEYS, detail)
    return next((fault for key in item if (fault := _bad_text(key, limits))), None)


def _bad_text(text: str, limits: Limits) -> Fault | None:
    if "\0" in text:
        return Fault(Reason.NUL, f"{_shown(text)} contains NUL")
    if _SURROGATE.search(text):
        return Fault(Reason.LONE_SURROGATE, f"{_shown(text)} contains half a surrogate pair")
    if len(text) > limits.max_string:
        detail = f"a text of {len(text)} characters, more than the {limits.max_string} allowed"
        return Fault(Reason.STRING_TOO_LONG, detail)
    return None


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _shown(text: str) -> str:
    """Quote a text for a message; `ascii` because the message itself must be valid Unicode."""
    return ascii(_cut(text))

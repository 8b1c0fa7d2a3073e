"""Values with units: durations (`10m`), sizes (`8MiB`) and paths, as fields of the configuration.

Inside they are seconds, bytes and absolute paths; written out they get their shortest spelling.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Final, TypeAlias

from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_BYTES: Final = {"": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30}
_DURATION: Final = re.compile(r"([0-9]{1,9})([smhd])")
_SIZE: Final = re.compile(r"([0-9]{1,12}) ?(kib|mib|gib|)", re.IGNORECASE)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")

BASE = "base"
"""Key of the validation context: the directory that relative paths start from."""


def seconds_of(text: str) -> int:
    """Seconds of a duration such as `30s`, `10m`, `1h`, `1d`; `ValueError` for anything else."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no duration")
    return int(match[1]) * _SECONDS[match[2]]


def duration_text(seconds: int) -> str:
    """Shortest spelling of a duration: the largest unit that divides it."""
    unit = next(unit for unit in "dhms" if seconds % _SECONDS[unit] == 0)
    return f"{seconds // _SECONDS[unit]}{unit}" if seconds else "0s"


def _duration(value: Any, info: ValidationInfo) -> int:
    if info.mode == "python" and type(value) is int and value >= 0:
        return value  # code that builds a section counts in seconds
    try:
        return seconds_of(value)
    except (TypeError, ValueError):
        raise PydanticCustomError(
            "duration", "expected a duration such as 30s, 10m, 1h or 1d"
        ) from None


def _size(value: Any) -> int:
    match = _SIZE.fullmatch(str(value)) if isinstance(value, int | str) else None
    if match is None or isinstance(value, bool):
        raise PydanticCustomError("size", "expected a number of bytes or a size such as 8MiB")
    return int(match[1]) * _BYTES[match[2].lower()]


def _path(value: Any, info: ValidationInfo) -> Path:
    if not isinstance(value, str) or not value or _CONTROL.search(value):
        raise PydanticCustomError("path", "expected the path of a file")
    return resolved(value, info)


def resolved(path: str, info: ValidationInfo) -> Path:
    """The path, from the directory of the configuration file if it is relative."""
    base = (info.context or {}).get(BASE, Path())
    return Path(base, Path(path).expanduser())


Seconds: TypeAlias = Annotated[
    int,
    BeforeValidator(_duration),
    PlainSerializer(duration_text, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,9}[smhd]$", "examples": ["10m", "1d"]}),
]
"""Whole seconds, written `30s`, `10m`, `1h`, `1d`."""

Bytes: TypeAlias = Annotated[
    int,
    BeforeValidator(_size),
    Field(ge=1),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "examples": ["8MiB"]}]}
    ),
]
"""A positive number of bytes, written as number or `64KiB`, `8MiB`, `1GiB`."""

FilePath: TypeAlias = Annotated[
    Path,
    PlainValidator(_path),
    WithJsonSchema({"type": "string", "format": "path"}),
]
"""A path; a relative one starts from the directory of the configuration file."""

Name: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
"""A name that is used in URLs, metric labels and file names."""

Text: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=512)]
"""A text that is not empty."""

Count: TypeAlias = Annotated[int, Field(ge=1)]
"""A whole number, 1 or more."""

"""Times at the edge: RFC 3339 strings outside, int64 microseconds since the epoch inside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeAlias

from pydantic import PlainSerializer, WithJsonSchema

from monitor.errors import UsageError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(micros: int) -> datetime:
    """Aware UTC datetime of `micros`; exact, unlike going through a float."""
    return EPOCH + timedelta(microseconds=micros)


def rfc3339(micros: int) -> str:
    """`2013-06-01T05:15:00Z`; a fraction only where there is one."""
    return moment(micros).isoformat().replace("+00:00", "Z")


def parse(text: str, name: str) -> int:
    """Microseconds of an RFC 3339 time or a bare date (its midnight, UTC).

    Raises
    ------
    UsageError
        The text is no time, or a time of day without a zone; `name` says which parameter.
    """
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{name}: not a time, write it like 2013-06-01T05:15:00Z") from None
    if value.tzinfo is None:
        if "T" in text or " " in text:
            raise UsageError(f"{name}: this time has no zone, end it with Z")
        value = value.replace(tzinfo=UTC)
    return (value - EPOCH) // timedelta(microseconds=1)


Instant: TypeAlias = Annotated[
    int,
    PlainSerializer(rfc3339, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]
"""Microseconds since the epoch that leave as an RFC 3339 string."""

"""The Retry-After header (RFC 9110, section 10.2.3): seconds, or an HTTP date."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime

LONGEST = 86_400.0
"""Seconds; a receiver cannot put us off for longer than a day, our longest own step."""


def retry_after_seconds(value: str | None, now: int) -> float | None:
    """Return how long the receiver asks to wait.

    Parameters
    ----------
    value
        The header's value, `None` when absent.
    now
        Microseconds since the epoch, against which a date is measured.

    Returns
    -------
    Seconds in `[0, LONGEST]`; `None` when the header is absent or is neither form. A date without
    a zone is UTC; one in the past is 0.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        # A longer number than this only means "later than LONGEST", and int() refuses 4,300 digits.
        return min(float(text[:20]), LONGEST)
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return min(max(when.timestamp() - now / 1e6, 0.0), LONGEST)

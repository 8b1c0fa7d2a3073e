"""Retry-After in both forms, and in the forms that receivers invent."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.channels.retry_after import LONGEST, retry_after_seconds

NOW = 1_445_412_420_000_000  # Wed, 21 Oct 2015 07:27:00 GMT


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        (" 120 ", 120.0),
        ("999999", LONGEST),
        ("9" * 5000, LONGEST),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 60.0),
        ("Wednesday, 21-Oct-15 07:28:00 GMT", 60.0),
        ("Wed Oct 21 07:28:00 2015", 60.0),
        ("Wed, 21 Oct 2015 07:28:00", 60.0),
        ("Wed, 21 Oct 2015 07:26:00 GMT", 0.0),
        ("Wed, 21 Oct 2115 07:28:00 GMT", LONGEST),
        ("Wed, 99 Oct 2015 07:28:00 GMT", None),
        ("Wed, 21 Oct 2015 07:28:00 +99999999999999999999", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("\u0661", None),
    ],
)
def test_values(value: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(value, NOW) == seconds


@given(st.text() | st.text(alphabet="0123456789 :,-+GMTOctWedJan", max_size=40))
def test_no_receiver_can_break_it_or_stop_us(value: str) -> None:
    seconds = retry_after_seconds(value, NOW)
    assert seconds is None or 0 <= seconds <= LONGEST

"""Durations and sizes as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.config.units import duration_text, seconds_of


@pytest.mark.parametrize(
    ("text", "seconds"), [("0s", 0), ("30s", 30), ("10m", 600), ("1h", 3600), ("14d", 1_209_600)]
)
def test_durations(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds
    assert duration_text(seconds) == text


@pytest.mark.parametrize("text", ["", "10", "m", "-1s", "1.5h", "1 d", "1w", "1D", "1d1h", "१s"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        seconds_of(text)


@given(st.integers(0, 10**9 - 1))
def test_spelling_and_reading_are_inverse(seconds: int) -> None:
    assert seconds_of(duration_text(seconds)) == seconds

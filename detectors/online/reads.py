"""What online detectors read when nobody says which columns."""

from __future__ import annotations

from enum import StrEnum


class Reads(StrEnum):
    """The class attribute `reads` of an online detector."""

    NUMBERS = "numbers"
    """Every numeric column, and errors."""
    SCORES = "scores"
    """Scores and errors."""
    ERRORS = "errors"
    """Errors alone: it takes zeros and ones only."""

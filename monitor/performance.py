"""One figure of a model's performance, as it is handed from the engine to the archive and shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MEASURED: Final = "measured"
"""Kind of a figure that stands on labels."""

ESTIMATED: Final = "estimated"
"""Kind of a figure that stands on scores alone."""


@dataclass(frozen=True, slots=True)
class PerformanceRow:
    """A metric of the predictions of one window; the next one of the same place replaces it.

    Attributes
    ----------
    segment
        "" for all rows, else the slice, such as "sex=F".
    window_start, window_end
        When the predictions were made, microseconds since the epoch, `[start, end)`.
    kind
        `MEASURED` or `ESTIMATED`.
    value, lower, upper
        The metric with its confidence bounds; None where it is not defined.
    rows, labelled
        Predictions that were sampled, and how many of them have a label.
    as_of
        When the newest of those labels was known, microseconds; 0 without labels.
    """

    model: str
    version: str
    segment: str
    window_start: int
    window_end: int
    window_index: int
    metric: str
    kind: str
    value: float | None
    lower: float | None
    upper: float | None
    rows: int
    labelled: int
    as_of: int

    @property
    def coverage(self) -> float:
        """Share of the sampled predictions whose label is known."""
        return self.labelled / self.rows if self.rows else 0.0

"""Windows side by side: one cell per window with its verdict, and its number of records above."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.web.pages import words
from monitor.web.pages.charts.scale import Tick

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.web.views import WindowSummary

DAY = 86_400_000_000
BAR_HEIGHT = 22.0
LABEL_WIDTH = 58.0


@dataclass(frozen=True, slots=True)
class WindowCell:
    """Where a window stands; `bar` is the height of its volume bar."""

    x: float
    verdict: str
    bar: float
    title: str
    decision_id: str | None


@dataclass(frozen=True, slots=True)
class Strip:
    """All cells are `pitch` apart and `cell` wide."""

    pitch: float
    cell: float
    width: float
    cells: tuple[WindowCell, ...]
    ticks: tuple[Tick, ...]


def strip(windows: Sequence[WindowSummary], room: float, widest: float = 22.0) -> Strip:
    """Lay `windows` (oldest first) out in about `room` units, cells at most `widest` apart."""
    pitch = round(max(7.0, min(widest, room / max(1, len(windows)))), 1)
    cell = round(pitch - max(1.0, 0.12 * pitch), 1)
    most = max((window.records for window in windows), default=0) or 1
    cells = tuple(
        WindowCell(
            x=round(index * pitch, 1),
            verdict=window.verdict or "insufficient",
            bar=round(max(1.0, BAR_HEIGHT * window.records / most), 1),
            title=describe(window),
            decision_id=window.decision_id,
        )
        for index, window in enumerate(windows)
    )
    width = round(len(windows) * pitch, 1)
    return Strip(pitch, cell, width, cells, time_ticks(windows, pitch))


def describe(window: WindowSummary) -> str:
    """`8 Jun 2013: drift, 912 records`."""
    when = words.span(window.start, window.end)
    return f"{when}: {window.verdict or 'not judged'}, {words.count(window.records)} records"


def time_ticks(windows: Sequence[WindowSummary], pitch: float) -> tuple[Tick, ...]:
    """Labels of window starts, far enough apart to read, the first one always there."""
    every = max(1, -int(-LABEL_WIDTH // pitch))
    daily = any(window.end - window.start >= DAY for window in windows)
    last = len(windows) * pitch - 0.6 * LABEL_WIDTH
    return tuple(
        Tick(round(index * pitch, 1), words.tick(windows[index].start, daily=daily))
        for index in range(0, len(windows), every)
        if index == 0 or index * pitch <= last
    )

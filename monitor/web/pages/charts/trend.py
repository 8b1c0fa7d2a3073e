"""Small multiples: the mean of a column over the windows, under it evidence against the line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.web.pages import words
from monitor.web.pages.charts.scale import Scale, Tick, domain, labels, line, round_values
from monitor.web.pages.charts.strip import DAY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.web.views import ColumnPoint, ColumnSeries, WindowSummary

WIDTH, LEFT, RIGHT = 320.0, 38.0, 316.0
MEAN_TOP, MEAN_BOTTOM = 8.0, 78.0
EVIDENCE_TOP, EVIDENCE_BOTTOM = 94.0, 136.0
HEIGHT = 154.0


@dataclass(frozen=True, slots=True)
class Dot:
    """A window that needs a look, on the line of means or at the evidence."""

    x: float
    y: float
    verdict: str


@dataclass(frozen=True, slots=True)
class Trend:
    """One panel. `mean` is empty for columns without a mean (categories)."""

    column: str
    unit: str
    verdict: str
    mean: str
    mean_ticks: tuple[Tick, ...]
    baseline: float | None
    evidence: str
    area: str
    alarm: float | None
    dots: tuple[Dot, ...]
    ends: tuple[str, str]
    now: float | None
    normal: float | None


def trend(column: ColumnSeries, windows: Sequence[WindowSummary]) -> Trend:
    """Draw one column over `windows` (oldest first, at least one)."""
    points = column.points
    across = Scale(0, max(1, len(points) - 1), LEFT, RIGHT)
    now = next((point for point in reversed(points) if point is not None), None)
    normal = now.baseline_mean if now else None
    mean = _mean_scale(points, normal)
    evidence = _evidence_scale(points)
    heights = [None if p is None else p.evidence_log10 for p in points]
    trace = [None if e is None else (across(i), evidence(e)) for i, e in enumerate(heights)]
    alarm = now.line_log10 if now else None
    return Trend(
        column=column.column,
        unit=column.unit,
        verdict=words.verdict_of(now.status) if now else "insufficient",
        mean=_mean_line(points, across, mean),
        mean_ticks=_mean_ticks(mean),
        baseline=None if normal is None or mean is None else mean(normal),
        evidence=line(trace),
        area=_area(trace),
        alarm=None if alarm is None else evidence(alarm),
        dots=_dots(points, across, mean, evidence),
        ends=_ends(windows),
        now=now.mean if now else None,
        normal=normal,
    )


def _mean_scale(points: Sequence[ColumnPoint | None], normal: float | None) -> Scale | None:
    means = [p.mean for p in points if p is not None and p.mean is not None]
    if not means:
        return None
    low, high = domain([*means, *([] if normal is None else [normal])])
    return Scale(low, high, MEAN_BOTTOM, MEAN_TOP)


def _evidence_scale(points: Sequence[ColumnPoint | None]) -> Scale:
    """From zero to a quarter over the line; evidence beyond stays at the top edge.

    How far it is over the line does not matter to a reader, and it may be hundreds of digits.
    """
    lines = [p.line_log10 for p in points if p is not None and p.line_log10 is not None]
    top = 1.25 * max(lines, default=1.0)
    return Scale(0.0, top if top > 0 else 1.0, EVIDENCE_BOTTOM, EVIDENCE_TOP)


def _mean_line(points: Sequence[ColumnPoint | None], across: Scale, mean: Scale | None) -> str:
    if mean is None:
        return ""
    means = [None if p is None else p.mean for p in points]
    return line([None if m is None else (across(i), mean(m)) for i, m in enumerate(means)])


def _mean_ticks(mean: Scale | None) -> tuple[Tick, ...]:
    if mean is None:
        return ()
    values = round_values(mean.low, mean.high, 3)
    return tuple(map(Tick, map(mean, values), labels(values)))


def _area(trace: Sequence[tuple[float, float] | None]) -> str:
    """The evidence line closed along the zero line, run by run."""
    parts = []
    run: list[tuple[float, float]] = []
    for point in [*trace, None]:
        if point is not None:
            run.append(point)
        elif run:
            feet = [(run[-1][0], EVIDENCE_BOTTOM), (run[0][0], EVIDENCE_BOTTOM)]
            parts.append(line([*run, *feet]) + "Z")
            run = []
    return "".join(parts)


def _dots(
    points: Sequence[ColumnPoint | None], across: Scale, mean: Scale | None, evidence: Scale
) -> tuple[Dot, ...]:
    dots = []
    for index, point in enumerate(points):
        verdict = "stable" if point is None else words.verdict_of(point.status)
        if point is None or verdict in ("stable", "insufficient"):
            continue
        if mean is not None and point.mean is not None:
            dots.append(Dot(across(index), mean(point.mean), verdict))
        elif point.evidence_log10 is not None:
            dots.append(Dot(across(index), evidence(point.evidence_log10), verdict))
    return tuple(dots)


def _ends(windows: Sequence[WindowSummary]) -> tuple[str, str]:
    daily = any(window.end - window.start >= DAY for window in windows)
    first, last = windows[0].start, windows[-1].start
    return words.tick(first, daily=daily), words.tick(last, daily=daily)

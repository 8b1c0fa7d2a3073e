"""Columns over time: a row per column, a cell per window, worst rows first.

Calm cells (stable, insufficient) of a row and one shade are one path, so a wide model stays a
small page; cells that need a look are marks of their own, with a shape, a title and a link.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.web.pages import words
from monitor.web.pages.charts.strip import Strip, strip

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.web.views import ColumnPoint, ColumnSeries, ModelSeries

ROOM = 774.0
ROW_HEIGHT = 20.0
LEVELS = 5
_CALM = ("stable", "insufficient")


@dataclass(frozen=True, slots=True)
class Shade:
    """Calm cells of one verdict and one level of evidence (0 none, `LEVELS - 1` near the line)."""

    verdict: str
    level: int
    path: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A cell that needs a look."""

    x: float
    verdict: str
    title: str
    decision_id: str | None


@dataclass(frozen=True, slots=True)
class HeatRow:
    """One column. `values` has the evidence of every window for the tooltip."""

    column: str
    unit: str
    verdict: str
    shades: tuple[Shade, ...]
    marks: tuple[Mark, ...]
    evidence: float | None
    line: float | None
    values: str
    label: str


@dataclass(frozen=True, slots=True)
class Heat:
    """The strip on top and the rows under it share their x axis. `hidden` rows were left out."""

    strip: Strip
    rows: tuple[HeatRow, ...]
    hidden: int


def heat(series: ModelSeries, most: int) -> Heat:
    """Rank the columns and lay the first `most` of them out."""
    layout = strip(series.windows, ROOM)
    ranked = rank(series.columns)
    rows = tuple(_row(column, series, layout) for column in ranked[:most])
    return Heat(layout, rows, max(0, len(ranked) - most))


def rank(columns: Sequence[ColumnSeries]) -> list[ColumnSeries]:
    """Worst now first, then worst at any time, then closest to the line; ties keep their order."""

    def key(series: ColumnSeries) -> tuple[int, int, float]:
        points = [point for point in series.points if point is not None]
        if not points:
            return (-1, -1, 0.0)
        grades = [words.severity(words.verdict_of(point.status)) for point in points]
        return (grades[-1], max(grades), max(map(closeness, points)))

    return sorted(columns, key=key, reverse=True)


def closeness(point: ColumnPoint) -> float:
    """Evidence as a share of the alarm line, 0 where either is unknown."""
    if not point.line_log10 or point.evidence_log10 is None:
        return 0.0
    return max(0.0, point.evidence_log10 / point.line_log10)


def _row(column: ColumnSeries, series: ModelSeries, layout: Strip) -> HeatRow:
    calm: dict[tuple[str, int], list[str]] = defaultdict(list)
    marks = []
    for cell, window, point in zip(layout.cells, series.windows, column.points, strict=True):
        if point is None:
            continue
        verdict = words.verdict_of(point.status)
        if verdict in _CALM:
            level = min(LEVELS - 1, int(LEVELS * closeness(point)))
            box = f"M{cell.x:g} 1h{layout.cell:g}v{ROW_HEIGHT - 2:g}h-{layout.cell:g}z"
            calm[verdict, level].append(box)
        else:
            title = f"{column.column}, {words.span(window.start, window.end)}: {verdict}"
            marks.append(Mark(cell.x, verdict, title + _against(point), cell.decision_id))
    now = next((point for point in reversed(column.points) if point is not None), None)
    shades = tuple(Shade(*key, "".join(boxes)) for key, boxes in sorted(calm.items()))
    return HeatRow(
        column=column.column,
        unit=column.unit,
        verdict=words.verdict_of(now.status) if now else "insufficient",
        shades=shades,
        marks=tuple(marks),
        evidence=now.evidence_log10 if now else None,
        line=now.line_log10 if now else None,
        values=" ".join(_value(point) for point in column.points),
        label=_label(column),
    )


def _against(point: ColumnPoint) -> str:
    if point.evidence_log10 is None or point.line_log10 is None:
        return ""
    return f", evidence {point.evidence_log10:.1f}, line {point.line_log10:.1f}"


def _value(point: ColumnPoint | None) -> str:
    if point is None or point.evidence_log10 is None:
        return words.NOTHING
    return f"{point.evidence_log10:.1f}"


def _label(column: ColumnSeries) -> str:
    """The row in words, for those who do not see it."""
    verdicts = [words.verdict_of(point.status) for point in column.points if point is not None]
    if not verdicts:
        return f"{column.column}: not judged"
    parts = [
        f"{verdicts.count(verdict)} {verdict}"
        for verdict in ("broken", "drift", "warning")
        if verdict in verdicts
    ]
    said = ", ".join(parts) or "nothing to report"
    return f"{column.column}: {said} in {len(verdicts)} windows, {verdicts[-1]} now"

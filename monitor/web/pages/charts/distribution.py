"""Baseline and window of one column on the same bins (histogram) or values (dumbbells)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from monitor.web.pages import words
from monitor.web.pages.charts.scale import Scale, Tick, labels, round_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.web.documents import ColumnEvidence

WIDTH, LEFT, RIGHT = 320.0, 34.0, 314.0
TOP, BOTTOM, HEIGHT = 8.0, 120.0, 138.0
MOST_VALUES = 12
ROW = 18.0
VALUE_LEFT, VALUE_RIGHT = 104.0, 306.0
_UNEQUAL = 1.5
_LABELS = 5


@dataclass(frozen=True, slots=True)
class Histogram:
    """Steps over equal slots, one per bin; `uneven` says that the bins are not equally wide."""

    baseline: str
    window: str
    more: str
    ticks: tuple[Tick, ...]
    shares: tuple[Tick, ...]
    uneven: bool


@dataclass(frozen=True, slots=True)
class Value:
    """One value: its share in the baseline (hollow dot) and in the window (full dot)."""

    name: str
    y: float
    baseline_x: float
    window_x: float
    title: str


@dataclass(frozen=True, slots=True)
class Dumbbells:
    """Values with the largest share in either first; `hidden` further ones were left out."""

    values: tuple[Value, ...]
    shares: tuple[Tick, ...]
    height: float
    hidden: int


def draw(column: ColumnEvidence) -> Histogram | Dumbbells | None:
    """The picture for a column's kind; None when there are no shares to draw."""
    if not column.baseline or len(column.baseline) != len(column.window):
        return None
    if column.values:
        return dumbbells(column)
    return histogram(column)


def histogram(column: ColumnEvidence) -> Histogram:
    """Bins as slots of equal width, heights are shares: nothing is hidden by a long tail."""
    bins = len(column.baseline)
    top = max(*column.baseline, *column.window) or 1.0
    across, up = Scale(0, bins, LEFT, RIGHT), Scale(0, top, BOTTOM, TOP)
    return Histogram(
        baseline=_steps(column.baseline, across, up, closed=True),
        window=_steps(column.window, across, up, closed=False),
        more=_excess(column, across, up),
        ticks=_edge_ticks(column.edges, bins, across),
        shares=_share_ticks(top, up),
        uneven=_uneven(column.edges),
    )


def _steps(shares: Sequence[float], across: Scale, up: Scale, *, closed: bool) -> str:
    parts = [f"M{across(0):g} {up(0):g}"]
    for index, share in enumerate(shares):
        parts.append(f"V{up(share):g}H{across(index + 1):g}")
    parts.append(f"V{up(0):g}")
    return "".join(parts) + ("Z" if closed else "")


def _excess(column: ColumnEvidence, across: Scale, up: Scale) -> str:
    """Boxes where the window has more than the baseline."""
    boxes = []
    for index, (before, now) in enumerate(zip(column.baseline, column.window, strict=True)):
        if now > before:
            left, right = across(index), across(index + 1)
            boxes.append(f"M{left:g} {up(before):g}H{right:g}V{up(now):g}H{left:g}Z")
    return "".join(boxes)


def _share_ticks(top: float, scale: Scale) -> tuple[Tick, ...]:
    """Round shares up to `top`, labelled in percent."""
    percents = round_values(0, 100 * top, 3)
    return tuple(
        Tick(scale(value / 100), label)
        for value, label in zip(percents, labels(percents), strict=True)
    )


def _edge_ticks(edges: Sequence[float | None], bins: int, across: Scale) -> tuple[Tick, ...]:
    """Labels at about five edges. With open ends, `edges` lacks the outermost ones."""
    offset = (bins + 1 - len(edges)) // 2
    known = [(index + offset, edge) for index, edge in enumerate(edges) if edge is not None]
    shown = known[:: max(1, round((len(known) - 1) / (_LABELS - 1)))]
    texts = labels([float(f"{edge:.3g}") for _, edge in shown])
    return tuple(Tick(across(index), text) for (index, _), text in zip(shown, texts, strict=True))


def _uneven(edges: Sequence[float | None]) -> bool:
    known = [edge for edge in edges if edge is not None]
    widths = [right - left for left, right in pairwise(known)]
    return bool(widths) and max(widths) > _UNEQUAL * min(widths)


def dumbbells(column: ColumnEvidence) -> Dumbbells:
    """One row per value, sorted by share."""
    rows = sorted(
        zip(column.values, column.baseline, column.window, strict=False),
        key=lambda row: -max(row[1], row[2]),
    )
    shown = rows[:MOST_VALUES]
    top = max(max(before, now) for _, before, now in shown) or 1.0
    across = Scale(0, top, VALUE_LEFT, VALUE_RIGHT)
    values = tuple(
        Value(
            name=name,
            y=round(ROW * (index + 0.6), 1),
            baseline_x=across(before),
            window_x=across(now),
            title=f"{name}: {words.percent(before)} in the baseline, {words.percent(now)} now",
        )
        for index, (name, before, now) in enumerate(shown)
    )
    height = ROW * len(shown) + 20
    return Dumbbells(values, _share_ticks(top, across), height, len(rows) - len(shown))

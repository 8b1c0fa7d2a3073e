"""Small multiples of performance: what labels say as a line in its band, estimates as dashes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from monitor.performance import ESTIMATED, MEASURED
from monitor.web.pages import words
from monitor.web.pages.charts.scale import Scale, Tick, domain, labels, line, round_values
from monitor.web.pages.charts.strip import DAY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.web.views import PerformanceFigure

WIDTH, LEFT, RIGHT = 320.0, 38.0, 316.0
TOP, BOTTOM, HEIGHT = 8.0, 92.0, 110.0
PANELS: Final = 6
FIRST: Final[tuple[str, ...]] = (
    "roc_auc",
    "accuracy",
    "f1",
    "brier",
    "recall",
    "precision",
    "mae",
    "rmse",
    "r2",
    "cost",
)
"""Metrics by how much they say to most people; the others follow."""


@dataclass(frozen=True, slots=True)
class MetricPanel:
    """One metric over time; paths are empty where there is nothing of their kind.

    `coverage` is the share of predictions behind the newest measured value that have a label.
    """

    metric: str
    measured: str
    band: str
    estimated: str
    estimated_band: str
    ticks: tuple[Tick, ...]
    ends: tuple[str, str]
    now: float | None
    expected: float | None
    coverage: float | None


def performance_panels(figures: Sequence[PerformanceFigure]) -> list[MetricPanel]:
    """Panels of the metrics in `figures` (oldest window first), at most `PANELS`."""
    known = [figure for figure in figures if figure.value is not None]
    found = dict.fromkeys(figure.metric for figure in known)
    order = [name for name in FIRST if name in found]
    order += [name for name in found if name not in order]
    starts = sorted({figure.start for figure in known})
    place = {start: index for index, start in enumerate(starts)}
    return [_panel(name, [f for f in known if f.metric == name], place) for name in order[:PANELS]]


def _panel(
    metric: str, figures: Sequence[PerformanceFigure], place: Mapping[int, int]
) -> MetricPanel:
    across = Scale(0, max(1, len(place) - 1), LEFT, RIGHT)
    # Intervals of a few labels span everything; the values alone set the scale.
    values = [figure.value for figure in figures if figure.value is not None]
    low, high = domain(values)
    up = Scale(low, high, BOTTOM, TOP)
    measured = [figure for figure in figures if figure.kind == MEASURED]
    estimated = [figure for figure in figures if figure.kind == ESTIMATED]
    round_ = round_values(low, high, 3)
    starts = sorted(place)
    daily = any(figure.end - figure.start >= DAY for figure in figures)
    return MetricPanel(
        metric=metric,
        measured=_trace(measured, place, across, up),
        band=_band(measured, place, across, up),
        estimated=_trace(estimated, place, across, up),
        estimated_band=_band(estimated, place, across, up),
        ticks=tuple(map(Tick, map(up, round_), labels(round_))),
        ends=(words.tick(starts[0], daily=daily), words.tick(starts[-1], daily=daily)),
        now=measured[-1].value if measured else None,
        expected=estimated[-1].value if estimated else None,
        coverage=measured[-1].coverage if measured else None,
    )


def _trace(
    figures: Sequence[PerformanceFigure], place: Mapping[int, int], across: Scale, up: Scale
) -> str:
    """The values as a line, broken where a window has none."""
    points: list[tuple[float, float] | None] = []
    before: int | None = None
    for figure in figures:
        at = place[figure.start]
        if before is not None and at > before + 1:
            points.append(None)
        points.append((across(at), up(figure.value or 0.0)))
        before = at
    return line(points)


def _band(
    figures: Sequence[PerformanceFigure], place: Mapping[int, int], across: Scale, up: Scale
) -> str:
    """What lies between the bounds, as a closed path."""
    ends = [
        (across(place[figure.start]), up(figure.lower), up(figure.upper))
        for figure in figures
        if figure.lower is not None and figure.upper is not None
    ]
    if len(ends) < 2:  # noqa: PLR2004 - a point has no area
        return ""
    upper = [(x, high) for x, _, high in ends]
    lower = [(x, low) for x, low, _ in reversed(ends)]
    return line([*upper, *lower]) + "Z"

"""`/models/{m}`: per-column status over time, and the columns that matter as small multiples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.web.pages.charts.heat import Heat, heat, rank
from monitor.web.pages.charts.performance import performance_panels
from monitor.web.pages.charts.trend import Trend, trend
from monitor.web.pages.stories import stories
from monitor.web.pages.templating import render

if TYPE_CHECKING:
    from monitor.web.services import Queries
    from monitor.web.views import ModelSeries

WINDOWS = 60
ROWS = 40
PANELS = 9
DECISIONS = 200
STORIES = 8
FIGURES = 3_000
_EVERYTHING = 100_000


@dataclass(frozen=True, slots=True)
class Choice:
    """What of the model is shown: one segment, one version or all, the worst columns or all."""

    segment: str = ""
    version: str | None = None
    everything: bool = False


def model_page(queries: Queries, name: str, choice: Choice, *, address: str, refresh: int) -> str:
    """The page; blocks on the database."""
    detail = queries.model(name)
    series = queries.series(name, version=choice.version, segment=choice.segment, limit=WINDOWS)
    figures = queries.performance(
        name, version=choice.version, segment=choice.segment, limit=FIGURES
    )
    latest = queries.decisions(
        model=name, verdict=None, from_=None, to=None, limit=DECISIONS, cursor=None
    )
    return render(
        "model.html",
        title=f"{name} - driftd",
        detail=detail,
        choice=choice,
        heatmap=_heat(series, choice),
        panels=_panels(series),
        performance=performance_panels(figures),
        windows=series.windows,
        stories=stories(latest.items, STORIES),
        address=address,
        refresh=refresh,
    )


def _heat(series: ModelSeries, choice: Choice) -> Heat | None:
    if not series.windows:
        return None
    return heat(series, _EVERYTHING if choice.everything else ROWS)


def _panels(series: ModelSeries) -> list[Trend]:
    if not series.windows:
        return []
    return [trend(column, series.windows) for column in rank(series.columns)[:PANELS]]

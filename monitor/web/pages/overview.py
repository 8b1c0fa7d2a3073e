"""`/`: every model with its verdict now, its last windows, open alerts, last decisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.web.pages import words
from monitor.web.pages.charts.strip import Strip, strip
from monitor.web.pages.stories import stories
from monitor.web.pages.templating import render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.web.services import Queries
    from monitor.web.views import ModelSummary

WINDOWS = 60
DECISIONS = 200
STORIES = 10
ALERTS = 20
STRIP_ROOM = 660.0


@dataclass(frozen=True, slots=True)
class Row:
    """A model and its strip of windows; None without any closed window."""

    model: ModelSummary
    strip: Strip | None


def overview(queries: Queries, *, address: str, refresh: int) -> str:
    """The page; blocks on the database."""
    models = queries.models()
    decisions = queries.decisions(
        model=None, verdict=None, from_=None, to=None, limit=DECISIONS, cursor=None
    )
    return render(
        "overview.html",
        title="driftd",
        headline=words.headline(models),
        rows=[_row(queries, model) for model in _worst_first(models)],
        alerts=queries.alerts(state=None, limit=ALERTS),
        stories=stories(decisions.items, STORIES),
        status=queries.status(),
        address=address,
        refresh=refresh,
    )


def _worst_first(models: Sequence[ModelSummary]) -> list[ModelSummary]:
    return sorted(models, key=lambda model: -words.severity(model.verdict))


def _row(queries: Queries, model: ModelSummary) -> Row:
    windows = queries.windows(model.name, version=None, segment="", limit=WINDOWS)
    return Row(model, strip(windows, STRIP_ROOM) if windows else None)

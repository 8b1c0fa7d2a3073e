"""The Jinja2 environment: autoescape on, undefined names are errors, filters from `words`."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from monitor import __version__
from monitor.web.pages import words
from monitor.web.pages.charts import distribution, heat, performance, trend
from monitor.web.pages.charts import strip as strips

_FILTERS = (
    "count",
    "number",
    "percent",
    "quantity",
    "signed",
    "at",
    "at_text",
    "short",
    "segment",
    "metric",
)


@cache
def environment() -> Environment:
    """Shared by all pages; templates are compiled once."""
    found = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update({name: getattr(words, name) for name in _FILTERS})
    found.globals.update(
        version=__version__,
        span=words.span,
        span_text=words.span_text,
        heat=heat,
        trend=trend,
        metrics=performance,
        distribution=distribution,
        strips=strips,
    )
    return found


def render(template: str, **values: Any) -> str:
    """The page `template` as HTML text."""
    return environment().get_template(template).render(**values)

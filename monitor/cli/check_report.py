"""What `driftd check` writes: a table, JSON, or one HTML file that needs nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

import monitor.web
from monitor import __version__
from monitor.web.documents import ColumnEvidence
from monitor.web.pages.charts import distribution
from monitor.web.pages.charts.distribution import Dumbbells, Histogram, draw

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.cli.check_compare import Checked, ColumnResult

HEADER = ("column", "status", "change", "effect", "at least", "p (Holm)")
TEMPLATE = "check.html.j2"
STYLE = Path(monitor.web.__file__).parent / "static" / "driftd.css"
MOST_PICTURES = 200
EXACT = 1e-300


def table_rows(checked: Checked) -> list[Sequence[str]]:
    """Cells of the table on the terminal, under `HEADER`."""
    return [
        (
            column.name,
            column.status,
            column.text,
            _share(column.effect),
            _share(column.effect_low),
            p_text(column.p_value),
        )
        for column in checked.columns
    ]


def document(checked: Checked, reference: str, current: str) -> dict[str, Any]:
    """The answer as plain data for `--json`."""
    return {
        "verdict": checked.verdict,
        "summary": checked.summary,
        "guarantee": checked.guarantee,
        "reference": {"path": reference, "rows": checked.reference_rows},
        "current": {"path": current, "rows": checked.current_rows},
        "columns": [_column(column) for column in checked.columns],
        "findings": [
            {
                "column": finding.column,
                "kind": finding.kind.value,
                "severity": finding.severity,
                "observed": finding.observed,
                "expected": finding.expected,
                "text": finding.text,
            }
            for finding in checked.findings
        ],
    }


def html(checked: Checked, reference: str, current: str) -> str:
    """A page with everything inline; every name and value is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(share=_share, p=p_text)
    style = Markup(STYLE.read_text(encoding="utf-8"))  # noqa: S704 - our own file
    return environment.get_template(TEMPLATE).render(
        checked=checked,
        reference=reference,
        current=current,
        pictures=_pictures(checked),
        distribution=distribution,
        style=style,
        version=__version__,
    )


def p_text(value: float | None) -> str:
    """`0.021`, `3.1e-09`, `<1e-300`."""
    if value is None:
        return ""
    return f"{value:.2g}" if value >= EXACT else "<1e-300"


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"


def _column(column: ColumnResult) -> dict[str, Any]:
    return {
        "name": column.name,
        "kind": column.kind,
        "status": column.status,
        "text": column.text,
        "p_value": column.p_value,
        "effect": column.effect,
        "effect_low": column.effect_low,
        "statistics": dict(column.statistics or {}),
    }


def _pictures(checked: Checked) -> list[tuple[ColumnResult, Histogram | None, Dumbbells | None]]:
    """Columns with a picture, in the order of the results."""
    drawn: list[tuple[ColumnResult, Histogram | None, Dumbbells | None]] = []
    for column in checked.columns[:MOST_PICTURES]:
        shown = checked.pictures.get(column.name, {})
        if "baseline" not in shown:
            continue
        picture = draw(ColumnEvidence(**shown))
        if isinstance(picture, Histogram):
            drawn.append((column, picture, None))
        elif isinstance(picture, Dumbbells):
            drawn.append((column, None, picture))
    return drawn

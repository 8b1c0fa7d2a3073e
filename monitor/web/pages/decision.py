"""`/decisions/{id}`: why this verdict, what was measured, how to check it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.errors import NotFoundError
from monitor.web.documents import (
    ColumnEvidence,
    Decision,
    Evidence,
    Finding,
    JudgedColumn,
    read_decision,
    read_evidence,
)
from monitor.web.pages import words
from monitor.web.pages.charts.distribution import Dumbbells, Histogram, draw
from monitor.web.pages.templating import render

if TYPE_CHECKING:
    from monitor.web.services import Queries
    from monitor.web.views import ColumnInfo

PICTURES = 12
ROWS = 60
_EVERYTHING = 100_000


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """One judged column with what the baseline knows about it."""

    name: str
    unit: str
    judged: JudgedColumn


@dataclass(frozen=True, slots=True)
class Picture:
    """One column's distribution, drawn, with its evidence series."""

    name: str
    unit: str
    verdict: str
    histogram: Histogram | None
    dumbbells: Dumbbells | None
    column: ColumnEvidence


def decision_page(queries: Queries, decision_id: str, *, everything: bool) -> str:
    """The page; blocks on the database."""
    decision = read_decision(queries.decision(decision_id))
    units = {info.name: info.unit for info in _columns(queries, decision.model)}
    rows = _rows(decision, units)
    pictures = _pictures(rows, _evidence(queries, decision_id))
    most = _EVERYTHING if everything else PICTURES
    return render(
        "decision.html",
        title=f"{decision.model}: {decision.verdict} - driftd",
        decision=decision,
        findings=[(finding, _reach(finding)) for finding in decision.findings],
        rows=rows if everything else rows[:ROWS],
        hidden_rows=0 if everything else max(0, len(rows) - ROWS),
        pictures=pictures[:most],
        hidden_pictures=max(0, len(pictures) - most),
        detectors=sorted({name for row in rows for name in row.judged.statistics}),
    )


def _columns(queries: Queries, model: str) -> tuple[ColumnInfo, ...]:
    """Units of the columns; a model that left the configuration still has its decisions."""
    try:
        return queries.model(model).columns
    except NotFoundError:
        return ()


def _evidence(queries: Queries, decision_id: str) -> Evidence:
    """Evidence may have been removed by retention; the decision stays."""
    try:
        return read_evidence(queries.evidence(decision_id))
    except NotFoundError:
        return Evidence()


def _rows(decision: Decision, units: dict[str, str]) -> list[ColumnRow]:
    """Columns with findings first, in their order, then by how much they ask for attention."""
    places: dict[str, int] = {}
    for place, finding in enumerate(decision.findings):
        places.setdefault(finding.column, place)

    def key(item: tuple[str, JudgedColumn]) -> tuple[int, int, float]:
        name, column = item
        evidence = (column.evidence_log10 or 0.0) / (column.line_log10 or 1.0)
        return (places.get(name, len(places)), -words.severity(column.verdict), -evidence)

    ordered = sorted(decision.columns.items(), key=key)
    return [ColumnRow(name, units.get(name, ""), column) for name, column in ordered]


def _pictures(rows: list[ColumnRow], evidence: Evidence) -> list[Picture]:
    """Drawings in the order of the rows; columns without shares have none."""
    pictures = []
    for row in rows:
        column = evidence.columns.get(row.name)
        drawn = None if column is None else draw(column)
        if column is None or drawn is None:
            continue
        pictures.append(
            Picture(
                name=row.name,
                unit=row.unit,
                verdict=row.judged.verdict,
                histogram=drawn if isinstance(drawn, Histogram) else None,
                dumbbells=drawn if isinstance(drawn, Dumbbells) else None,
                column=column,
            )
        )
    return pictures


def _reach(finding: Finding) -> float | None:
    """Evidence as a share of twice the alarm line, so the line itself stands in the middle."""
    if finding.evidence_log10 is None or not finding.line_log10:
        return None
    return round(min(1.0, max(0.0, finding.evidence_log10 / (2 * finding.line_log10))), 3)

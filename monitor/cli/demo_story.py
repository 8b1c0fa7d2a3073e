"""What the demo tells at its end: decisions as episodes, in plain sentences.

Windows in a row that say the same of the same column are one episode; people remember "delays rose
in June", not forty daily decisions.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RINGING = frozenset({"drift", "broken"})


@dataclass(slots=True)
class Episode:
    """One thing that was wrong from `start` to `end` (RFC 3339 days), told by its first window."""

    kind: str
    column: str
    severity: str
    text: str
    start: str
    end: str
    windows: int = 1


def episodes(decisions: Sequence[dict[str, Any]], patience: int = 3) -> list[Episode]:
    """Group findings of decisions (oldest first); at most `patience` quiet windows inside one."""
    found: list[Episode] = []
    running: dict[tuple[str, str, str], tuple[Episode, int]] = {}
    for index, decision in enumerate(decisions):
        for finding in _ringing(decision):
            # A drift that changes its character while it lasts is another episode.
            key = (finding["kind"], finding["column"], _character(finding))
            known, last = running.get(key, (None, index))
            if known is None or index - last > patience:
                known = _episode(finding, decision)
                found.append(known)
            else:
                known.end, known.windows = _day(decision["window"]["end"]), known.windows + 1
            running[key] = (known, index)
    return found


@dataclass(frozen=True, slots=True)
class Month:
    """What the decisions of one month say; `mean` and `missing` are of `dep_delay`."""

    name: str
    records: int
    mean: float
    missing: float
    days: dict[str, int]


def months(decisions: Sequence[dict[str, Any]], column: str = "dep_delay") -> list[Month]:
    """The year in numbers, from the windows' own profiles; windows not judged are left out."""
    grouped: dict[str, list[dict[str, Any]]] = {}
    for decision in decisions:
        if decision["columns"][column].get("mean") is not None:
            grouped.setdefault(decision["window"]["start"][:7], []).append(decision)
    return [_month(name, found, column) for name, found in grouped.items()]


def by_month(figures: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Mean of the days' values by month and kind, weighted by their labels or rows."""
    sums: dict[tuple[str, str], list[float]] = {}
    for figure in figures:
        if figure["value"] is not None:
            weight = figure["labelled"] or figure["rows"]
            total = sums.setdefault((figure["start"][:7], figure["kind"]), [0.0, 0.0])
            total[0] += weight * figure["value"]
            total[1] += weight
    found: dict[str, dict[str, float]] = {}
    for (month, kind), (total_value, weight) in sums.items():
        found.setdefault(month, {})[kind] = total_value / weight
    return found


def _month(name: str, decisions: Sequence[dict[str, Any]], column: str) -> Month:
    records = [decision["window"]["records"] for decision in decisions]
    values = [decision["columns"][column] for decision in decisions]
    missing = [n * value["missing_ratio"] for n, value in zip(records, values, strict=True)]
    present = [n - m for n, m in zip(records, missing, strict=True)]
    total = sum(p * value["mean"] for p, value in zip(present, values, strict=True))
    return Month(
        name=name,
        records=sum(records),
        mean=total / sum(present),
        missing=sum(missing) / sum(records),
        days=dict(Counter(decision["verdict"] for decision in decisions)),
    )


def _character(finding: dict[str, Any]) -> str:
    return f"{finding['measure']} {finding['since']}" if finding["kind"] == "drift" else ""


def _ringing(decision: dict[str, Any]) -> Iterable[dict[str, Any]]:
    return (
        finding
        for finding in decision["findings"]
        if finding["severity"] in RINGING or finding["kind"] != "drift"
    )


def _episode(finding: dict[str, Any], decision: dict[str, Any]) -> Episode:
    window = decision["window"]
    return Episode(
        kind=finding["kind"],
        column=finding["column"],
        severity=finding["severity"],
        text=finding["text"],
        start=_day(window["start"]),
        end=_day(window["end"]),
    )


def _day(moment: str) -> str:
    return moment[:10]

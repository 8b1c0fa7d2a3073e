"""What the demo tells at its end: decisions as episodes, in plain sentences.

Windows in a row that say the same of the same column are one episode; people remember "delays rose
in June", not forty daily decisions.
"""

from __future__ import annotations

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

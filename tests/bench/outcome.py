"""One figure of a bench: what it is, ours beside the peer's, and what was promised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Better: TypeAlias = Literal["more", "less"]

TOLERANCE: Final[Mapping[str, float]] = {
    "ms": 0.5,
    "s": 0.5,
    "x": 0.3,
    "records/s": 0.4,
    "MB": 0.1,
}
"""How much worse than the committed figure, by unit, before a warning is printed.

Wide where time is measured: the machines that run this are shared.
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a scenario came to. `name` is permanent: the committed baseline is keyed by it.

    `target` is None where nothing was promised; `peer` says who was measured beside us in the same
    run, and `peer_value` is in the same unit.
    """

    name: str
    value: float
    unit: str
    better: Better
    target: float | None = None
    peer: str = ""
    peer_value: float | None = None
    note: str = ""

    @property
    def passed(self) -> bool | None:
        """Whether the promise was kept, None where there is none."""
        if self.target is None:
            return None
        more = self.better == "more"
        return self.value >= self.target if more else self.value <= self.target


def table(outcomes: Sequence[Outcome]) -> str:
    """All outcomes as one table of text."""
    head = ("scenario", "ours", "peer or floor, same run", "target", "", "note")
    rows = [head, *(_row(outcome) for outcome in outcomes)]
    widths = [max(len(row[at]) for row in rows) for at in range(len(head))]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)


def _row(outcome: Outcome) -> tuple[str, ...]:
    sign = ">=" if outcome.better == "more" else "<="
    target = "" if outcome.target is None else f"{sign} {_figure(outcome.target, outcome.unit)}"
    peer = outcome.peer
    if outcome.peer_value is not None:
        peer += f": {_figure(outcome.peer_value, outcome.unit)}"
    said = {None: "", True: "pass", False: "FAIL"}[outcome.passed]
    ours = _figure(outcome.value, outcome.unit)
    return outcome.name, ours, peer, target, said, outcome.note


def _figure(value: float, unit: str) -> str:
    digits = 0 if abs(value) >= 100 else 2 if abs(value) < 10 else 1
    return f"{value:,.{digits}f} {unit}"


def warnings(outcomes: Sequence[Outcome], baseline: Mapping[str, float]) -> list[str]:
    """What is worse than the committed figures by more than is tolerated."""
    found = []
    for outcome in outcomes:
        before = baseline.get(outcome.name)
        if not before:
            continue
        change = outcome.value / before - 1
        worse = -change if outcome.better == "more" else change
        if worse > TOLERANCE[outcome.unit]:
            was, now = _figure(before, outcome.unit), _figure(outcome.value, outcome.unit)
            found.append(f"{outcome.name}: {now}, was {was} ({100 * worse:.0f} % worse)")
    return found

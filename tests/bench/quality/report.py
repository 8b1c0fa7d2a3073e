"""Tables of figures: printed, kept as JSON, written into the documentation."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Table:
    """One table.

    Parameters
    ----------
    name
        Permanent name, such as `1 false alarms`.
    title
        What it shows, a sentence.
    header, rows
        Cells as text; the first column names the row.
    notes
        Sentences below it.
    readme
        Rows (by their first cell) and columns (by their header) that the README shows.
    """

    name: str
    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    readme: tuple[tuple[str, ...], tuple[str, ...]] = field(default=((), ()))

    def markdown(self) -> str:
        """The table with its title and notes."""
        lines = [f"### {self.title}", "", *_grid(self.header, self.rows)]
        if self.notes:
            lines += ["", *(note for note in self.notes)]
        return "\n".join(lines)

    def excerpt(self) -> str:
        """What the README shows of it; empty when it shows nothing."""
        rows, columns = self.readme
        if not rows:
            return ""
        places = [i for i, name in enumerate(self.header) if i == 0 or name in columns]
        header = tuple(self.header[i] for i in places)
        kept = [tuple(row[i] for i in places) for row in self.rows if row[0] in rows]
        return "\n".join([f"**{self.title}**", "", *_grid(header, kept)])

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def _grid(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [header, ["---"] * len(header), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]


def number(value: float) -> str:
    """A figure for people: three digits, thousands with commas, never for infinity."""
    if np.isnan(value):
        return "-"
    if np.isinf(value):
        return "never"
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"

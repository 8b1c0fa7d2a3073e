"""How commands speak: data to standard output, everything else to standard error.

Decoration (colour, progress) appears on a terminal only; what a pipe gets is plain and stable.
"""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

GAP = "  "


def say(text: str) -> None:
    """Tell the person at the terminal something that is not data."""
    click.echo(text, err=True)


def print_json(value: Any) -> None:
    """Write one JSON document: sorted keys, two spaces, no NaN (`ValueError` for one)."""
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    click.echo(text)


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write rows under a header, aligned; on a terminal with a little colour.

    Cells that are numbers (by their first character) are aligned to the right.
    """
    if sys.stdout.isatty():
        _rich_table(header, rows)
        return
    for line in table_lines(header, rows):
        click.echo(line)


def table_lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table as plain text, without trailing blanks."""
    columns = [[title, *cells] for title, *cells in zip(header, *rows, strict=True)]
    widths = [max(map(len, cells)) for cells in columns]
    right = [_is_numeric(cells[1:]) for cells in columns]
    return [
        GAP.join(
            cell.rjust(width) if numeric else cell.ljust(width)
            for cell, width, numeric in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in [header, *rows]
    ]


def _is_numeric(cells: Sequence[str]) -> bool:
    filled = [cell for cell in cells if cell]
    return bool(filled) and all(cell[0].isdigit() or cell[0] in "+-.<" for cell in filled)


def _rich_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, header_style="bold", pad_edge=False)
    for index, title in enumerate(header):
        numeric = _is_numeric([row[index] for row in rows])
        table.add_column(title, justify="right" if numeric else "left")
    for row in rows:
        # Text, not str: a column name with brackets must not turn into markup.
        table.add_row(*map(Text, row))
    Console().print(table)


@contextmanager
def progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """Show how far a long piece of work is, on a terminal; give a callback `(done, total)`."""
    if not sys.stderr.isatty():
        yield lambda done, total: None  # noqa: ARG005 - the shape of the callback
        return
    from rich.console import Console  # noqa: PLC0415 - only a terminal needs it
    from rich.progress import Progress  # noqa: PLC0415

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)

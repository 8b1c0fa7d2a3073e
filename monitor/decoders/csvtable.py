"""CSV lines as a `Table`: every line is one row, and no line can harm another."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np

from monitor.columnar import column_of
from monitor.decoders.assembly import problem
from monitor.decoders.base import Fault
from monitor.decoders.cells import cells
from monitor.record import Reason, Texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from monitor.record import Column, Limits, Problem

    Numbered = tuple[int, bytes]


class CsvTable:
    """Cells by column; made by `csv_table`."""

    def __init__(
        self,
        names: Sequence[str],
        columns: Sequence[Sequence[str]],
        lines: Sequence[Numbered],
        missing: frozenset[str],
    ) -> None:
        self.names = names
        self.lines: NDArray[np.int64] = np.array([number for number, _ in lines], dtype=np.int64)
        self._columns = dict(zip(names, columns, strict=True))
        self._lines = lines
        self._missing = missing

    def column(self, name: str) -> Column:
        """Values of a column, each cell read by itself."""
        return cells(self._columns[name], self._missing)

    instants = column

    def texts(self, name: str) -> list[str | None]:
        """Cells of a column as they are written."""
        return [None if text in self._missing else text for text in self._columns[name]]

    def words(self, name: str) -> Texts:
        """Cells of a column as they are written, each different one once."""
        return words_of(self.texts(name))

    def payload(self, row: int) -> bytes:
        """Give back the line of a row."""
        return self._lines[row][1]


def words_of(texts: Sequence[str | None]) -> Texts:
    """Make a text column even if no row has a text."""
    column = column_of(texts)
    return column if isinstance(column, Texts) else Texts(np.full(len(texts), -1, np.int32), ())


def csv_table(
    lines: Sequence[Numbered], missing: frozenset[str], limits: Limits
) -> tuple[CsvTable | None, list[Problem]]:
    """Cut numbered lines, the first of which is the header, into a table.

    Returns
    -------
    table : CsvTable or None
        The lines that have as many fields as the header; None if the header is unreadable.
    problems : list of Problem
        The other lines.
    """
    (first, heading), *body = lines
    header = _cut(heading, limits)
    if isinstance(header, Fault):
        return None, [problem(first, header, heading[: limits.max_record_bytes])]
    rows: list[list[str]] = []
    kept: list[Numbered] = []
    problems: list[Problem] = []
    for (number, line), fields in zip(body, _cut_all(body, limits), strict=True):
        if not isinstance(fields, Fault) and len(fields) == len(header):
            rows.append(fields)
            kept.append((number, line))
            continue
        fault = fields if isinstance(fields, Fault) else _miscounted(fields, header)
        problems.append(problem(number, fault, line[: limits.max_record_bytes]))
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    return CsvTable(header, columns, kept, missing), problems


def _miscounted(fields: list[str], header: list[str]) -> Fault:
    return Fault(Reason.SCHEMA, f"{len(fields)} fields where the header has {len(header)}")


def _cut_all(lines: Sequence[Numbered], limits: Limits) -> Iterable[list[str] | Fault]:
    """Cut all lines into fields; in one go if none of them can affect another."""
    if all(len(line) <= limits.max_record_bytes for _, line in lines):
        try:
            rows = list(csv.reader([_text(line) for _, line in lines], strict=True))
        except (UnicodeDecodeError, csv.Error):
            rows = []
        # As many rows as lines: no line break within quotes has joined any two.
        if len(rows) == len(lines):
            return rows
    return (_cut(line, limits) for _, line in lines)


def _cut(line: bytes, limits: Limits) -> list[str] | Fault:
    if len(line) > limits.max_record_bytes:
        detail = f"{len(line)} bytes, more than the {limits.max_record_bytes} allowed"
        return Fault(Reason.RECORD_TOO_LARGE, detail)
    try:
        return next(csv.reader([_text(line)], strict=True))
    except UnicodeDecodeError as error:
        return Fault(Reason.NOT_UTF8, f"byte {error.start + 1}: {error.reason}")
    except csv.Error as error:
        return Fault(Reason.SCHEMA, f"not a line of CSV: {error}")


def _text(line: bytes) -> str:
    return line.decode().removesuffix("\r")

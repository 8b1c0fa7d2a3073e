"""Flat tables with a mapping of columns: CSV, NDJSON, Parquet, Arrow streams.

For logs that were not written for driftd. A `TableLayout` says what the columns are; what it
leaves open is recognised by name. In CSV one line is one row: a line break inside quotes makes
that line a problem, for otherwise one stray quote would swallow everything after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from monitor.decoders.arrowtable import decode_table, open_parquet, open_stream, require_pyarrow
from monitor.decoders.assembly import problem
from monitor.decoders.base import Fault
from monitor.decoders.csvtable import csv_table
from monitor.decoders.inspection import Inspection
from monitor.decoders.jsontable import JsonTable, flat, flat_colons, objects
from monitor.decoders.layout import roles_of
from monitor.decoders.strictjson import StrictJson
from monitor.decoders.tables import TableReader
from monitor.decoders.tabletimes import TimeRules
from monitor.errors import InputError
from monitor.record import Decoded, Limits, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.decoders.layout import TableLayout
    from monitor.decoders.tables import Table
    from monitor.record import Problem

_BOM: Final = b"\xef\xbb\xbf"


class _Reader:
    """What the four formats share: a layout, limits, and one problem for an unreadable table."""

    def __init__(self, layout: TableLayout, limits: Limits | None) -> None:
        self.layout = layout
        self.limits = limits or Limits()
        rules = TimeRules(layout.timezone, layout.time_unit, self.limits.max_future_seconds)
        self._reader = TableReader(layout.model, layout.version_name, rules, self.limits)

    def read(self, table: Table, problems: Sequence[Problem], received_at: int) -> Decoded:
        """Decode a table whose own format already lost some rows to `problems`."""
        decoded = self._reader.read(table, roles_of(self.layout, table.names), received_at)
        merged = sorted((*problems, *decoded.problems), key=lambda each: each.line)
        return Decoded(decoded.records, decoded.labels, merged)

    def arrow(self, opened: Any | Fault, received_at: int) -> Decoded:
        """Decode an Arrow table, or say why there is none."""
        return decode_table(opened, lambda table: self.read(table, (), received_at))


def _refused(error: InputError) -> Decoded:
    return Decoded(problems=[problem(1, Fault(Reason.SCHEMA, str(error)))])


class ArrowTableDecoder:
    """An Arrow IPC stream with a layout; needs pyarrow (`InputError` if it is not installed)."""

    def __init__(self, layout: TableLayout, limits: Limits | None = None) -> None:
        require_pyarrow()
        self._reader = _Reader(layout, limits)

    def decode(self, payload: bytes, received_at: int) -> Decoded:
        """Read a payload as `Decoder` says."""
        return self._reader.arrow(open_stream(payload), received_at)


class ParquetDecoder:
    """A whole Parquet file with a layout; needs pyarrow (`InputError` if it is not installed)."""

    def __init__(self, layout: TableLayout, limits: Limits | None = None) -> None:
        require_pyarrow()
        self._reader = _Reader(layout, limits)

    def decode(self, payload: bytes, received_at: int) -> Decoded:
        """Read a payload as `Decoder` says."""
        return self._reader.arrow(open_parquet(payload), received_at)


class CsvDecoder:
    """CSV with a header line, UTF-8, commas, RFC 4180 quotes; see `cells` for its values."""

    def __init__(self, layout: TableLayout, limits: Limits | None = None) -> None:
        self._reader = _Reader(layout, limits)

    def decode(self, payload: bytes, received_at: int) -> Decoded:
        """Read a payload as `Decoder` says; the header is line 1 but no row."""
        lines = enumerate(payload.removeprefix(_BOM).split(b"\n"), 1)
        present = [(number, line) for number, line in lines if line and not line.isspace()]
        if not present:
            return Decoded()
        missing = frozenset(self._reader.layout.missing)
        opened, problems = csv_table(present, missing, self._reader.limits)
        if opened is None:
            return Decoded(problems=problems)
        try:
            return self._reader.read(opened, problems, received_at)
        except InputError as error:
            return _refused(error)


class JsonLinesDecoder:
    """NDJSON of flat objects with a layout; members of nested objects are `<outer>.<inner>`."""

    def __init__(self, layout: TableLayout, limits: Limits | None = None) -> None:
        self._reader = _Reader(layout, limits)
        bounds = self._reader.limits
        self._json = StrictJson(bounds, lambda text: objects(bounds, text), flat_colons)

    def decode(self, payload: bytes, received_at: int) -> Decoded:
        """Read a payload as `Decoder` says."""
        rows: list[Mapping[str, Any]] = []
        kept: list[tuple[int, bytes]] = []
        problems: list[Problem] = []
        bound = self._reader.limits.max_record_bytes
        for number, line in enumerate(payload.removeprefix(_BOM).split(b"\n"), 1):
            if not line or line.isspace():
                continue
            row = self._json.read(line)
            if not isinstance(row, Inspection):
                rows.append(flat(row))
                kept.append((number, line))
            elif row.fault:
                problems.append(problem(number, row.fault, line[:bound]))
        table = JsonTable(rows, kept, self._reader.layout.named())
        return self._reader.read(table, problems, received_at)

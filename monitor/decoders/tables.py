"""From a table with known roles to batches: the part that CSV, NDJSON, Parquet and Arrow share.

Everything works on whole columns; a row that breaks a rule is masked out with its reason and its
neighbours stay. A row that carries a prediction and its truth counts as a record *and* a label.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from monitor.columnar import take, take_labels
from monitor.decoders.assembly import SCORE, feature_column, problem
from monitor.decoders.base import Fault
from monitor.decoders.rowhash import row_ids
from monitor.decoders.tablefaults import mark_column, mark_rows, shape_fault, text_faults
from monitor.decoders.tabletimes import TimeRules, table_times
from monitor.record import (
    PREDICTION,
    SCORE_PREFIX,
    Booleans,
    Column,
    Decoded,
    LabelBatch,
    Numbers,
    Reason,
    RecordBatch,
    Texts,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from monitor.decoders.layout import Roles
    from monitor.decoders.tablefaults import Faults
    from monitor.decoders.tabletimes import Instants
    from monitor.record import Limits

LABEL_KIND: Final = "label"
_RECORD_KINDS: Final = ("", "record", "prediction")
_TIME: Final = "\0time"


class Table(Protocol):
    """A table as its format gives it; columns are made only when they are asked for."""

    @property
    def names(self) -> Sequence[str]:
        """Names of the columns."""
        ...

    @property
    def lines(self) -> NDArray[np.int64]:
        """1-based line or row number of each row in the payload."""
        ...

    def column(self, name: str) -> Column:
        """Values of a column."""
        ...

    def words(self, name: str) -> Texts:
        """Values of a column spelled as texts, for columns of few different values."""
        ...

    def texts(self, name: str) -> list[str | None]:
        """Values of a column spelled exactly, for columns of many different values: ids."""
        ...

    def instants(self, name: str) -> Instants | Column:
        """Timestamps where the format has such a type, else the values."""
        ...

    def payload(self, row: int) -> bytes:
        """What the quarantine should keep of a row."""
        ...


@dataclass(frozen=True, slots=True)
class _Parts:
    """All rows of a table, good or bad, before they are dealt out to batches."""

    models: Texts
    versions: Texts
    kinds: Texts | None
    rows: RecordBatch
    named: NDArray[np.bool_]
    """Rows that state an id of their own."""
    truths: LabelBatch | None


class TableReader:
    """Turns tables into batches; holds no state between tables.

    Parameters
    ----------
    model, version : str
        Of all rows, unless the roles name columns for them.
    """

    def __init__(self, model: str, version: str, rules: TimeRules, limits: Limits) -> None:
        self._model = model
        self._version = version
        self._rules = rules
        self._limits = limits

    def read(self, table: Table, roles: Roles, received_at: int) -> Decoded:
        """Read a whole table; never raises on what its rows hold."""
        fault = shape_fault(table.names, self._limits)
        if fault:
            return Decoded(problems=[problem(1, fault)])
        faults: Faults = {}
        parts = self._parts(table, roles, received_at, faults)
        _mark_incomplete(parts, faults)
        for column in (*parts.rows.columns.values(), *parts.rows.segments.values()):
            mark_column(column, self._limits, faults)
        keep = np.ones(len(parts.rows), dtype=np.bool_)
        keep[list(faults)] = False
        bound = self._limits.max_record_bytes
        problems = [
            problem(int(table.lines[row]), faults[row], table.payload(row)[:bound])
            for row in sorted(faults)
        ]
        return Decoded(list(_records(parts, keep)), list(_labels(parts, keep)), problems)

    def _parts(self, table: Table, roles: Roles, received_at: int, faults: Faults) -> _Parts:
        size = len(table.lines)
        columns, segments = _named(table, roles)
        times = np.full(size, received_at, dtype=np.int64)
        if roles.time:
            times, found = table_times(table.instants(roles.time), self._rules, received_at)
            faults.update(found)
        content = columns | ({_TIME: Numbers(times.astype(np.float64))} if roles.time else {})
        ids, named = self._ids(table, roles.id, content, faults)
        rows = RecordBatch("", "", ids, times, columns, segments, table.lines)
        return _Parts(
            _words(table, roles.model, self._model),
            _words(table, roles.version, self._version),
            table.words(roles.kind) if roles.kind else None,
            rows,
            named,
            self._truths(table, roles, rows, received_at, faults),
        )

    def _ids(
        self, table: Table, name: str, content: Mapping[str, Column], faults: Faults
    ) -> tuple[tuple[str, ...], NDArray[np.bool_]]:
        size = len(table.lines)
        if not name:
            return tuple(row_ids(content, size)), np.zeros(size, dtype=np.bool_)
        texts = table.texts(name)
        faults.update(text_faults(texts, self._limits) | faults)
        stated = tuple(text for text in texts if text)
        if len(stated) == size:
            return stated, np.ones(size, dtype=np.bool_)
        made = row_ids(content, size)
        ids = tuple(own or other for own, other in zip(texts, made, strict=True))
        return ids, np.array([bool(text) for text in texts])

    def _truths(
        self, table: Table, roles: Roles, rows: RecordBatch, received_at: int, faults: Faults
    ) -> LabelBatch | None:
        if not roles.label:
            return None
        times = rows.times
        labels = table.column(roles.label)
        mark_column(labels, self._limits, faults)
        if roles.label_time:
            column = table.instants(roles.label_time)
            times, found = table_times(column, self._rules, received_at)
            # A row without a truth needs no good time for it.
            present = _present(labels)
            faults.update({row: fault for row, fault in found.items() if present[row]})
        return LabelBatch("", rows.ids, times, labels, rows.lines)


def _named(table: Table, roles: Roles) -> tuple[dict[str, Column], dict[str, Column]]:
    """Columns and segments under the names they have in a batch."""
    columns = {feature_column(name): table.column(at) for name, at in roles.features.items()}
    if roles.prediction:
        columns[PREDICTION] = table.column(roles.prediction)
    if roles.score:
        columns[SCORE] = table.column(roles.score)
    columns |= {SCORE_PREFIX + name: table.column(at) for name, at in roles.scores.items()}
    return columns, {name: table.column(at) for name, at in roles.segments.items()}


def _words(table: Table, name: str, otherwise: str) -> Texts:
    if name:
        return table.words(name)
    return Texts(np.zeros(len(table.lines), dtype=np.int32), (otherwise,))


def _present(column: Column) -> NDArray[np.bool_]:
    if isinstance(column, Numbers):
        return ~np.isnan(column.values)
    if isinstance(column, Texts):
        return column.codes >= 0
    if isinstance(column, Booleans):
        return column.values >= 0
    return np.array([value is not None for value in column.values], dtype=np.bool_)


def _is_label(kinds: Texts | None, size: int) -> NDArray[np.bool_]:
    if kinds is None or LABEL_KIND not in kinds.vocabulary:
        return np.zeros(size, dtype=np.bool_)
    label: NDArray[np.bool_] = kinds.codes == kinds.vocabulary.index(LABEL_KIND)
    return label


def _mark_incomplete(parts: _Parts, faults: Faults) -> None:
    """Refuse rows without a model, of an unknown type, and label rows without a truth."""
    named = np.array([bool(word) for word in (*parts.models.vocabulary, "")])
    missing = Fault(Reason.MISSING_FIELD, "model is missing")
    mark_rows(~named[parts.models.codes], missing, faults)
    if parts.kinds is None:
        return
    for code, word in enumerate(parts.kinds.vocabulary):
        if word != LABEL_KIND and word not in _RECORD_KINDS:
            odd = Fault(Reason.SCHEMA, f"type is {word[:40]!r}, not 'record' or 'label'")
            mark_rows(parts.kinds.codes == code, odd, faults)
    labels = _is_label(parts.kinds, len(parts.rows))
    nameless = Fault(Reason.MISSING_FIELD, "a label needs the id of its record")
    mark_rows(labels & ~parts.named, nameless, faults)
    if parts.truths is not None:
        labels &= ~_present(parts.truths.labels)
    mark_rows(labels, Fault(Reason.MISSING_FIELD, "label is missing"), faults)


def _records(parts: _Parts, keep: NDArray[np.bool_]) -> Iterator[RecordBatch]:
    keys = parts.models.codes.astype(np.int64) * (len(parts.versions.vocabulary) + 1)
    keys += parts.versions.codes
    chosen = keep & ~_is_label(parts.kinds, len(keep))
    for rows in _groups(keys, chosen):
        batch = parts.rows if len(rows) == len(keep) else take(parts.rows, rows)
        first = rows[0]
        yield RecordBatch(
            parts.models.vocabulary[parts.models.codes[first]],
            (*parts.versions.vocabulary, "")[parts.versions.codes[first]],
            batch.ids,
            batch.times,
            _filled(batch.columns),
            _filled(batch.segments),
            batch.lines,
        )


def _filled(columns: Mapping[str, Column]) -> dict[str, Column]:
    """Leave out columns that no row of this batch has; another model's rows may have them."""
    return {name: column for name, column in columns.items() if _present(column).any()}


def _labels(parts: _Parts, keep: NDArray[np.bool_]) -> Iterator[LabelBatch]:
    if parts.truths is None:
        return
    for rows in _groups(parts.models.codes, keep & _present(parts.truths.labels)):
        model = parts.models.vocabulary[parts.models.codes[rows[0]]]
        batch = take_labels(parts.truths, rows)
        yield LabelBatch(model, batch.ids, batch.times, batch.labels, batch.lines)


def _groups(keys: NDArray[np.integer], chosen: NDArray[np.bool_]) -> Iterator[NDArray[np.intp]]:
    """Row numbers of the chosen rows by key, keys in order of first appearance."""
    rows = np.flatnonzero(chosen)
    values, firsts = np.unique(keys[rows], return_index=True)
    for value in values[np.argsort(firsts)]:
        yield rows[keys[rows] == value]

"""Text columns become numeric ones: `review.length`, `review.unknown_words` and so on.

The numbers are made where a batch meets its model, once, and are ordinary columns from there on:
they have a frame, evidence and findings like any number that was logged. A model without text pays
nothing. Statistics that never vary in the baseline's rows are no columns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from detectors.multivariate.encoders import dimension_of, load_encoder
from detectors.multivariate.text import STATISTICS, UNITS, Vocabulary, halves, text_statistics
from monitor.engine.columns import as_texts
from monitor.engine.keys import row_keys
from monitor.record import Numbers
from monitor.schema import ColumnSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from detectors.multivariate.encoders import Encoder
    from monitor.baseline import Baseline
    from monitor.record import Column, RecordBatch

TEXT: Final = "text"
MAX_LEARNED: Final = 200_000
"""Texts per column, evenly spaced, from which a vocabulary is learned."""


@dataclass(frozen=True)
class TextColumns:
    """Vocabularies of a baseline's text columns, and the derived columns `names` in use."""

    vocabularies: Mapping[str, Vocabulary]
    names: frozenset[str]

    @classmethod
    def learn(cls, rows: Sequence[RecordBatch], columns: Sequence[ColumnSpec]) -> TextColumns:
        """Vocabularies of the text columns; every statistic is in use."""
        texts = [column.name for column in columns if column.kind == TEXT]
        known = {name: _vocabulary(rows, name) for name in texts}
        return cls(known, frozenset(f"{name}.{what}" for name in texts for what in STATISTICS))

    @classmethod
    def of(cls, baseline: Baseline) -> TextColumns:
        """What a baseline was learned with."""
        known = baseline.vocabularies
        possible = {f"{name}.{what}" for name in known for what in STATISTICS}
        return cls(known, frozenset(possible & {column.name for column in baseline.columns}))

    def varying(self, rows: Sequence[RecordBatch]) -> TextColumns:
        """Use only what takes more than one value in these rows, which `extended` gave."""
        kept = frozenset(name for name in self.names if _varies(rows, name))
        return replace(self, names=kept)

    def specs(self) -> tuple[ColumnSpec, ...]:
        """The derived columns in use, column by column."""
        return tuple(
            ColumnSpec(f"{name}.{what}", "numeric", unit=unit, range=_range(unit))
            for name in self.vocabularies
            for what, unit in zip(STATISTICS, UNITS, strict=True)
            if f"{name}.{what}" in self.names
        )

    def extended(self, batch: RecordBatch) -> RecordBatch:
        """The batch with its derived columns; a column of that name that was logged stays."""
        columns = dict(batch.columns)
        for name, vocabulary in self.vocabularies.items():
            column = batch.columns.get(name)
            if column is None or not any(f"{name}.{what}" in self.names for what in STATISTICS):
                continue
            derived = _derived(column, halves(row_keys(batch.ids)), vocabulary)
            for what, values in zip(STATISTICS, derived.T, strict=True):
                if f"{name}.{what}" in self.names:
                    columns.setdefault(f"{name}.{what}", Numbers(np.ascontiguousarray(values)))
        return batch if len(columns) == len(batch.columns) else replace(batch, columns=columns)


def encoders_of(columns: Sequence[ColumnSpec]) -> dict[str, Encoder]:
    """Encoders of the text columns that name one.

    Raises
    ------
    ParameterError
        One is not installed.
    """
    return {c.name: load_encoder(c.encoder) for c in columns if c.kind == TEXT and c.encoder}


def encoded_dimensions(
    rows: Sequence[RecordBatch], encoders: Mapping[str, Encoder]
) -> dict[str, int]:
    """Length of every encoder's vectors, tried on the first text; nothing without a text."""
    found = {}
    for name, encoder in encoders.items():
        texts = (as_texts(batch.columns[name]) for batch in rows if name in batch.columns)
        first = next(
            (t.vocabulary[t.codes.max()] for t in texts if t.codes.max(initial=-1) >= 0), None
        )
        if first is not None:
            found[name] = dimension_of(encoder, first)
    return found


NO_TEXTS: Final = TextColumns({}, frozenset())


def derive(
    rows: Sequence[RecordBatch], columns: Sequence[ColumnSpec]
) -> tuple[TextColumns, list[RecordBatch], tuple[ColumnSpec, ...]]:
    """Learn a baseline's text columns; its rows and column specs with the derived ones."""
    if not any(column.kind == TEXT for column in columns):
        return NO_TEXTS, list(rows), tuple(columns)
    texts = TextColumns.learn(rows, columns)
    logged = {name for batch in rows for name in batch.columns}
    possible = texts.names - logged
    extended = [replace(texts, names=possible).extended(batch) for batch in rows]
    texts = replace(texts, names=possible).varying(extended)
    given = tuple(column for column in columns if column.name not in possible)
    told = {column.name: column for column in columns}
    specs = tuple(told.get(spec.name, spec) for spec in texts.specs())
    kept = [_without(batch, possible - texts.names) for batch in extended]
    return texts if texts.names else NO_TEXTS, kept, (*given, *specs)


def _vocabulary(rows: Sequence[RecordBatch], name: str) -> Vocabulary:
    step = max(1, -(-sum(map(len, rows)) // MAX_LEARNED))
    counts: dict[str, NDArray[np.int64]] = {}
    for batch in rows:
        column = batch.columns.get(name)
        if column is None:
            continue
        texts = as_texts(column)
        chosen = np.arange(0, len(batch), step)
        codes, half = texts.codes[chosen], halves(row_keys(batch.ids))[chosen]
        for side in (0, 1):
            found = np.bincount(codes[(codes >= 0) & (half == side)])
            for code in np.flatnonzero(found).tolist():
                text = texts.vocabulary[code]
                counts.setdefault(text, np.zeros(2, np.int64))[side] += found[code]
    table = np.array(list(counts.values()), np.int64).reshape(-1, 2)
    return Vocabulary.of(list(counts), table)


def _derived(
    column: Column, half: NDArray[np.int64], vocabulary: Vocabulary
) -> NDArray[np.float64]:
    """float64 `(n, len(STATISTICS))`; NaN where there is no text."""
    texts = as_texts(column)
    used = np.unique(texts.codes[texts.codes >= 0])
    measured = text_statistics([texts.vocabulary[code] for code in used.tolist()], vocabulary)
    derived = np.full((len(texts.codes), len(STATISTICS)), np.nan)
    there = texts.codes >= 0
    found = measured[np.searchsorted(used, texts.codes[there])]
    last = len(STATISTICS) - 1
    derived[there, :last] = found[:, :last]
    derived[there, last] = np.where(half[there] == 0, found[:, last], found[:, last + 1])
    return derived


def _varies(rows: Sequence[RecordBatch], name: str) -> bool:
    low, high = np.inf, -np.inf
    for batch in rows:
        column = batch.columns.get(name)
        if isinstance(column, Numbers):
            finite = column.values[np.isfinite(column.values)]
            low, high = min(low, finite.min(initial=low)), max(high, finite.max(initial=high))
    return bool(low < high)


def _without(batch: RecordBatch, names: frozenset[str]) -> RecordBatch:
    kept = {name: column for name, column in batch.columns.items() if name not in names}
    return batch if len(kept) == len(batch.columns) else replace(batch, columns=kept)


def _range(unit: str) -> tuple[float, float]:
    return (0.0, float("inf")) if unit else (0.0, 1.0)

"""What a baseline's rows are measured on: frame, lengths of vectors, segments."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from detectors.profile.fitting import fit_frame
from monitor.engine.columns import as_numbers, as_texts
from monitor.engine.segments import Segments, segment_column
from monitor.errors import InputError
from monitor.record import Mixed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from detectors.profile.frame import Frame
    from monitor.model import ModelSpec
    from monitor.record import Column, RecordBatch

CATEGORICAL = frozenset({"categorical", "boolean"})
NUMERIC = frozenset({"numeric"})
EMBEDDING = "embedding"
SEGMENTS_PER_KEY = 20
"""Most frequent values of a segment key that are watched."""


def frame_of(rows: Sequence[RecordBatch], spec: ModelSpec) -> Frame:
    """The frame that the rows' numbers and values ask for."""
    numeric: dict[str, NDArray[np.float64]] = {}
    categorical: dict[str, Counter[str]] = {}
    presence: list[str] = []
    for column in spec.columns:
        if column.kind in NUMERIC:
            parts = [as_numbers(batch.columns.get(column.name), len(batch))[0] for batch in rows]
            numeric[column.name] = np.concatenate(parts)
        elif column.kind in CATEGORICAL:
            categorical[column.name] = _counts(batch.columns.get(column.name) for batch in rows)
        elif column.kind != "ignore":
            presence.append(column.name)
    ranges = {c.name: c.range for c in spec.columns if c.range is not None and c.name in numeric}
    return fit_frame(numeric, categorical, presence, ranges)


def dimensions_of(rows: Sequence[RecordBatch], spec: ModelSpec) -> dict[str, int]:
    """Length of the first vector of every embedding column; nothing of columns without vectors."""
    embeddings = [column.name for column in spec.columns if column.kind == EMBEDDING]
    found = {
        name: next(filter(None, (_length(batch.columns.get(name)) for batch in rows)), 0)
        for name in embeddings
    }
    return {name: length for name, length in found.items() if length}


def _length(column: Column | None) -> int:
    values = column.values if isinstance(column, Mixed) else ()
    return next((len(value) for value in values if isinstance(value, list)), 0)


def _counts(columns: Iterable[Column | None]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for column in columns:
        if column is None:
            continue
        texts = as_texts(column)
        found = np.bincount(texts.codes[texts.codes >= 0], minlength=len(texts.vocabulary))
        counts.update(dict(zip(texts.vocabulary, found.tolist(), strict=True)))
    return counts


def segments_of(rows: Sequence[RecordBatch], spec: ModelSpec) -> Segments:
    """Values of the segment keys that are frequent enough to be watched on their own.

    Raises
    ------
    InputError
        No row has the key, or no value has `spec.min_records` rows.
    """
    known: list[tuple[str, tuple[str, ...]]] = []
    for key in spec.segments:
        counts = _counts(segment_column(batch, key) for batch in rows)
        if not counts:
            msg = f"model {spec.name!r}: no record of the baseline has the segment {key!r}"
            raise InputError(msg)
        frequent = counts.most_common(SEGMENTS_PER_KEY)
        large = sorted(value for value, count in frequent if count >= spec.min_records)
        if not large:
            raise InputError(
                f"model {spec.name!r}: no value of the segment {key!r} has {spec.min_records} "
                "records in the baseline; leave it out of models[].segments"
            )
        known.append((key, tuple(large)))
    return tuple(known)

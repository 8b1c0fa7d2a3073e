"""Which slices of a stream are watched on their own.

A segment is one value of one declared key (`origin=EWR`). Only values that the baseline knows
have a stream: their number is bounded by the baseline, not by the traffic. The key is looked up
among the record's own segments first, then among its features.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from monitor.columnar import take
from monitor.engine.columns import as_texts
from monitor.model import WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from monitor.record import Column, RecordBatch

Segments: TypeAlias = "tuple[tuple[str, tuple[str, ...]], ...]"
"""Segment keys, each with the values that are watched."""


def segment_name(key: str, value: str) -> str:
    """The public name of a segment."""
    return f"{key}={value}"


def known_segments(names: Iterable[str]) -> Segments:
    """The segments that a baseline knows, from their public names (`WHOLE` is none of them)."""
    known: dict[str, list[str]] = {}
    for name in names:
        if name != WHOLE:
            key, _, value = name.partition("=")
            known.setdefault(key, []).append(value)
    return tuple((key, tuple(values)) for key, values in known.items())


def split(batch: RecordBatch, known: Segments) -> Iterator[tuple[str, RecordBatch]]:
    """The whole batch, then its rows in each known segment that has any."""
    yield WHOLE, batch
    for key, values in known:
        column = segment_column(batch, key)
        if column is None:
            continue
        texts = as_texts(column)
        lookup = {value: code for code, value in enumerate(texts.vocabulary)}
        for value in values:
            if value in lookup:
                rows = np.flatnonzero(texts.codes == lookup[value])
                if len(rows):
                    yield segment_name(key, value), take(batch, rows)


def segment_column(batch: RecordBatch, key: str) -> Column | None:
    """The column that says which segment of `key` a row belongs to."""
    return batch.segments.get(key) or batch.columns.get(key)

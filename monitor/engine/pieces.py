"""Rows of several batches in one order of time, piece by piece."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from monitor.columnar import take

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.record import RecordBatch

CHUNK = 50_000
"""Rows per piece when there is nothing to interleave."""


def in_order(batches: Sequence[RecordBatch], size: int) -> list[list[RecordBatch]]:
    """Pieces in time order under one version: a baseline knows only one normal.

    Batches may overlap in time (one per version, say), so a piece holds a part of each; of several
    batches it has `size` rows, that a window of as many records is made of neighbours in time.
    """
    ordered = [
        take(replace(batch, version=""), np.argsort(batch.times, kind="stable"))
        for batch in batches
        if len(batch)
    ]
    if not ordered:
        return []
    times = np.concatenate([batch.times for batch in ordered])
    owner = np.repeat(np.arange(len(ordered)), list(map(len, ordered)))
    owner = owner[np.argsort(times, kind="stable")]
    step = CHUNK if len(ordered) == 1 else size
    pieces: list[list[RecordBatch]] = []
    done = np.zeros(len(ordered), dtype=np.int64)
    for start in range(0, len(owner), step):
        ends = done + np.bincount(owner[start : start + step], minlength=len(ordered))
        places = zip(ordered, done.tolist(), ends.tolist(), strict=True)
        pieces.append([take(batch, np.arange(a, b)) for batch, a, b in places if b > a])
        done = ends
    return pieces


def dealt_like(
    pieces: list[list[RecordBatch]], rows: Sequence[RecordBatch]
) -> list[list[RecordBatch]]:
    """Rows dealt like the pieces that they came from."""
    each = iter(rows)
    return [[next(each) for _ in piece] for piece in pieces]

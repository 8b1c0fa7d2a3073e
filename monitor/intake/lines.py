"""Rows back as native lines, for the quarantine: a record of a model that is not configured yet.

Decoders hand over columns, not lines. What comes out here decodes to the same rows again; keys that
a row had with the value null are left out.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from monitor.columnar import values_of
from monitor.record import PREDICTION, SCORE_PREFIX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.record import Column, LabelBatch, RecordBatch

_EPOCH = datetime.fromtimestamp(0, UTC)
_SCORE = "score"
_RENAMED = "feature."


def record_lines(batch: RecordBatch) -> list[bytes]:
    """One native record per row, without line feed."""
    columns, segments = _rows(batch.columns, len(batch)), _rows(batch.segments, len(batch))
    parts = zip(batch.ids, batch.times.tolist(), columns, segments, strict=True)
    return [
        _line(
            {
                "id": name,
                "model": batch.model,
                "version": batch.version,
                "time": _time(time),
                **_parts(values),
                "segments": places,
            }
        )
        for name, time, values, places in parts
    ]


def label_lines(batch: LabelBatch) -> list[bytes]:
    """One native label per row, without line feed."""
    parts = zip(batch.ids, batch.times.tolist(), values_of(batch.labels), strict=True)
    return [
        _line({"type": "label", "id": name, "model": batch.model, "time": _time(t), "label": label})
        for name, t, label in parts
    ]


def _rows(columns: Mapping[str, Column], rows: int) -> Sequence[dict[str, Any]]:
    found: list[dict[str, Any]] = [{} for _ in range(rows)]
    for name, column in columns.items():
        for row, value in zip(found, values_of(column), strict=True):
            if value is not None:
                row[name] = value
    return found


def _parts(values: dict[str, Any]) -> dict[str, Any]:
    """A row's columns as the members of a native record."""
    scores = {k.removeprefix(SCORE_PREFIX): v for k, v in values.items() if _is_score(k)}
    features = {
        name.removeprefix(_RENAMED): value
        for name, value in values.items()
        if not _is_score(name) and name not in {PREDICTION, _SCORE}
    }
    parts: dict[str, Any] = {"features": features}
    if PREDICTION in values:
        parts["prediction"] = values[PREDICTION]
    if scores or _SCORE in values:
        parts["scores"] = scores or values[_SCORE]
    return parts


def _is_score(name: str) -> bool:
    return name.startswith(SCORE_PREFIX)


def _line(record: Mapping[str, Any]) -> bytes:
    return msgspec.json.encode({k: v for k, v in record.items() if v not in ({}, "")})


def _time(micros: int) -> str:
    text = (_EPOCH + timedelta(microseconds=micros)).isoformat()
    return text.replace("+00:00", "Z")

"""Rows that a decoder has read become one column-wise batch; the names columns get."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from monitor.columnar import column_of, columns_of
from monitor.record import PREDICTION, RESERVED, SCORE_PREFIX, Problem, RecordBatch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from monitor.decoders.base import Fault
    from monitor.record import Column, Scalar

SCORE: Final = "score"
_FEATURE_PREFIX: Final = "feature."
_NULL: Final = type(None)


def feature_column(name: str) -> str:
    """Name the column of a feature so that no feature can pose as a prediction or score.

    Reserved names get `feature.` in front, and so do names that look as if they had got it
    already, which keeps different features in different columns.
    """
    bare = name
    while bare.startswith(_FEATURE_PREFIX):
        bare = bare.removeprefix(_FEATURE_PREFIX)
    reserved = bare in RESERVED or bare.startswith(SCORE_PREFIX)
    return _FEATURE_PREFIX + name if reserved else name


def text_of(value: Scalar) -> str:
    """Spell a version or id as text: JSON's spelling of booleans, `""` for null."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def assemble(
    model: str,
    version: str,
    ids: Sequence[str],
    times: NDArray[np.int64],
    lines: NDArray[np.int64],
    *,
    features: Sequence[Mapping[str, Any]],
    predictions: Sequence[Any],
    scores: Sequence[Any],
    segments: Sequence[Mapping[str, Any]],
) -> RecordBatch:
    """Make one batch from rows of one model and version.

    Parameters
    ----------
    predictions : Sequence
        A scalar per row, or `{"label": ..., "score": ...}`, or None.
    scores : Sequence
        A mapping from class to number per row, or one number, or None.

    Returns
    -------
    RecordBatch
        Features first, then `prediction` and `score...` if any row has one.
    """
    columns = {feature_column(name): column for name, column in columns_of(features).items()}
    columns.update(_prediction_columns(predictions))
    columns.update(_score_columns(scores))
    return RecordBatch(model, version, tuple(ids), times, columns, columns_of(segments), lines)


def _prediction_columns(predictions: Sequence[Any]) -> dict[str, Column]:
    kinds = set(map(type, predictions))
    if kinds <= {_NULL}:
        return {}
    if dict not in kinds:
        return {PREDICTION: column_of(predictions)}
    labels = [item.get("label") if type(item) is dict else item for item in predictions]
    scores = [item.get(SCORE) if type(item) is dict else None for item in predictions]
    return {**_prediction_columns(labels), **_score_columns(scores)}


def _score_columns(scores: Sequence[Any]) -> dict[str, Column]:
    kinds = set(map(type, scores))
    columns: dict[str, Column] = {}
    if kinds - {_NULL, dict}:
        columns[SCORE] = column_of([None if type(item) is dict else item for item in scores])
    if dict in kinds:
        rows = [item if type(item) is dict else {} for item in scores]
        columns |= {SCORE_PREFIX + name: column for name, column in columns_of(rows).items()}
    return columns


def problem(line: int, fault: Fault, payload: bytes = b"", model: str = "") -> Problem:
    """Say where a fault stood; the caller bounds the payload it keeps."""
    return Problem(line, fault.reason, fault.detail, payload, model)

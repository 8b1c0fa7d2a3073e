"""Which columns of a model's records are watched, and as what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from monitor.record import SCORE_PREFIX
from monitor.schema import infer_columns, sample_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.record import RecordBatch
    from monitor.schema import ColumnSpec

TWO: Final = 2


def inferred_columns(
    batches: Sequence[RecordBatch], positive: str | None
) -> tuple[ColumnSpec, ...]:
    """What the records' columns look like; of two scores that add up to 1 only one.

    `positive` names the class whose score is kept; without it the last one is, by name.
    """
    found = infer_columns(sample_columns(batches))
    scores = sorted(spec.name for spec in found if spec.name.startswith(SCORE_PREFIX))
    chosen = f"{SCORE_PREFIX}{positive}"
    if chosen in scores:
        dropped = set(scores) - {chosen}
    else:
        dropped = {scores[0]} if len(scores) == TWO else set()
    return tuple(spec for spec in found if spec.name not in dropped)

"""Which columns of a model's records are watched, and as what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.record import SCORE_PREFIX, Numbers
from monitor.schema import ColumnSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.record import RecordBatch


def infer_columns(batches: Sequence[RecordBatch], positive: str | None) -> tuple[ColumnSpec, ...]:
    found: dict[str, ColumnSpec] = {}
    for batch in batches:
        for name, column in batch.columns.items():
            if name not in found:
                kind = "numeric" if isinstance(column, Numbers) else "categorical"
                found[name] = ColumnSpec(name, kind)  # type: ignore[arg-type]
    scores = [name for name in found if name.startswith(SCORE_PREFIX)]
    keep = f"{SCORE_PREFIX}{positive}"
    return tuple(
        spec for name, spec in found.items() if name not in scores or keep not in scores or name == keep
    )

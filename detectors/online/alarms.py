"""What an online detector answers, and the shape of everything that it is asked about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detectors.errors import InputError, StateError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Alarms:
    """Where a batch of records raised alarms, in order of rows, then columns.

    Attributes
    ----------
    rows
        int64 `(k,)`: positions in the batch.
    columns
        int64 `(k,)`: positions in the detector's columns.
    """

    rows: NDArray[np.int64]
    columns: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def of(cls, by_column: Sequence[Sequence[int] | NDArray[np.int64]]) -> Alarms:
        """Alarms from the rows of each column."""
        sizes = [len(rows) for rows in by_column]
        columns = np.repeat(np.arange(len(by_column), dtype=np.int64), sizes)
        parts = [np.asarray(rows, dtype=np.int64) for rows in by_column]
        rows = np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
        order = np.lexsort((columns, rows))
        return cls(rows[order], columns[order])


def by_column(values: NDArray[np.float64], columns: int) -> NDArray[np.float64]:
    """`values` `(n, columns)`, or `(n,)` for one column, turned to float64 `(columns, n)`.

    Raises
    ------
    InputError
        If the shape does not fit.
    """
    rows = np.asarray(values, dtype=np.float64)
    if rows.ndim == 1 and columns == 1:
        rows = rows[:, None]
    if rows.ndim != 2 or rows.shape[1] != columns:  # noqa: PLR2004 - rows by columns
        raise InputError(f"values must have shape (n, {columns}), got {np.shape(values)}")
    return rows.T


def check_state(state: Mapping[str, Any], detector: str, columns: Sequence[str]) -> None:
    """Refuse a state that another detector, or the same one on other columns, has saved.

    Raises
    ------
    StateError
        Says what differs.
    """
    made_by, on = state.get("detector"), list(state.get("columns", ()))
    if made_by != detector:
        raise StateError(f"the state is of detector {made_by!r}, not of {detector!r}")
    if on != list(columns):
        raise StateError(f"{detector}: the state is of columns {on}, not of {list(columns)}")

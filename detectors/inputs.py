"""What detectors take in: one batch of rows as columns, in the order of a frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from detectors.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

MISSING = -1
"""Code of an absent or null value in a categorical column."""
WRONG = -2
"""Code of a value whose type does not fit a categorical column."""
OUTSIDE = -3
"""Code of a value that the frame's vocabulary lacks."""


@dataclass(frozen=True)
class Block:
    """`rows` rows in frame order.

    Parameters
    ----------
    rows
        Number of rows `n`, zero allowed.
    numeric
        `f1` float64 arrays `(n,)`; NaN is a missing or wrong-typed value, infinities are kept.
    numeric_wrong
        int64 `(f1,)`: how many of a column's NaNs are wrong-typed values, never more than it has.
    categorical
        `f2` int32 arrays `(n,)`: code >= 0 into the vocabulary, else MISSING, WRONG or OUTSIDE.
    unseen
        `f2` mappings: the values behind OUTSIDE with their counts in this block.
    presence_missing, presence_wrong
        int64 `(f3,)`: absent and wrong-typed values of presence-only columns.
    hashes
        uint64 `(n,)`: well mixed hash of each row's content (see `profile.duplicates`).

    Raises
    ------
    InputError
        If an array's length is not `rows`, or families disagree in their number of columns.
    """

    rows: int
    numeric: Sequence[NDArray[np.float64]]
    numeric_wrong: NDArray[np.int64]
    categorical: Sequence[NDArray[np.int32]]
    unseen: Sequence[Mapping[str, int]]
    presence_missing: NDArray[np.int64]
    presence_wrong: NDArray[np.int64]
    hashes: NDArray[np.uint64]

    def __post_init__(self) -> None:
        expected = (self.rows,)
        for family in (self.numeric, self.categorical, (self.hashes,)):
            for array in family:
                if array.shape != expected:
                    raise InputError(f"arrays must have shape {expected}, got {array.shape}")
        if len(self.numeric_wrong) != len(self.numeric):
            raise InputError("numeric_wrong must have one count per numeric column")
        if len(self.unseen) != len(self.categorical):
            raise InputError("unseen must have one mapping per categorical column")
        if len(self.presence_missing) != len(self.presence_wrong):
            raise InputError("presence_missing and presence_wrong must have the same length")

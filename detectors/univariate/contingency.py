"""Counts of window and baseline per group, fit for a chi-square law.

The law is bad where few rows are expected, and one new rare value would count as overwhelming
evidence; so groups in which the smaller side expects fewer than `MIN_EXPECTED` rows are pooled, and
the pool joins the smallest other group if it is still too small. Pooling looks at both sides
together, so it does not bias the test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_EXPECTED = 5.0
"""Rows that the smaller side must expect in a group (Cochran 1954)."""


@dataclass(frozen=True, eq=False)
class Contingency:
    """A table of two rows per column.

    Attributes
    ----------
    counts, both
        float64 `(c, g)`: rows of the window, and of both sides, in each group; 0 where there is no
        such group.
    rows, baseline_rows
        float64 `(c,)`: their sums, NaN where a side has no values.
    degrees
        float64 `(c,)`: groups in use less one, NaN where fewer than two are.
    """

    counts: NDArray[np.float64]
    both: NDArray[np.float64]
    rows: NDArray[np.float64]
    baseline_rows: NDArray[np.float64]
    degrees: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        window: NDArray[np.int64],
        baseline: NDArray[np.int64],
        rows: NDArray[np.int64],
        baseline_rows: NDArray[np.int64],
    ) -> Contingency:
        """Pool the groups of counts int64 `(c, g)`."""
        compared = np.minimum(rows, baseline_rows) > 0
        n = np.where(compared, rows, np.nan)
        m = baseline_rows.astype(np.float64)
        counts, both = _pooled(window, window + baseline, np.minimum(n, m) / (n + m))
        degrees = np.count_nonzero(both > 0, axis=1) - 1.0
        return cls(counts, both, n, m, np.where(degrees > 0, degrees, np.nan))

    @property
    def share(self) -> NDArray[np.float64]:
        """float64 `(c,)`: the window's share of all rows."""
        return self.rows / (self.rows + self.baseline_rows)


def _pooled(
    window: NDArray[np.int64], together: NDArray[np.int64], smaller: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Counts of the window and of both sides, small groups moved into the last column or group."""
    pad = ((0, 0), (0, 1))
    counts = np.pad(window.astype(np.float64), pad)
    both = np.pad(together.astype(np.float64), pad)
    needed = MIN_EXPECTED / smaller
    small = (both > 0) & (both < needed[:, None])
    target = np.full(len(both), both.shape[1] - 1)
    _move(counts, both, small, target)
    large = np.where(both >= needed[:, None], both, np.inf)
    short = (both[:, -1] > 0) & (both[:, -1] < needed) & np.isfinite(large).any(axis=1)
    last = np.zeros_like(small)
    last[short, -1] = True
    _move(counts, both, last, large.argmin(axis=1))
    return counts, both


def _move(
    counts: NDArray[np.float64],
    both: NDArray[np.float64],
    chosen: NDArray[np.bool_],
    target: NDArray[np.int64],
) -> None:
    """Add the chosen groups of each row to its target group and empty them, in place."""
    rows = np.arange(len(target))
    for table in (counts, both):
        moved = np.where(chosen, table, 0.0).sum(axis=1)
        table[chosen] = 0.0
        table[rows, target] += moved

"""Counting numeric columns: cells, exact fixed-point moments, extremes and what is no number.

The hot path of the whole program: some fifteen passes of SIMD arithmetic over a chunk that stays in
cache, about 3 ns per value. Bad values cost nothing where there are none, because the minimum and
maximum, which are needed anyway, are only finite when all values are.

All sums are exact: a fixed-point number is an integer of at most 18 bits, so the squares of a chunk
add up below 2**53 and even float64 BLAS adds them without rounding, in any order.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.profile.frame import CLIP, FIXED_POINTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from detectors.profile.frame import NumericFrame

CHUNK = 16_384
"""Values handled at once: large enough to hide call overhead, small enough for the L2 cache."""
HALF = FIXED_POINTS // 2
"""Fixed-point numbers in [-HALF, HALF) lie in the inside cells."""


@dataclass
class NumericTally:
    """Counts of `f1` numeric columns; all int64 `(f1,)` unless stated.

    Attributes
    ----------
    cells
        `(f1, bins)`: finite values per bin of the frame (under, inside, over).
    missing, wrong, infinite
        Absent or null, wrong-typed, infinite values; none of these is in `cells`.
    below, above
        Finite values outside the declared range; these are in `cells` too.
    minimum, maximum
        float64: extremes of the finite values, inf and -inf without any.
    sum_q, sum_qq
        Sums of the fixed-point numbers (see `profile.frame`) and of their squares.
    excess_under, excess_over
        Sums of the fixed-point distances by which values lie under the first or over the last
        inside cell: the exact area under the distribution function outside the cells.
    """

    cells: NDArray[np.int64]
    missing: NDArray[np.int64]
    wrong: NDArray[np.int64]
    infinite: NDArray[np.int64]
    below: NDArray[np.int64]
    above: NDArray[np.int64]
    sum_q: NDArray[np.int64]
    sum_qq: NDArray[np.int64]
    excess_under: NDArray[np.int64]
    excess_over: NDArray[np.int64]
    minimum: NDArray[np.float64]
    maximum: NDArray[np.float64]

    @classmethod
    def empty(cls, frame: NumericFrame) -> NumericTally:
        """No values yet."""
        columns = len(frame.names)
        counters = {name: np.zeros(columns, dtype=np.int64) for name in COUNTERS}
        return cls(
            cells=np.zeros((columns, frame.bins), dtype=np.int64),
            minimum=np.full(columns, np.inf),
            maximum=np.full(columns, -np.inf),
            **counters,
        )

    def add(
        self, frame: NumericFrame, columns: Sequence[NDArray[np.float64]], wrong: NDArray[np.int64]
    ) -> None:
        """Count values: `f1` float64 `(n,)`, of whose NaNs `wrong` `(f1,)` are wrong-typed."""
        with np.errstate(over="ignore", invalid="ignore"):
            for first, values in _chunks(columns):
                _fold(frame, self, slice(first, first + len(values)), values)
        self.wrong += wrong
        self.missing -= wrong

    def merge(self, other: NumericTally) -> None:
        """Add the counts of another tally on the same frame."""
        for name in ("cells", *COUNTERS):
            getattr(self, name).__iadd__(getattr(other, name))
        np.minimum(self.minimum, other.minimum, out=self.minimum)
        np.maximum(self.maximum, other.maximum, out=self.maximum)

    def valid(self) -> NDArray[np.int64]:
        """int64 `(f1,)`: finite values per column."""
        count: NDArray[np.int64] = self.cells.sum(axis=1)
        return count

    def state(self) -> dict[str, Any]:
        """Arrays by name, `cells` in the narrowest unsigned type that holds them."""
        plain = {field.name: getattr(self, field.name).copy() for field in fields(self)}
        plain["cells"] = narrowed(self.cells)
        return plain

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> NumericTally:
        """Continue after `state()`."""
        arrays: dict[str, NDArray[Any]] = {}
        for field in fields(cls):
            kind = np.float64 if field.name in EXTREMES else np.int64
            arrays[field.name] = np.array(state[field.name], dtype=kind)
        return cls(**arrays)


EXTREMES = ("minimum", "maximum")
COUNTERS = tuple(f.name for f in fields(NumericTally) if f.name not in ("cells", *EXTREMES))


def narrowed(counts: NDArray[np.int64]) -> NDArray[np.unsignedinteger[Any]]:
    """Copy of non-negative counts in the narrowest unsigned type that holds them."""
    return counts.astype(np.min_scalar_type(int(counts.max(initial=0))))


def _chunks(
    columns: Sequence[NDArray[np.float64]],
) -> Iterator[tuple[int, NDArray[np.float64]]]:
    """First column index and a `(c, m)` array of about CHUNK values, until all values are seen.

    Long columns are cut, short ones stacked, so that a small batch does not pay one round of
    Python calls per column.
    """
    rows = len(columns[0]) if columns else 0
    if rows * 2 > CHUNK:
        for j, values in enumerate(columns):
            for start in range(0, rows, CHUNK):
                yield j, values[None, start : start + CHUNK]
    elif rows:
        together = CHUNK // rows
        for j in range(0, len(columns), together):
            yield j, np.stack(columns[j : j + together])


def _fold(
    frame: NumericFrame, tally: NumericTally, columns: slice, values: NDArray[np.float64]
) -> None:
    low: NDArray[np.float64] = np.minimum.reduce(values, axis=1)
    high: NDArray[np.float64] = np.maximum.reduce(values, axis=1)
    fixed = np.subtract(values, frame.center[columns, None])
    np.divide(fixed, frame.unit[columns, None], out=fixed)
    np.rint(fixed, out=fixed)
    bad = None
    if not np.isfinite(low + high).all():
        bad = ~np.isfinite(values)
        fixed[bad] = 0.0
        low = np.where(bad, np.inf, values).min(axis=1)
        high = np.where(bad, -np.inf, values).max(axis=1)
        _count_bad(tally, columns, values, bad)
    np.clip(fixed, -CLIP, CLIP, out=fixed)
    np.minimum(tally.minimum[columns], low, out=tally.minimum[columns])
    np.maximum(tally.maximum[columns], high, out=tally.maximum[columns])
    _count_range(frame, tally, columns, values, (low, high))
    inside = np.clip(fixed, -HALF - 1, HALF)
    counts = _uniform_counts(frame, inside, bad)
    _recount_edge_columns(frame, counts, columns, values, bad)
    tally.cells[columns] += counts
    _add_moments(tally, columns, fixed, inside)


def _uniform_counts(
    frame: NumericFrame, inside: NDArray[np.float64], bad: NDArray[np.bool_] | None
) -> NDArray[np.int64]:
    """`(c, bins)` counts of good values; a bad one was set to 0 and is taken out again."""
    columns, bins, shift = len(inside), frame.bins, frame.fine.bit_length() - 1
    index = inside.astype(np.int32)
    index += HALF + frame.fine
    index >>= shift
    if columns > 1:
        index += (np.arange(columns, dtype=np.int32) * bins)[:, None]
    counts = np.bincount(index.ravel(), minlength=columns * bins).reshape(columns, bins)
    if bad is not None:
        counts[:, (HALF + frame.fine) >> shift] -= bad.sum(axis=1)
    return counts


def _recount_edge_columns(
    frame: NumericFrame,
    counts: NDArray[np.int64],
    columns: slice,
    values: NDArray[np.float64],
    bad: NDArray[np.bool_] | None,
) -> None:
    """Replace the uniform counts of columns with explicit edges by searched ones, in place."""
    first, last = np.searchsorted(frame.edge_columns, (columns.start, columns.stop))
    for edge in range(first, last):
        row = int(frame.edge_columns[edge]) - columns.start
        good = values[row] if bad is None else values[row][~bad[row]]
        bins = frame.lookups[edge].bins(good)
        counts[row] = np.bincount(bins, minlength=frame.bins)


def _count_bad(
    tally: NumericTally, columns: slice, values: NDArray[np.float64], bad: NDArray[np.bool_]
) -> None:
    infinite = np.isinf(values).sum(axis=1)
    tally.infinite[columns] += infinite
    tally.missing[columns] += bad.sum(axis=1) - infinite


def _count_range(
    frame: NumericFrame,
    tally: NumericTally,
    columns: slice,
    values: NDArray[np.float64],
    extremes: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> None:
    """Count finite values outside the declared range, where the extremes say there are any."""
    least, most = frame.range_low[columns], frame.range_high[columns]
    for row in np.flatnonzero((extremes[0] < least) | (extremes[1] > most)):
        finite = values[row][np.isfinite(values[row])]
        tally.below[columns.start + row] += np.count_nonzero(finite < least[row])
        tally.above[columns.start + row] += np.count_nonzero(finite > most[row])


def _add_moments(
    tally: NumericTally,
    columns: slice,
    fixed: NDArray[np.float64],
    inside: NDArray[np.float64],
) -> None:
    """Add `q`, `q**2` and the excess outside the cells; every float here is an integer."""
    tally.sum_q[columns] += fixed.sum(axis=1).astype(np.int64)
    tally.sum_qq[columns] += np.vecdot(fixed, fixed).astype(np.int64)
    excess = np.subtract(fixed, inside)
    net = excess.sum(axis=1)
    total = np.abs(excess, out=excess).sum(axis=1)
    tally.excess_over[columns] += ((total + net) / 2).astype(np.int64)
    tally.excess_under[columns] += ((total - net) / 2).astype(np.int64)

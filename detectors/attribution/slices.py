"""Where a change sits: a slice of the rows outside of which nothing moved.

A bounded search over single values of categorical columns and pairs of them. A slice explains a
change when the mean moved inside it beyond doubt, and what is outside moved by no more than chance
or a small part of that. A change that is everywhere has no such slice: every complement still
shows it, and then the whole explains it (Chung et al., Slice Finder, 2019, search the same space
for another loss).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

MIN_ROWS = 30
"""Rows with a value that a slice needs on either side."""
LARGEST = 0.6
"""A slice that holds more of the window is the whole."""
VALUES = 20
"""Most frequent values of a column that are looked at."""
PAIRED = 8
"""Values in which most has moved that are looked at in pairs."""
SURE = 3.0
CHANCE = 2.5
"""Standard errors beyond which the inside has moved, and within which the outside has not."""
LEFT_OVER = 0.15
"""Or this part of the inside's change, where samples are so large that everything is certain."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows with these values: (column index, code) one or two times, and how they moved.

    `inside` and `outside` are changes of the mean, `certainty` the one inside in standard errors,
    `share` the part of the window's rows.
    """

    values: tuple[tuple[int, int], ...]
    inside: float
    outside: float
    certainty: float
    share: float


class Moved(NamedTuple):
    """A change of a mean with its standard error."""

    change: float
    error: float

    @property
    def size(self) -> float:
        """In standard errors, not signed."""
        return abs(self.change) / self.error if self.error > 0 else 0.0


def find_slice(
    before: NDArray[np.float64],
    now: NDArray[np.float64],
    codes_before: NDArray[np.int32],
    codes_now: NDArray[np.int32],
    columns: Sequence[int],
) -> Slice | None:
    """Find the slice that holds the change of a mean.

    Parameters
    ----------
    before, now
        float64 `(m,)`, `(k,)`: the quantity of every row; NaN takes no part.
    codes_before, codes_now
        int32 `(m, f)`, `(k, f)`: values of the categorical columns, negative for none.
    columns
        Which of the `f` columns may name a slice.

    Returns
    -------
    Slice or None
        Of those that hold the change, the one in which it is most certain: too wide a slice dilutes
        it, too narrow a one leaves rows out. None when it is everywhere, or too small to say.
    """
    rows = ~np.isnan(before), ~np.isnan(now)
    before, codes_before = before[rows[0]], codes_before[rows[0]]
    now, codes_now = now[rows[1]], codes_now[rows[1]]
    if len(now) < 2 * MIN_ROWS or len(before) < 2 * MIN_ROWS:
        return None
    singles = [((j, code),) for j in columns for code in _frequent(codes_now[:, j])]
    search = _Search(before, now, codes_before, codes_now, len(singles) + PAIRED**2)
    ranked = sorted(singles, key=search.size, reverse=True)[:PAIRED]
    candidates = [search.judge(values) for values in (*singles, *_two(ranked))]
    found = [made for made in candidates if made is not None]
    return max(found, key=lambda made: made.certainty, default=None)


@dataclass(frozen=True)
class _Search:
    before: NDArray[np.float64]
    now: NDArray[np.float64]
    codes_before: NDArray[np.int32]
    codes_now: NDArray[np.int32]
    tried: int

    def judge(self, values: tuple[tuple[int, int], ...]) -> Slice | None:
        """The slice, if it holds the change."""
        in_before, in_now = self._inside(values)
        share = float(in_now.mean())
        if share > LARGEST or min(in_before.sum(), in_now.sum()) < MIN_ROWS:
            return None
        inside = _moved(self.before[in_before], self.now[in_now])
        outside = _moved(self.before[~in_before], self.now[~in_now])
        if inside.size < SURE + math.sqrt(2 * math.log(self.tried)):
            return None
        if outside.size > CHANCE and abs(outside.change) > LEFT_OVER * abs(inside.change):
            return None
        return Slice(values, inside.change, outside.change, inside.size, share)

    def size(self, values: tuple[tuple[int, int], ...]) -> float:
        """How certainly the inside moved, in standard errors."""
        in_before, in_now = self._inside(values)
        if min(in_before.sum(), in_now.sum()) < MIN_ROWS:
            return 0.0
        return _moved(self.before[in_before], self.now[in_now]).size

    def _inside(
        self, values: tuple[tuple[int, int], ...]
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        before = np.ones(len(self.before), dtype=np.bool_)
        now = np.ones(len(self.now), dtype=np.bool_)
        for column, code in values:
            before &= self.codes_before[:, column] == code
            now &= self.codes_now[:, column] == code
        return before, now


def _two(
    ranked: Sequence[tuple[tuple[int, int], ...]],
) -> Iterator[tuple[tuple[int, int], ...]]:
    for i, ((first, code),) in enumerate(ranked):
        for ((second, other),) in ranked[i + 1 :]:
            if first != second:
                yield ((first, code), (second, other))


def _frequent(codes: NDArray[np.int32]) -> list[int]:
    """Most frequent values first; ties by code."""
    counts = np.bincount(codes[codes >= 0])
    order = np.argsort(-counts, kind="stable")[:VALUES]
    return [int(code) for code in order if counts[code] >= MIN_ROWS]


def _moved(before: NDArray[np.float64], now: NDArray[np.float64]) -> Moved:
    change = float(now.mean() - before.mean())
    variance = float(before.var() / len(before) + now.var() / len(now))
    return Moved(change, math.sqrt(variance))

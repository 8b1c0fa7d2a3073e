"""Remembers the hashes of the last `capacity` accepted records, to recognise repeats.

A few sorted arrays of equal size are searched by bisection, the newest hashes are in a set. The
oldest array is dropped when the memory is full, so a repeat is recognised for at least
`capacity * (GENERATIONS - 1) / GENERATIONS` records after the original and memory is bounded by
`8 * capacity` bytes plus the set.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

GENERATIONS = 16


class Dedup:
    """A bounded set of uint64 hashes; not thread-safe, it lives in the journal's writer thread."""

    def __init__(self, capacity: int) -> None:
        self._size = max(capacity // GENERATIONS, 1)
        self._recent: set[int] = set()
        self._sorted: deque[NDArray[np.uint64]] = deque(maxlen=GENERATIONS)

    def __len__(self) -> int:
        return len(self._recent) + sum(map(len, self._sorted))

    def fresh(self, values: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """True where a hash is new, also within `values` itself (the first one counts)."""
        new = np.zeros(len(values), dtype=np.bool_)
        _, first = np.unique(values, return_index=True)
        new[first] = True
        if self._recent:
            recent = self._recent
            new &= [value not in recent for value in values.tolist()]
        for known in self._sorted:
            place = np.searchsorted(known, values)
            place[place == len(known)] = 0
            new &= known[place] != values
        return new

    def add(self, values: Iterable[int]) -> None:
        """Remember these hashes."""
        self._recent.update(values)
        if len(self._recent) >= self._size:
            generation = np.fromiter(self._recent, dtype=np.uint64, count=len(self._recent))
            generation.sort()
            self._sorted.append(generation)
            self._recent = set()

    def discard(self, values: Iterable[int]) -> None:
        """Forget hashes whose transaction failed."""
        gone = np.fromiter(values, dtype=np.uint64)
        self._recent.difference_update(gone.tolist())
        kept = (known[~np.isin(known, gone)] for known in self._sorted)
        self._sorted = deque((known for known in kept if len(known)), maxlen=GENERATIONS)

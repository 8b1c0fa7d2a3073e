"""Remembers the hashes of the last `capacity` accepted records, to recognise repeats.

The newest hashes are in a set, the others in a few sorted arrays that are searched with a whole
batch at once. Batches are sorted first: neighbours then find their places near each other, in
memory that is already in the cache. The oldest array is dropped when the full ones after it hold
`capacity` hashes, so a repeat is recognised for at least `capacity` records after the original, and
memory is bounded by `8 * capacity * (GENERATIONS + 1) / GENERATIONS` bytes plus the set.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

GENERATIONS = 4
RECENT = 16_384
"""Hashes in the set, at most, before they are merged into the youngest array."""
LARGE = 4_096
"""A batch of this size is merged at once; smaller ones wait in the set, where adding is cheap."""


class Dedup:
    """A bounded set of uint64 hashes; not thread-safe, it lives in the journal's writer thread."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._size = max(capacity // GENERATIONS, 1)
        self._recent: set[int] = set()
        self._young = np.empty(0, dtype=np.uint64)
        self._full: deque[NDArray[np.uint64]] = deque()

    def __len__(self) -> int:
        return len(self._recent) + len(self._young) + sum(map(len, self._full))

    def fresh(self, values: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """True where a hash is new, also within `values` itself (the first one counts)."""
        order = np.argsort(values)
        ordered = values[order]
        repeated = np.zeros(len(values), dtype=np.bool_)
        repeated[1:] = ordered[1:] == ordered[:-1]
        if repeated.any():
            # Only now the order of equal ones matters, and a stable sort costs five times as much.
            order = np.argsort(values, kind="stable")
        new = np.empty(len(values), dtype=np.bool_)
        new[order] = self._unknown(ordered) & ~repeated
        return new

    def add(self, values: ArrayLike) -> None:
        """Remember these hashes."""
        # Before and not after: the last batch may yet fail, and must not have cost older ones.
        self._forget_oldest()
        new = np.asarray(values, dtype=np.uint64)
        if len(new) < LARGE:
            self._recent.update(new.tolist())
            if len(self._recent) >= min(self._size, RECENT):
                self._merge(np.fromiter(self._recent, np.uint64, len(self._recent)))
                self._recent = set()
        else:
            self._merge(new)

    def discard(self, values: ArrayLike) -> None:
        """Forget hashes whose transaction failed."""
        gone = np.asarray(values, dtype=np.uint64)
        self._recent.difference_update(gone.tolist())
        self._young = _without(self._young, gone)
        kept = (_without(known, gone) for known in self._full)
        self._full = deque(known for known in kept if len(known))

    def _merge(self, new: NDArray[np.uint64]) -> None:
        # A stable sort of a sorted array and a short sorted tail is a merge.
        tail = np.sort(new)
        self._young = np.sort(np.concatenate([self._young, tail]), kind="stable")
        if len(self._young) >= self._size:
            self._full.append(self._young)
            self._young = np.empty(0, dtype=np.uint64)

    def _forget_oldest(self) -> None:
        while self._full and sum(map(len, self._full)) - len(self._full[0]) >= self._capacity:
            self._full.popleft()

    def _unknown(self, ordered: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Which of some sorted hashes are not remembered."""
        unknown = np.ones(len(ordered), dtype=np.bool_)
        listed = ordered.tolist()
        if not self._recent.isdisjoint(listed):
            recent = self._recent
            unknown &= [value not in recent for value in listed]
        for known in (*self._full, self._young):
            if len(known):
                place = np.searchsorted(known, ordered)
                place[place == len(known)] = 0
                unknown &= known[place] != ordered
        return unknown


def _without(known: NDArray[np.uint64], gone: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return known[~np.isin(known, gone)]

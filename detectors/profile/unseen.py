"""A mergeable sample of the values a vocabulary lacks, with exact counts.

Per column the `SIZE` values with the smallest hash are kept: which values are kept depends on the
values alone, so merging in any order gives the same sample, and the counts of kept values are
exact. A shown example is a real one with its real count; not every value can be shown.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SIZE = 20
"""Values kept per column."""


class ValueSample:
    """The values of one column with the smallest hashes, and their counts."""

    __slots__ = ("_counts", "_keys", "_limit")

    def __init__(self) -> None:
        self._keys: dict[str, bytes] = {}
        self._counts: dict[str, int] = {}
        self._limit = b"\xff" * 9

    def add(self, values: Iterable[tuple[str, int]]) -> None:
        """Count values; `(value, count)` pairs, repeats allowed."""
        for value, count in values:
            if value in self._counts:
                self._counts[value] += count
                continue
            key = _key(value)
            if key < self._limit:
                self._keys[value] = key
                self._counts[value] = count
                if len(self._keys) > 2 * SIZE:
                    self._shrink()

    def merge(self, other: ValueSample) -> None:
        """Add the counts of another sample of the same column."""
        self.add(other._counts.items())

    def counts(self) -> dict[str, int]:
        """At most SIZE values with their exact counts, most frequent first, ties by value."""
        self._shrink()
        return dict(sorted(self._counts.items(), key=lambda item: (-item[1], item[0])))

    def _shrink(self) -> None:
        """Forget all but the SIZE smallest; nothing at or over the limit can come back."""
        if len(self._keys) <= SIZE:
            return
        ordered = sorted(self._keys, key=lambda value: (self._keys[value], value))
        self._limit = self._keys[ordered[SIZE]]
        for value in ordered[SIZE:]:
            del self._keys[value], self._counts[value]


def restored(counts: Mapping[str, int]) -> ValueSample:
    """Sample that continues after `counts()`."""
    sample = ValueSample()
    sample.add(counts.items())
    return sample


def _key(value: str) -> bytes:
    return blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8).digest()

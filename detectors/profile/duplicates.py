"""Row hashes, and a mergeable estimate of how many rows repeat an earlier one.

The sketch keeps the `SIZE` smallest distinct hashes with exact multiplicities. A hash that is among
the smallest of a union is among the smallest of every part it occurs in, so merging is exact and
order does not matter (Cohen & Kaplan, bottom-k sketches, 2007).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

SIZE = 1024
"""Distinct hashes kept; the density of hashes has a relative error of 1/sqrt(SIZE), 3 %."""

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_CHUNK = 8192
_NAN = np.float64(np.nan).view(np.uint64)


class DuplicateSketch:
    """Bottom-k sample of row hashes with exact counts.

    `hashes` uint64 increasing and `counts` int64, both `(k,)` with `k <= SIZE`.
    """

    __slots__ = ("counts", "hashes")

    def __init__(self) -> None:
        self.hashes = np.empty(0, dtype=np.uint64)
        self.counts = np.empty(0, dtype=np.int64)

    def add(self, hashes: NDArray[np.uint64]) -> None:
        """Add rows by their hash, uint64 `(n,)`."""
        for start in range(0, len(hashes), _CHUNK):
            chunk = hashes[start : start + _CHUNK]
            if len(self.hashes) == SIZE:
                chunk = chunk[chunk <= self.hashes[-1]]
            if len(chunk):
                self._absorb(*np.unique(chunk, return_counts=True))

    def merge(self, other: DuplicateSketch) -> None:
        """Add the rows of another sketch."""
        if len(other.hashes):
            self._absorb(other.hashes, other.counts)

    def share(self, rows: int) -> float:
        """Estimated share of rows that repeat an earlier row; NaN without rows.

        Exact below SIZE distinct rows. Above, the share within the sample is used, which is
        precise for the usual few copies; if one row has very many copies and is sampled by
        chance, that share is far off, and the estimate from the density of the hashes, which
        copies cannot move, takes its place.

        Parameters
        ----------
        rows
            Rows added so far.
        """
        sampled = int(self.counts.sum())
        if not sampled:
            return float("nan")
        within = 1 - len(self.counts) / sampled
        if len(self.counts) < SIZE:
            return within
        distinct = (SIZE - 1) * 2.0**64 / (float(self.hashes[-1]) + 1)
        by_density = max(0.0, 1 - distinct / rows)
        return within if abs(within - by_density) < 4 / SIZE**0.5 else by_density

    def state(self) -> dict[str, Any]:
        """Return copies of both arrays."""
        return {"hashes": self.hashes.copy(), "counts": self.counts.copy()}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> DuplicateSketch:
        """Continue after `state()`."""
        sketch = cls()
        sketch.hashes = np.array(state["hashes"], dtype=np.uint64)
        sketch.counts = np.array(state["counts"], dtype=np.int64)
        return sketch

    def _absorb(self, hashes: NDArray[np.uint64], counts: NDArray[np.int64]) -> None:
        both = np.concatenate([self.hashes, hashes])
        distinct, place = np.unique(both, return_inverse=True)
        total = np.zeros(len(distinct), dtype=np.int64)
        np.add.at(total, place, np.concatenate([self.counts, counts]))
        self.hashes, self.counts = distinct[:SIZE].copy(), total[:SIZE].copy()


def hash_columns(
    numeric: Sequence[NDArray[np.float64]], categorical: Sequence[NDArray[np.int32]]
) -> NDArray[np.uint64]:
    """Hash of each row's content, uint64 `(n,)`, from columns `(n,)`.

    Equal rows hash equally on every machine; -0.0 equals 0.0 and all NaNs are equal. Columns are
    told apart by their position. Values outside a vocabulary share one code, so rows that differ
    only in such values count as equal.

    Raises
    ------
    InputError
        If columns differ in length, or there is none to say how many rows there are.
    """
    lengths = {len(values) for values in numeric} | {len(codes) for codes in categorical}
    if len(lengths) != 1:
        raise InputError(f"columns of one length are needed, got lengths {sorted(lengths)}")
    rows = lengths.pop()
    result = np.empty(rows, dtype=np.uint64)
    for start in range(0, rows, _CHUNK):
        stop = min(start + _CHUNK, rows)
        state = np.full(stop - start, _STEP)
        for values in numeric:
            _stir(state, _bits(values[start:stop]))
        for codes in categorical:
            _stir(state, codes[start:stop].astype(np.uint64))
        result[start:stop] = _finish(state)
    return result


def _bits(values: NDArray[np.float64]) -> NDArray[np.uint64]:
    bits: NDArray[np.uint64] = (values + 0.0).view(np.uint64)
    absent = np.isnan(values)
    if absent.any():
        bits[absent] = _NAN
    return bits


def _stir(state: NDArray[np.uint64], bits: NDArray[np.uint64]) -> None:
    """One multiply-xorshift round in place; the multiplication makes the order of columns count."""
    np.bitwise_xor(state, bits, out=state)
    np.multiply(state, _MIX_1, out=state)
    np.bitwise_xor(state, state >> np.uint64(29), out=state)


def _finish(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Finaliser of splitmix64 (Steele, Lea & Flood 2014)."""
    state += _STEP
    state = (state ^ (state >> np.uint64(30))) * _MIX_1
    state = (state ^ (state >> np.uint64(27))) * _MIX_2
    return state ^ (state >> np.uint64(31))

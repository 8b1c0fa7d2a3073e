"""Rows that are nearly the same: how a model is probed, one step at a time.

Two shapes. *Grids*: several rows that agree in every column but one. Rows are compared without
one column at a time by a sum of hashes, one per value, from which that column's is taken away.
*Bursts*: rows that are nearer to another row than the baseline's rows ever are, in all numeric
columns at once. (Model extraction: Tramer et al., Stealing machine learning models via prediction
APIs, 2016; finding it by the distances between queries: Juuti et al., PRADA, 2019.)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.profile.sample import Sample

MOST_ROWS: Final = 1_000
"""Rows compared with each other; the first of a sample are a random choice."""
GROUP: Final = 4
"""Rows that must agree in all columns but one."""
DIFFERENT: Final = 3
"""Values that these must have in that column."""
LEAST_COLUMNS: Final = 4
"""Fewer columns agree by chance."""
NEAR: Final = 0.5
"""Part of the baseline's smallest usual distance under which rows are near."""
SMALLEST: Final = 0.01
EVEN: Final = 0.02
"""How far steps may be from a multiple of the smallest one to be called equal."""

_MIX = np.uint64(0xBF58476D1CE4E5B9)
_STEP = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, eq=False)
class Grid:
    """Rows that differ in one column only: `rows` bool `(k,)`, `column` in frame order, or -1."""

    rows: NDArray[np.bool_]
    column: int


@dataclass(frozen=True, eq=False)
class Nearness:
    """How near rows usually are: `near` is the distance under which two rows are too near."""

    near: float

    @classmethod
    def of(cls, scores: NDArray[np.float64]) -> Nearness:
        """Learn from the normal scores `(k, f1)` of the baseline's sample."""
        nearest = _nearest(scores[:MOST_ROWS])
        usable = scores.shape[1] >= LEAST_COLUMNS and len(nearest) > 1
        return cls(NEAR * float(np.quantile(nearest, SMALLEST)) if usable else 0.0)

    def crowded(self, scores: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which of at most `MOST_ROWS` rows are too near to another one, bool."""
        if not self.near:
            return np.zeros(len(scores), dtype=np.bool_)
        nearest = _nearest(scores)
        # Rows that are the very same are the duplicates rule's to report.
        return (nearest < self.near) & (nearest > 0)


def find_grid(sample: Sample) -> Grid:
    """Rows of the first `MOST_ROWS` that agree with others in all columns but one."""
    hashes = _value_hashes(sample)
    rows, columns = hashes.shape
    total = hashes.sum(axis=1, dtype=np.uint64)
    found = np.zeros(rows, dtype=np.bool_)
    best, most = -1, 0
    if columns < LEAST_COLUMNS or rows < GROUP:
        return Grid(found, best)
    for column in range(columns):
        group = _varied(total - hashes[:, column], hashes[:, column])
        if (size := int(group.sum())) > most:
            best, most = column, size
        found |= group
    return Grid(found, best)


def even_step(values: NDArray[np.float64]) -> float | None:
    """The step by which distinct values are apart, if they are so by whole multiples of one."""
    distinct = np.unique(values[np.isfinite(values)])
    if len(distinct) < DIFFERENT:
        return None
    gaps = np.diff(distinct)
    step = float(gaps.min())
    if step <= 0 or gaps.max() / step > len(distinct) ** 2:
        return None
    multiples = gaps / step
    return step if bool((np.abs(multiples - np.rint(multiples)) <= EVEN).all()) else None


def _varied(rest: NDArray[np.uint64], own: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Rows of groups with equal `rest` that are large and have several different `own`."""
    _, place, counts = np.unique(rest, return_inverse=True, return_counts=True)
    large = counts >= GROUP
    if not large.any():
        return np.zeros(len(rest), dtype=np.bool_)
    rows = np.flatnonzero(large[place])
    pairs = np.unique(np.stack([place[rows].astype(np.uint64), own[rows]]), axis=1)
    different = np.bincount(pairs[0].astype(np.int64), minlength=len(counts))
    varied: NDArray[np.bool_] = (large & (different >= DIFFERENT))[place]
    return varied


def _value_hashes(sample: Sample) -> NDArray[np.uint64]:
    """uint64 `(k, f1 + f2)`: a hash of every value and its column; missing values are a value."""
    numeric = sample.numeric[:MOST_ROWS] + 0.0
    bits = np.where(np.isnan(numeric), np.nan, numeric).view(np.uint64)
    codes = sample.categorical[:MOST_ROWS].astype(np.uint64)
    every = np.concatenate([bits, codes], axis=1)
    salt = (np.arange(every.shape[1], dtype=np.uint64) + np.uint64(1)) * _STEP
    mixed = (every ^ salt) * _MIX
    mixed = (mixed ^ (mixed >> np.uint64(29))) * _STEP
    hashed: NDArray[np.uint64] = mixed ^ (mixed >> np.uint64(32))
    return hashed


def _nearest(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of each row to the nearest other one, root mean square over columns."""
    rows, columns = scores.shape
    if rows < 2 or not columns:  # noqa: PLR2004
        return np.full(rows, np.inf)
    square = np.vecdot(scores, scores)
    apart = square[:, None] + square - 2 * (scores @ scores.T)
    np.fill_diagonal(apart, np.inf)
    nearest: NDArray[np.float64] = np.sqrt(np.maximum(apart.min(axis=1), 0.0) / columns)
    # What rounding leaves of two equal rows is no distance.
    nearest[nearest < np.sqrt(columns) * 1e-7] = 0.0
    return nearest

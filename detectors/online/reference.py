"""What online detectors know of the baseline: how often each column's values fall where.

Detectors with a run length need records on a known scale. Ranks give one whatever the column's
unit and shape: a value becomes the share of the baseline below it, `u = (below + equal / 2) / all`,
uniform on (0, 1) for a continuous column, or the normal score `Phi^-1(u)` of that (van der Waerden
1952), brought to mean 0 and variance 1 on the baseline, which no heavy tail can dominate.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtri

from detectors.errors import InputError, ParameterError
from detectors.profile.lookup import EdgeLookup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from detectors.profile.profile import Profile

MOST_EDGES = 30_000
"""What the fast lookup can number; beyond it a binary search does."""

_TWO = frozenset((0.0, 1.0))


@dataclass(frozen=True, eq=False)
class Reference:
    """The baseline's distribution of `c` columns, in groups of neighbouring values.

    Parameters
    ----------
    columns
        Their names, unique.
    edges
        Per column float64 `(g - 1,)`, increasing: a value `x` is in the group whose number is how
        many edges are at most `x`.
    counts
        Per column float64 `(g,)`: baseline rows in each group.
    rates
        Per column the share of ones when its only values are 0 and 1, else None; a column of zeros
        and ones is its own scale and never turned into ranks.

    Raises
    ------
    InputError
        If lengths disagree.
    """

    columns: tuple[str, ...]
    edges: tuple[NDArray[np.float64], ...]
    counts: tuple[NDArray[np.float64], ...]
    rates: tuple[float | None, ...]

    def __post_init__(self) -> None:
        if not len(self.columns) == len(self.edges) == len(self.counts) == len(self.rates):
            raise InputError("columns, edges, counts and rates must have one entry per column")
        for name, edges, counts in zip(self.columns, self.edges, self.counts, strict=True):
            if len(counts) != len(edges) + 1:
                raise InputError(f"{name}: {len(edges)} edges make {len(edges) + 1} groups")

    @cached_property
    def _lookups(self) -> tuple[EdgeLookup | None, ...]:
        return tuple(
            EdgeLookup.of(edges) if 0 < len(edges) < MOST_EDGES else None for edges in self.edges
        )

    @classmethod
    def of_rows(cls, columns: Sequence[str], rows: NDArray[np.float64]) -> Reference:
        """Reference of baseline rows `(n, c)`; NaN and infinities are left out.

        Every distinct value is a group, and a new value belongs to the nearest one.
        """
        edges, counts, rates = [], [], []
        for values in rows.T:
            finite = values[np.isfinite(values)]
            distinct, count = np.unique(finite, return_counts=True)
            edges.append(distinct[:-1] / 2 + distinct[1:] / 2)
            counts.append(count.astype(np.float64) if len(count) else np.zeros(1))
            two = len(finite) and _TWO.issuperset(distinct.tolist())
            rates.append(float(finite.mean()) if two else None)
        return cls(tuple(columns), tuple(edges), tuple(counts), tuple(rates))

    @classmethod
    def of_profile(cls, profile: Profile, columns: Sequence[str]) -> Reference:
        """Reference of numeric columns of a baseline's profile; its cells are the groups.

        Raises
        ------
        InputError
            If a column is not numeric in the profile's frame.
        """
        frame = profile.frame.numeric
        unknown = [name for name in columns if name not in frame.names]
        if unknown:
            raise InputError(f"not numeric in the baseline: {', '.join(unknown)}")
        index = [frame.names.index(name) for name in columns]
        return cls(
            columns=tuple(columns),
            edges=tuple(frame.edges[j] for j in index),
            counts=tuple(profile.numeric.cells[j].astype(np.float64) for j in index),
            rates=tuple(_rate(profile, j) for j in index),
        )

    def groups(self, column: int, values: NDArray[np.float64]) -> NDArray[np.integer[Any]]:
        """Group of each value `(n,)` of a column; no NaN."""
        lookup = self._lookups[column]
        if lookup is None:
            return np.searchsorted(self.edges[column], values, side="right")
        return lookup.bins(np.ascontiguousarray(values))

    def ranks(self) -> Scores:
        """Mid-ranks in [0, 1]; columns of zeros and ones as they are."""
        tables = [
            _mid_ranks(count) if rate is None else None
            for count, rate in zip(self.counts, self.rates, strict=True)
        ]
        return Scores(self, tuple(tables))

    def zeros_and_ones(self, detector: str) -> Scores:
        """The values as they are, for a `detector` that takes nothing else.

        Raises
        ------
        ParameterError
            If a column has other values than 0 and 1.
        """
        other = [n for n, rate in zip(self.columns, self.rates, strict=True) if rate is None]
        if other:
            raise ParameterError(f"{detector} takes 0 and 1 only; not so: {', '.join(other)}")
        return Scores(self, (None,) * len(self.columns))

    def normal_scores(self) -> Scores:
        """Normal scores of mean 0 and variance 1 on the baseline; 0 for a constant column."""
        return Scores(self, tuple(map(_normal, self.counts)))


class Scores:
    """Turns values into scores by the group that they are in.

    `tables` holds per column the score of each group, float64 `(g,)`, or None for a column that
    stays as it is (but for what is outside [0, 1]), which must be one of zeros and ones.
    """

    def __init__(
        self, reference: Reference, tables: tuple[NDArray[np.float64] | None, ...]
    ) -> None:
        self.reference = reference
        self.tables = tables

    def __call__(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores of values, both float64 `(c, n)`; NaN stays NaN, infinities are extremes."""
        scored = np.empty(columns.shape)
        for j, (table, values) in enumerate(zip(self.tables, columns, strict=True)):
            if table is None:
                np.clip(values, 0.0, 1.0, out=scored[j])
            else:
                missing = np.isnan(values)
                known = np.where(missing, 0.0, values) if missing.any() else values
                np.take(table, self.reference.groups(j, known), out=scored[j])
                scored[j, missing] = np.nan
        return scored

    def distribution(self, column: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The scores that the baseline's rows of a column have, and their shares (sum 1).

        Both float64 `(k,)`, empty when the baseline has no values.
        """
        counts, table = self.reference.counts[column], self.tables[column]
        rate = self.reference.rates[column]
        if table is None and rate is not None:
            return np.array([0.0, 1.0]), np.array([1 - rate, rate])
        seen = counts > 0
        if table is None or not seen.any():
            return np.empty(0), np.empty(0)
        return table[seen], counts[seen] / counts.sum()


def _rate(profile: Profile, column: int) -> float | None:
    tally = profile.numeric
    occupied = np.flatnonzero(tally.cells[column])
    ends = float(tally.minimum[column]), float(tally.maximum[column])
    if not 0 < len(occupied) <= len(_TWO) or not _TWO.issuperset(ends):
        return None
    if ends[0] == ends[1]:
        return ends[0]
    counts = tally.cells[column][occupied]
    return float(counts[-1] / counts.sum())


def _mid_ranks(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    total = counts.sum()
    return (np.cumsum(counts) - counts / 2) / total if total else np.full(len(counts), 0.5)


def _normal(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    total = counts.sum()
    if np.count_nonzero(counts) <= 1:
        return np.zeros(len(counts))
    # Groups that the baseline left empty at its ends are as extreme as half a row of it.
    least = 0.5 / (total + 1)
    raw = ndtri(np.clip(_mid_ranks(counts), least, 1 - least))
    share = counts / total
    centred = raw - share @ raw
    scores: NDArray[np.float64] = centred / np.sqrt(share @ centred**2)
    return scores

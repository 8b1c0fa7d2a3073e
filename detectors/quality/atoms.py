"""Values that are repeated: which of them are usual, and which stand for something missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NINES: Final = (9, 98, 99, 998, 999, 9998, 9999, 99999, 999999, 9999999)
_NEGATIVE: Final = (-1, -8, -9, -98, -99, -200, -998, -999, -9999, -99999)
_LIMITS: Final = (-1e30, -(2**31), 2**31 - 1, 2**32 - 1, 1e30)
PLACEHOLDERS: Final = np.unique(np.array([0, *_NINES, *_NEGATIVE, *_LIMITS], dtype=np.float64))
"""Numbers that programs write where they have none."""
USUAL: Final = 0.001
"""Share of the baseline from which on a repeated value is known to occur."""
FREQUENT: Final = 0.05
"""Share from which on a value's repetition says nothing: zeros of a count, a default."""
PLACEHOLDERS_AT_ONCE: Final = 2
STANDS_OUT: Final = 3
"""Times that a new value must be more frequent than the third one."""
APART: Final = 0.5
"""Distance from all other values, in ranges of these, from which on a placeholder stands apart."""


def repeated(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Values that occur more than once, increasing, and how often; `values` `(n,)` finite."""
    distinct, counts = np.unique(values, return_counts=True)
    more = counts > 1
    return distinct[more], counts[more].astype(np.int64)


@dataclass(frozen=True, eq=False)
class Repeated:
    """Values of a column that repeat in the baseline, increasing, and how often, of `rows`."""

    values: NDArray[np.float64]
    counts: NDArray[np.int64]
    rows: int

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Repeated:
        """Learn from the finite values of the baseline's sample."""
        return cls(*repeated(values), len(values))

    def without(self, part: NDArray[np.float64]) -> Repeated:
        """The same when `part` of the values were not there."""
        own, place = part[among(part, self.values)], self.values
        counts = self.counts - np.bincount(np.searchsorted(place, own), minlength=len(place))
        return Repeated(self.values, counts, self.rows - len(part))

    @property
    def usual(self) -> NDArray[np.float64]:
        """Values that the baseline is known to hold."""
        return self._from(USUAL)

    @property
    def frequent(self) -> NDArray[np.float64]:
        """Values whose repetition says nothing."""
        return self._from(FREQUENT)

    def _from(self, share: float) -> NDArray[np.float64]:
        enough = (self.counts >= share * self.rows) & (self.counts > 1)
        return self.values[enough]


def known_placeholders(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Usual placeholders at one end of the baseline's values and far from all others."""
    usual = Repeated.of(values).usual
    known = []
    for value in usual[among(usual, PLACEHOLDERS)].tolist():
        others = values[values != value]
        if len(others) < 2:  # noqa: PLR2004
            continue
        low, high = float(others.min()), float(others.max())
        far = APART * (np.quantile(others, 0.99) - np.quantile(others, 0.01))
        if (value < low and (low - value >= far or value < 0 <= low)) or value - high >= far > 0:
            known.append(value)
    return np.array(known)


def among(values: NDArray[np.float64], some: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether values occur in an increasing array; NaN never does."""
    if not len(some):
        return np.zeros(values.shape, dtype=np.bool_)
    place = np.minimum(np.searchsorted(some, values), len(some) - 1)
    found: NDArray[np.bool_] = some[place] == values
    return found


def newest(values: NDArray[np.float64], usual: NDArray[np.float64]) -> tuple[float, int]:
    """The value that is not usual and stands out as frequent, and how often it occurs.

    (NaN, 0) where none does: a column of few digits that moves has many new values, and none of
    them stands for nothing. Two placeholders may stand beside each other.
    """
    distinct, counts = repeated(values)
    new = ~among(distinct, usual)
    if not new.any():
        return float("nan"), 0
    distinct, counts = distinct[new], counts[new]
    place = int(counts.argmax())
    others = np.sort(counts)[:-PLACEHOLDERS_AT_ONCE]
    if len(others) and counts[place] < STANDS_OUT * others[-1]:
        return float("nan"), 0
    return float(distinct[place]), int(counts[place])

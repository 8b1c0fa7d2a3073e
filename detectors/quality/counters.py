"""Which faults are counted, in which order, and out of how many values.

One int64 vector per profile holds the counts of all faults of all columns. The baseline's windows
give one such vector each: their history tells how much a fault's rate varies by itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from detectors.profile.duplicates import SIZE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.profile.frame import Frame
    from detectors.profile.profile import Profile


@dataclass(frozen=True)
class Layout:
    """Where each fault's counts stand in a vector of `size` counts.

    `missing` and `wrong` have one count per column in frame order, `infinite` and `outside_range`
    one per numeric column, `unseen` one per categorical column. `constant` has, per numeric and
    categorical column, 1 where all valid values are one and the same. `repeated` rows are out of
    `sampled` ones, one count each.
    """

    numeric: int
    categorical: int
    presence: int

    @classmethod
    def of(cls, frame: Frame) -> Layout:
        """Layout for profiles on a frame."""
        families = (frame.numeric, frame.categorical, frame.presence)
        return cls(*(len(family.names) for family in families))

    @cached_property
    def _starts(self) -> tuple[int, ...]:
        columns = self.numeric + self.categorical + self.presence
        valued = self.numeric + self.categorical
        lengths = (columns, columns, self.numeric, self.numeric, self.categorical, valued, 1, 1)
        return tuple(np.cumsum((0, *lengths)).tolist())

    def _part(self, number: int) -> slice:
        return slice(self._starts[number], self._starts[number + 1])

    @property
    def size(self) -> int:
        """Length `k` of a vector of counts."""
        return self._starts[-1]

    @property
    def missing(self) -> slice:
        """Absent or null values, of all rows."""
        return self._part(0)

    @property
    def wrong(self) -> slice:
        """Wrong-typed values, of those present."""
        return self._part(1)

    @property
    def infinite(self) -> slice:
        """Infinite values, of the numbers."""
        return self._part(2)

    @property
    def outside_range(self) -> slice:
        """Finite values outside the declared range, of the finite ones."""
        return self._part(3)

    @property
    def unseen(self) -> slice:
        """Values outside the vocabulary, of the valid ones."""
        return self._part(4)

    @property
    def constant(self) -> slice:
        """Whether there is just one value, of one."""
        return self._part(5)

    @property
    def repeated(self) -> slice:
        """Rows that repeat another, of the sampled ones."""
        return self._part(6)

    @property
    def sampled(self) -> slice:
        """Rows in the sample on which `repeated` rests."""
        return self._part(7)


def count_faults(profile: Profile) -> NDArray[np.int64]:
    """Faults of a profile's rows, int64 `(k,)` in the order of `Layout`."""
    numeric, categorical = profile.numeric, profile.categorical
    sampled = min(profile.rows, SIZE)
    share = profile.duplicates() if sampled else 0.0
    return np.concatenate(
        [
            profile.missing,
            profile.wrong,
            numeric.infinite,
            numeric.below + numeric.above,
            categorical.outside,
            _constant(profile),
            np.array([round(share * sampled), sampled]),
        ]
    ).astype(np.int64)


def exposures(
    layout: Layout, rows: NDArray[np.int64], counts: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Out of how many values each fault was counted, int64 of the shape of `counts`.

    Parameters
    ----------
    rows
        int64 `(...)`: rows of each window.
    counts
        int64 `(..., k)`: their faults.
    """
    every = rows[..., None]
    present = every - counts[..., layout.missing]
    typed = present - counts[..., layout.wrong]
    numbers, texts = np.split(typed, (layout.numeric, layout.numeric + layout.categorical), -1)[:2]
    result = np.ones_like(counts)
    result[..., layout.missing] = every
    result[..., layout.wrong] = present
    result[..., layout.infinite] = numbers
    result[..., layout.outside_range] = numbers - counts[..., layout.infinite]
    result[..., layout.unseen] = texts
    result[..., layout.repeated] = counts[..., layout.sampled]
    return result


def _constant(profile: Profile) -> NDArray[np.bool_]:
    """Whether all valid values of a numeric or categorical column are the same one value."""
    numeric = profile.numeric.minimum == profile.numeric.maximum
    outside = _kinds_outside(profile)
    values = (profile.codes > 0).sum(axis=1) + outside
    return np.concatenate([numeric, values == 1])


def _kinds_outside(profile: Profile) -> NDArray[np.int64]:
    """Count distinct values outside each vocabulary, int64 `(f2,)`, no further than 20."""
    unseen = profile.unseen_values()
    names = profile.frame.categorical.names
    return np.array([len(unseen.get(name, ())) for name in names], dtype=np.int64)

"""Which faults are counted, in which order, and out of how many values.

One int64 vector per window holds the counts of all faults of all columns. The baseline's windows
give one such vector each: their history tells how much a fault's rate varies by itself. The first
counts are of all rows, from the profile; those from `finite` on are of a sample of the rows, and
zero out of zero where there is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from detectors.profile.duplicates import SIZE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from detectors.profile.frame import Frame
    from detectors.profile.profile import Profile

SLOTS: Final = 24
"""Parts into which a window's time is cut to see whether records came all the time."""

_PARTS: Final[Mapping[str, str]] = {
    "missing": "columns",
    "wrong": "columns",
    "infinite": "numeric",
    "outside_range": "numeric",
    "unseen": "categorical",
    "constant": "valued",
    "repeated": "rows",
    "sampled": "rows",
    "finite": "numeric",
    "atom": "numeric",
    "known": "numeric",
    "loose": "numeric",
    "coarse": "numeric",
    "fine": "numeric",
    "pairs": "numeric",
    "repeats": "numeric",
    "remembered": "rows",
    "recurring": "rows",
    "judged": "rows",
    "outlying": "rows",
    "alike": "rows",
    "scored": "rows",
    "hugging": "rows",
    "apart": "numeric",
    "slots": "slots",
}
"""Counts by name and what there is one of each."""
_EXPOSURES: Final = frozenset(
    ("sampled", "finite", "loose", "pairs", "remembered", "judged", "scored", "apart")
)
"""Counts that are no faults: others are out of them."""
_OUT_OF: Final[Mapping[str, str]] = {
    "repeated": "sampled",
    "atom": "finite",
    "known": "finite",
    "coarse": "loose",
    "fine": "loose",
    "repeats": "pairs",
    "recurring": "remembered",
    "outlying": "judged",
    "alike": "judged",
    "hugging": "scored",
}


@dataclass(frozen=True)
class Layout:
    """Where each fault's counts stand in a vector of `size` counts."""

    numeric: int
    categorical: int
    presence: int

    @classmethod
    def of(cls, frame: Frame) -> Layout:
        """Layout for profiles on a frame."""
        families = (frame.numeric, frame.categorical, frame.presence)
        return cls(*(len(family.names) for family in families))

    @cached_property
    def parts(self) -> Mapping[str, slice]:
        """Where the counts of each name stand."""
        lengths = {
            "columns": self.numeric + self.categorical + self.presence,
            "numeric": self.numeric,
            "categorical": self.categorical,
            "valued": self.numeric + self.categorical,
            "rows": 1,
            "slots": SLOTS,
        }
        ends = accumulate((lengths[family] for family in _PARTS.values()), initial=0)
        return {name: slice(*pair) for name, pair in zip(_PARTS, pairwise(ends), strict=True)}

    @property
    def size(self) -> int:
        """Length `k` of a vector of counts."""
        return int(self.parts["slots"].stop)

    @property
    def tests(self) -> int:
        """How many of the counts are judged, for sharing a level among them."""
        parts = self.parts
        return self.size - sum(int(parts[n].stop - parts[n].start) for n in _EXPOSURES)

    @property
    def sample(self) -> slice:
        """All counts that a sample of rows gives."""
        return slice(self.parts["finite"].start, self.size)

    @property
    def missing(self) -> slice:
        """Absent or null values, of all rows."""
        return self.parts["missing"]

    @property
    def wrong(self) -> slice:
        """Wrong-typed values, of those present."""
        return self.parts["wrong"]

    @property
    def infinite(self) -> slice:
        """Infinite values, of the numbers."""
        return self.parts["infinite"]

    @property
    def outside_range(self) -> slice:
        """Finite values outside the declared range, of the finite ones."""
        return self.parts["outside_range"]

    @property
    def unseen(self) -> slice:
        """Values outside the vocabulary, of the valid ones."""
        return self.parts["unseen"]

    @property
    def constant(self) -> slice:
        """Whether all valid values of a numeric or categorical column are one, of one."""
        return self.parts["constant"]

    @property
    def repeated(self) -> slice:
        """Rows that repeat another, of the sampled ones."""
        return self.parts["repeated"]

    @property
    def sampled(self) -> slice:
        """Rows in the sample on which `repeated` rests."""
        return self.parts["sampled"]


def count_faults(profile: Profile, sampled: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """Faults of a window's rows, int64 `(k,)` in the order of `Layout`.

    Parameters
    ----------
    profile
        All rows of the window.
    sampled
        Counts of its sample, the part `Layout.sample` (see `quality.traits`); none when None.
    """
    numeric, categorical = profile.numeric, profile.categorical
    layout = Layout.of(profile.frame)
    rows = min(profile.rows, SIZE)
    share = profile.duplicates() if rows else 0.0
    rest = layout.size - layout.sample.start
    return np.concatenate(
        [
            profile.missing,
            profile.wrong,
            numeric.infinite,
            numeric.below + numeric.above,
            categorical.outside,
            _constant(profile),
            np.array([round(share * rows), rows]),
            np.zeros(rest, np.int64) if sampled is None else sampled,
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
    for fault, of in _OUT_OF.items():
        result[..., layout.parts[fault]] = counts[..., layout.parts[of]]
    slots = counts[..., layout.parts["slots"]]
    result[..., layout.parts["slots"]] = slots.sum(axis=-1, keepdims=True)
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

"""Counting categorical columns by vocabulary code, and columns of which only presence counts."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.errors import InputError
from detectors.inputs import MISSING, OUTSIDE, WRONG
from detectors.profile.numeric import narrowed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from detectors.profile.frame import CategoricalFrame, PresenceFrame

_SHIFT = -min(MISSING, WRONG, OUTSIDE)
"""Added to a code, this makes it a bin index: the special codes come first."""


@dataclass
class CategoricalTally:
    """Counts of `f2` categorical columns, int64.

    `codes` `(f2, K)` counts vocabulary values, zero beyond a column's own vocabulary; `missing`,
    `wrong` and `outside` are `(f2,)`. Every row is in exactly one of the four.
    """

    codes: NDArray[np.int64]
    missing: NDArray[np.int64]
    wrong: NDArray[np.int64]
    outside: NDArray[np.int64]

    @classmethod
    def empty(cls, frame: CategoricalFrame) -> CategoricalTally:
        """No values yet."""
        columns = len(frame.names)
        counters = [np.zeros(columns, dtype=np.int64) for _ in range(3)]
        return cls(np.zeros((columns, frame.longest), dtype=np.int64), *counters)

    def add(self, frame: CategoricalFrame, columns: Sequence[NDArray[np.int32]]) -> None:
        """Count codes, `f2` int32 arrays `(n,)`.

        Raises
        ------
        InputError
            If a code is neither special nor in the column's vocabulary; nothing of its column and
            the later ones is counted then.
        """
        for j, codes in enumerate(columns):
            size = int(frame.sizes[j])
            counts = _count(codes, size, frame.names[j])
            self.codes[j, :size] += counts[_SHIFT:]
            self.missing[j] += counts[MISSING + _SHIFT]
            self.wrong[j] += counts[WRONG + _SHIFT]
            self.outside[j] += counts[OUTSIDE + _SHIFT]

    def merge(self, other: CategoricalTally) -> None:
        """Add the counts of another tally on the same frame."""
        _add_fields(self, other)

    def valid(self) -> NDArray[np.int64]:
        """int64 `(f2,)`: values of the right type, in the vocabulary or not."""
        count: NDArray[np.int64] = self.codes.sum(axis=1) + self.outside
        return count

    def state(self) -> dict[str, Any]:
        """Arrays by name, `codes` in the narrowest unsigned type that holds them."""
        plain = {field.name: getattr(self, field.name).copy() for field in fields(self)}
        plain["codes"] = narrowed(self.codes)
        return plain

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> CategoricalTally:
        """Continue after `state()`."""
        return cls(**_restored(cls, state))


@dataclass
class PresenceTally:
    """Counts of `f3` presence-only columns: `missing` and `wrong`, int64 `(f3,)`."""

    missing: NDArray[np.int64]
    wrong: NDArray[np.int64]

    @classmethod
    def empty(cls, frame: PresenceFrame) -> PresenceTally:
        """No values yet."""
        columns = len(frame.names)
        return cls(np.zeros(columns, dtype=np.int64), np.zeros(columns, dtype=np.int64))

    def add(self, missing: NDArray[np.int64], wrong: NDArray[np.int64]) -> None:
        """Count absent and wrong-typed values."""
        self.missing += missing
        self.wrong += wrong

    def merge(self, other: PresenceTally) -> None:
        """Add the counts of another tally on the same frame."""
        _add_fields(self, other)

    def state(self) -> dict[str, Any]:
        """Arrays by name."""
        return {field.name: getattr(self, field.name).copy() for field in fields(self)}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> PresenceTally:
        """Continue after `state()`."""
        return cls(**_restored(cls, state))


def _count(codes: NDArray[np.int32], size: int, name: str) -> NDArray[np.int64]:
    """Count OUTSIDE, WRONG, MISSING and the codes of a vocabulary of `size` values."""
    index = codes + np.int32(_SHIFT)
    if len(index) and index.min() < 0:
        raise InputError(f"column {name}: code {codes.min()} is not defined")
    counts = np.bincount(index, minlength=size + _SHIFT)
    if len(counts) > size + _SHIFT:
        raise InputError(f"column {name}: code {codes.max()} is outside its {size} values")
    return counts


def _add_fields(tally: CategoricalTally | PresenceTally, other: object) -> None:
    for field in fields(tally):
        getattr(tally, field.name).__iadd__(getattr(other, field.name))


def _restored(
    kind: type[CategoricalTally | PresenceTally], state: Mapping[str, Any]
) -> dict[str, NDArray[np.int64]]:
    return {field.name: np.array(state[field.name], dtype=np.int64) for field in fields(kind)}

"""All series of a model's performance: losses of all rows, then disparities between groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from detectors.sequential.series import NORMAL_FREEDOM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from monitor.engine.cohort import Cohort
    from monitor.engine.groups import Groups
    from monitor.engine.losses import LossBank, Sums

FAIRNESS: Final = "fairness "
"""Begins the entry of every column of groups."""


@dataclass(frozen=True, slots=True, eq=False)
class Bank:
    """Components of evidence; implements `detectors.sequential.calibration.Components`."""

    losses: LossBank
    groups: tuple[Groups, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """What each series says, `S` of them."""
        return (*self.losses.names, *(title for one in self.groups for title in one.titles))

    @property
    def entries(self) -> tuple[str, ...]:
        """Names of the entries, by column."""
        return (*self.losses.entries, *(FAIRNESS + one.column for one in self._followed))

    @property
    def columns(self) -> int:
        """Number of entries."""
        return len(self.entries)

    @property
    def column(self) -> NDArray[np.int64]:
        """int64 `(S,)`: entry of each series."""
        first = self.losses.columns
        sizes = [len(one.titles) for one in self._followed]
        more = np.repeat(np.arange(first, first + len(sizes)), sizes)
        return np.concatenate([self.losses.column, more]).astype(np.int64)

    @property
    def weight(self) -> NDArray[np.float64]:
        """float64 `(S,)`: equal within an entry, sum 1."""
        column = self.column
        weight: NDArray[np.float64] = 1.0 / np.bincount(column)[column]
        return weight

    @property
    def kind(self) -> NDArray[np.int64]:
        """int64 `(S,)`: losses are each of their own kind, disparities of one."""
        kinds = np.arange(len(self.names))
        return np.minimum(kinds, len(self.losses.names))

    @property
    def freedom(self) -> NDArray[np.float64]:
        """float64 `(S,)`: the baseline's windows alone say how heavy tails are."""
        return np.full(len(self.names), NORMAL_FREEDOM)

    def measure(self, names: Sequence[str], sums: Sums, cohort: Cohort) -> NDArray[np.float64]:
        """Components `(S,)` of a cohort with `sums` over the losses `names`."""
        parts = [one.measure(cohort) for one in self._followed]
        return np.concatenate([self.losses.measure(names, sums), *parts])

    def of_entry(self, entry: int) -> Groups | None:
        """The groups that an entry is about; None for losses."""
        place = entry - self.losses.columns
        return self._followed[place] if place >= 0 else None

    @property
    def _followed(self) -> tuple[Groups, ...]:
        return tuple(one for one in self.groups if one.titles)

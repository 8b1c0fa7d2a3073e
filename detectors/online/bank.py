"""Detectors of one stream each, side by side: one per column.

The kind of detector says how to start one, and how to turn it into plain data and back; the bank
does the rest, the same for all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import numpy as np

from detectors.online.alarms import Alarms, by_column, check_state
from detectors.online.promise import promised
from detectors.online.simulation import SimulatedRunLength, simulated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from detectors.online.reference import Scores
    from detectors.result import Guarantee


class Single(Protocol):
    """A detector of one stream."""

    def run(self, values: list[float]) -> list[int]:
        """Take in values without NaN, oldest first; positions of the alarms among them."""
        ...


S = TypeVar("S", bound=Single)


class Kind(Protocol[S]):
    """Validated parameters of a detector of one stream."""

    def __hash__(self) -> int:
        """Equal parameters, equal hash."""
        ...

    def start(self) -> S:
        """A detector that has seen nothing."""
        ...

    def dump(self, single: S, /) -> dict[str, Any]:
        """Everything that its future depends on, as plain data."""
        ...

    def load(self, state: Mapping[str, Any], /) -> S:
        """Inverse of `dump`."""
        ...


class Bank(Generic[S]):
    """One detector per column.

    Attributes
    ----------
    columns
        Names of the `c` columns.
    """

    def __init__(self, name: str, kind: Kind[S], scores: Scores) -> None:
        self.name = name
        self.columns = scores.reference.columns
        self._kind = kind
        self._scores = scores
        self._singles = [kind.start() for _ in self.columns]

    def fresh(self) -> Bank[S]:
        """The same detectors for another stream; they have seen nothing."""
        return Bank(self.name, self._kind, self._scores)

    def guarantee(self, column: int) -> Guarantee:
        """What an alarm of a column promises; simulated when asked for, then remembered."""
        run = self.simulation(column)
        return promised(run.records, run.sentence, at_least=not run.alarms)

    def simulation(self, column: int) -> SimulatedRunLength:
        """Run length of one column, on independent draws of the baseline's values."""
        values, shares = self._scores.distribution(column)
        return simulated(self.name, self._kind, values, shares)

    def update(self, values: NDArray[np.float64]) -> Alarms:
        """Take in records, oldest first.

        Parameters
        ----------
        values
            float64 `(n, c)`, or `(n,)` for one column, in column units; NaN is skipped.
        """
        scored = self._scores(by_column(values, len(self.columns)))
        found = []
        for single, column in zip(self._singles, scored, strict=True):
            rows = np.flatnonzero(~np.isnan(column))
            found.append(rows[single.run(column[rows].tolist())])
        return Alarms.of(found)

    def state(self) -> dict[str, Any]:
        """Plain data; `restore` goes on behind the last record taken in."""
        singles = [self._kind.dump(single) for single in self._singles]
        return {"detector": self.name, "columns": list(self.columns), "singles": singles}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where `state` was taken.

        Raises
        ------
        StateError
            If the state is of another detector or other columns.
        """
        check_state(state, self.name, self.columns)
        self._singles = [self._kind.load(single) for single in state["singles"]]

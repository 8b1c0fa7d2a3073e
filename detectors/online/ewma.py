"""Exponentially weighted moving averages over all columns at once (Roberts 1959).

With normal scores `z` of a record, `e_t = (1 - w) e_(t-1) + w z_t`; a column alarms, and begins
anew, when `|e|` reaches `L sqrt(w / (2 - w))`, `L` standard deviations of `e` in the long run
(Lucas & Saccucci, Exponentially weighted moving average control schemes, 1990). `L` follows from
the run length that is asked for, by the column's own distribution in the baseline (`runlength`).
"""

from __future__ import annotations

import math
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from detectors.card import Card
from detectors.errors import ParameterError
from detectors.online.alarms import Alarms, by_column, check_state
from detectors.online.promise import promised
from detectors.online.reads import Reads
from detectors.online.runlength import (
    HIGHEST,
    Steps,
    check_run_length,
    mean_run_length,
    smallest_limit,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from detectors.online.reference import Reference
    from detectors.result import Guarantee

POINTS = 161
SHORTEST, LONGEST = 64, 16_384


@dataclass(frozen=True)
class Ewma:
    """Parameters of the chart.

    Parameters
    ----------
    weight
        `w` of the newest record, in (0, 1]; small finds small shifts.
    run_length
        Records of one column between two false alarms, in [10, 1e12].
    width
        `L` in (0, 200]; takes the place of `run_length` when given.

    Raises
    ------
    ParameterError
        If a value is out of its domain.
    """

    reads: ClassVar[Reads] = Reads.NUMBERS
    card: ClassVar[Card] = Card(
        input="numeric columns and streams of 0/1, as normal scores of the baseline",
        statistic="exponentially weighted mean of normal scores against its limits",
        guarantee="run length, computed for the column's own values; independent records",
        cost="0.1 µs per column and record, all columns at once",
        memory="8 bytes per column",
        reference="Roberts 1959, Technometrics 1; Lucas & Saccucci 1990, Technometrics 32",
        avoid="records that depend on each other, and baselines of a few hundred rows: the run "
        "length is that of the baseline as it was seen; from a million records on cusum is sooner",
    )

    weight: float = 0.1
    run_length: float = 100_000.0
    width: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.weight <= 1:
            raise ParameterError(f"weight must be in (0, 1], got {self.weight:g}")
        if self.width is not None and not 0 < self.width <= HIGHEST:
            raise ParameterError(f"width must be in (0, 200], got {self.width:g}")
        check_run_length(self.run_length)

    @property
    def spread(self) -> float:
        """Standard deviation of `e` in the long run."""
        return math.sqrt(self.weight / (2 - self.weight))

    def fit(self, reference: Reference) -> EwmaChart:
        """The chart for a baseline; a column that is constant there never alarms."""
        scores = reference.normal_scores()
        steps = [Steps.of(*scores.distribution(j)) for j in range(len(reference.columns))]
        return EwmaChart(self, reference, steps)

    def limit(self, steps: Steps) -> float:
        """`L` for one column's scores in the baseline."""
        if not steps.values.any():
            return np.inf
        if self.width is not None:
            return self.width
        return smallest_limit(lambda width: self.mean_run_length(steps, width), self.run_length)

    def mean_run_length(self, steps: Steps, width: float) -> float:
        """Mean records until an alarm of a chart at rest."""
        if not np.isfinite(width):
            return np.inf
        end = width * self.spread
        grid = np.linspace(-end, end, POINTS)
        target = (1 - self.weight) * grid[:, None] + self.weight * steps.values
        return float(mean_run_length(grid, target, steps.shares)[POINTS // 2])


class EwmaChart:
    """The running chart; made by `Ewma.fit`.

    Attributes
    ----------
    columns
        Names of the `c` columns.
    limits
        float64 `(c,)`: `L`, inf for a column that cannot be watched.
    run_lengths
        float64 `(c,)`: records between two false alarms.
    delays
        float64 `(c,)`: mean records until a shift by one standard deviation is found.
    """

    name = "ewma"

    def __init__(self, params: Ewma, reference: Reference, steps: list[Steps]) -> None:
        self.columns = reference.columns
        self.limits = np.array([params.limit(s) for s in steps])
        charts = list(zip(steps, self.limits.tolist(), strict=True))
        self.run_lengths = np.array([params.mean_run_length(s, width) for s, width in charts])
        self.delays = np.array(
            [params.mean_run_length(s.shifted(1.0), width) for s, width in charts]
        )
        self._scores = reference.normal_scores()
        self._weight = params.weight
        self._limit = self.limits * params.spread
        # What the filter carries on: `(1 - w) e` of the last record.
        self._carry = np.zeros(len(self.columns))

    def fresh(self) -> EwmaChart:
        """The same chart for another stream; it has seen nothing."""
        other = copy(self)
        other.restore({**self.state(), "carry": np.zeros_like(self._carry)})
        return other

    def guarantee(self, column: int) -> Guarantee:
        """What an alarm of a column promises."""
        return promised(float(self.run_lengths[column]), "computed from the baseline's values")

    def update(self, values: NDArray[np.float64]) -> Alarms:
        """Take in records, oldest first.

        Parameters
        ----------
        values
            float64 `(n, c)`, or `(n,)` for one column, in column units; NaN is skipped.
        """
        columns = by_column(values, len(self.columns))
        found: list[NDArray[np.int64]] = [np.empty(0, dtype=np.int64) for _ in self.columns]
        if columns.size:
            for column, scores in enumerate(self._scores(columns)):
                rows = np.flatnonzero(~np.isnan(scores))
                found[column] = rows[self._followed(column, scores[rows])]
        return Alarms.of(found)

    def state(self) -> dict[str, Any]:
        """Plain data; `restore` goes on behind the last record taken in."""
        carry = self._carry.copy()
        return {"detector": self.name, "columns": list(self.columns), "carry": carry}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where `state` was taken.

        Raises
        ------
        StateError
            If the state is of another detector or other columns.
        """
        check_state(state, self.name, self.columns)
        self._carry = np.array(state["carry"], dtype=np.float64)

    def _followed(self, column: int, scores: NDArray[np.float64]) -> list[int]:
        """Alarms of a column, which begins anew at each; pieces grow while there is none."""
        alarms, at, size = [], 0, LONGEST
        carry, limit = self._carry[column : column + 1], self._limit[column]
        while at < len(scores):
            averages, after = self._filtered(scores[at : at + size], carry)
            over = np.flatnonzero(np.abs(averages) >= limit)
            if len(over):
                at += int(over[0]) + 1
                alarms.append(at - 1)
                carry, size = np.zeros(1), SHORTEST
            else:
                carry, at, size = after, at + size, min(2 * size, LONGEST)
        self._carry[column] = carry[0]
        return alarms

    def _filtered(
        self, scores: NDArray[np.float64], carry: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Averages `(n,)` and the carry `(1,)` after them.

        A recursive filter computes record by record, so that splitting changes no bit.
        """
        from scipy.signal import lfilter  # noqa: PLC0415 - half a second that few need

        weight = self._weight
        averages, after = lfilter([weight], [1.0, weight - 1.0], scores, zi=carry)
        return averages, after

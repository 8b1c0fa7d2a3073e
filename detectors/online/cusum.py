"""Two-sided cumulative sums over all columns at once (Page, Continuous inspection schemes, 1954).

With normal scores `z` of a record and an allowance `k` in standard deviations,

    up_t = max(0, up_(t-1) + z_t - k)      down_t = max(0, down_(t-1) - z_t - k)

and a column alarms, and begins anew, when either reaches `h`. It is the fastest chart there is for
a lasting shift of `2 k` (Moustakides 1986). `h` follows from the run length that is asked for, by
the column's own distribution in the baseline (see `runlength`).

Scores are whole multiples of `2**-20`: integers add exactly, so that a block of records is one
cumulative sum, `up_t = W_t - min(-up_0, W_1 ... W_t)`, and splitting it changes nothing.
"""

from __future__ import annotations

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

FIXED = 1 << 20
POINTS = 121
BLOCK = 32_768
"""Values taken in at once: they stay in the cache."""
MAX_ALLOWANCE = 5.0
_NEVER = 1 << 62


@dataclass(frozen=True)
class Cusum:
    """Parameters of the chart.

    Parameters
    ----------
    allowance
        `k`, half of the shift to be found soonest, in (0, 5] standard deviations.
    run_length
        Records of one column between two false alarms, in [10, 1e12].
    threshold
        `h` in standard deviations, in (0, 200]; takes the place of `run_length` when given.

    Raises
    ------
    ParameterError
        If a value is out of its domain.
    """

    reads: ClassVar[Reads] = Reads.NUMBERS
    card: ClassVar[Card] = Card(
        input="numeric columns and streams of 0/1, as normal scores of the baseline",
        statistic="cumulative sums of normal scores less an allowance, two-sided",
        guarantee="run length, computed for the column's own values; independent records",
        cost="70 ns per column and record, all columns at once",
        memory="16 bytes per column",
        reference="Page 1954, Biometrika 41; Brook & Evans 1972, Biometrika 59",
        avoid="records that depend on each other, and baselines of a few hundred rows: the run "
        "length is that of the baseline as it was seen",
    )

    allowance: float = 0.5
    run_length: float = 100_000.0
    threshold: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.allowance <= MAX_ALLOWANCE:
            raise ParameterError(f"allowance must be in (0, 5], got {self.allowance:g}")
        if self.threshold is not None and not 0 < self.threshold <= HIGHEST:
            raise ParameterError(f"threshold must be in (0, 200], got {self.threshold:g}")
        check_run_length(self.run_length)

    def fit(self, reference: Reference) -> CusumChart:
        """The chart for a baseline; a column that is constant there never alarms."""
        scores = reference.normal_scores()
        steps = [Steps.of(*scores.distribution(j)) for j in range(len(reference.columns))]
        return CusumChart(self, reference, steps)

    def limit(self, steps: Steps) -> float:
        """`h` for one column's scores in the baseline."""
        if not steps.values.any():
            return np.inf
        if self.threshold is not None:
            return self.threshold
        return smallest_limit(lambda h: self.mean_run_length(steps, h), self.run_length)

    def mean_run_length(self, steps: Steps, limit: float) -> float:
        """Mean records until an alarm of a chart at rest.

        The rates of the two sides add up because one alarms only while the other is at zero
        (van Dobben de Bruyn 1968).
        """
        if not np.isfinite(limit):
            return np.inf
        grid = np.linspace(0.0, limit, POINTS)
        rate = 0.0
        for values in (steps.values, -steps.values):
            target = np.maximum(grid[:, None] + values - self.allowance, 0.0)
            rate += 1 / float(mean_run_length(grid, target, steps.shares)[0])
        return 1 / rate if rate else np.inf


class CusumChart:
    """The running chart; made by `Cusum.fit`.

    Attributes
    ----------
    columns
        Names of the `c` columns.
    limits
        float64 `(c,)`: `h` in standard deviations, inf for a column that cannot be watched.
    run_lengths
        float64 `(c,)`: records between two false alarms.
    delays
        float64 `(c,)`: mean records until a shift by one standard deviation is found.
    """

    name = "cusum"

    def __init__(self, params: Cusum, reference: Reference, steps: list[Steps]) -> None:
        self.columns = reference.columns
        self.limits = np.array([params.limit(s) for s in steps])
        charts = list(zip(steps, self.limits.tolist(), strict=True))
        self.run_lengths = np.array([params.mean_run_length(s, h) for s, h in charts])
        self.delays = np.array([params.mean_run_length(s.shifted(1.0), h) for s, h in charts])
        self._scores = reference.normal_scores()
        self._allowance = round(params.allowance * FIXED)
        fixed = np.rint(np.where(np.isfinite(self.limits), self.limits, 0.0) * FIXED)
        self._limit = np.where(np.isfinite(self.limits), fixed.astype(np.int64), _NEVER)
        self._up = np.zeros(len(self.columns), dtype=np.int64)
        self._down = np.zeros(len(self.columns), dtype=np.int64)

    def fresh(self) -> CusumChart:
        """The same chart for another stream; it has seen nothing."""
        other = copy(self)
        nothing = np.zeros_like(self._up)
        other.restore({**self.state(), "up": nothing, "down": nothing})
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
        found: list[list[int]] = [[] for _ in self.columns]
        size = max(BLOCK // max(len(self.columns), 1), 1)
        for first in range(0, columns.shape[1], size):
            scored = self._scores(columns[:, first : first + size])
            for column, row in self._block(scored):
                found[column].append(first + row)
        return Alarms.of(found)

    def state(self) -> dict[str, Any]:
        """Plain data; `restore` goes on behind the last record taken in."""
        sums = {"up": self._up.copy(), "down": self._down.copy()}
        return {"detector": self.name, "columns": list(self.columns), **sums}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where `state` was taken.

        Raises
        ------
        StateError
            If the state is of another detector or other columns.
        """
        check_state(state, self.name, self.columns)
        self._up = np.array(state["up"], dtype=np.int64)
        self._down = np.array(state["down"], dtype=np.int64)

    def _block(self, scores: NDArray[np.float64]) -> list[tuple[int, int]]:
        """Alarms of a block as (column, row)."""
        missing = np.isnan(scores)
        fixed = np.rint(np.where(missing, 0.0, scores) * FIXED).astype(np.int64)
        allowed = np.where(missing, 0, self._allowance)
        up = _sums(fixed - allowed, self._up)
        down = _sums(-fixed - allowed, self._down)
        over = np.maximum(up.max(axis=1), down.max(axis=1)) >= self._limit
        before = self._up, self._down
        self._up, self._down = up[:, -1].copy(), down[:, -1].copy()
        return [
            (column, row)
            for column in np.flatnonzero(over).tolist()
            for row in self._one_by_one(column, fixed[column], allowed[column], before)
        ]

    def _one_by_one(
        self,
        column: int,
        fixed: NDArray[np.int64],
        allowed: NDArray[np.int64],
        before: tuple[NDArray[np.int64], NDArray[np.int64]],
    ) -> list[int]:
        """The same for a column that alarms in this block, and begins anew each time."""
        up, down, limit = int(before[0][column]), int(before[1][column]), int(self._limit[column])
        alarms = []
        for row, (step, least) in enumerate(zip(fixed.tolist(), allowed.tolist(), strict=True)):
            up = max(0, up + step - least)
            down = max(0, down - step - least)
            if up >= limit or down >= limit:
                alarms.append(row)
                up = down = 0
        self._up[column], self._down[column] = up, down
        return alarms


def _sums(steps: NDArray[np.int64], start: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sums that never fall under zero, `(c, n)`, going on from `start` `(c,)`."""
    total = np.cumsum(steps, axis=1)
    lowest = np.minimum.accumulate(total, axis=1)
    np.minimum(lowest, -start[:, None], out=lowest)
    return np.subtract(total, lowest, out=total)

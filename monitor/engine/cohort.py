"""A cohort: the sampled predictions of one window, and the truths that came for them so far.

Of several truths for one prediction the latest counts, and of several of one time the largest, so
that the order in which they came plays no part. A truth that is dated later than `horizon` after
its prediction is late and never joins.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from monitor.packing import compress, decompress, pack, unpack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


class Outcome(IntEnum):
    """What became of one truth; of several fates the greatest counts."""

    UNMATCHED = 0
    LATE = 1
    DUPLICATE = 2
    CORRECTED = 3
    JOINED = 4


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """What is kept of `k` sampled rows of a window, in order of their keys.

    Attributes
    ----------
    keys
        uint64 `(k,)`, ascending: hashes of the record ids.
    times
        int64 `(k,)`: microseconds since the epoch.
    predicted
        float64 `(k,)`: class index or number; NaN is unknown.
    scores
        float64 `(k, c)`: score of the positive class, or one per class; NaN is unknown.
    expected
        float64 `(k,)`: the loss that was estimated without truths; NaN is unknown.
    groups
        int32 `(k, g)`: codes of the columns by which people or segments are told apart.
    """

    keys: NDArray[np.uint64]
    times: NDArray[np.int64]
    predicted: NDArray[np.float64]
    scores: NDArray[np.float64]
    expected: NDArray[np.float64]
    groups: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.keys)

    def in_order(self) -> Predictions:
        """The same rows by ascending key, ties by time and content."""
        order = np.lexsort((self.predicted, self.times, self.keys))
        return Predictions(*(getattr(self, f.name)[order] for f in fields(self)))


@dataclass(slots=True)
class Cohort:
    """Predictions of one window of one version with their truths.

    Attributes
    ----------
    rows
        Rows of the window, sampled or not.
    truth, known
        float64 and int64 `(k,)`: class index or number (NaN: not known yet), and when it was known.
    told
        How many truths had come or changed when the cohort's metrics were last restated.
    changes
        How many truths have come or changed.
    judged
        Whether its figures have entered the sequential evidence.
    """

    version: str
    index: int
    start: int
    end: int
    rows: int
    predictions: Predictions
    truth: NDArray[np.float64] = field(init=False)
    known: NDArray[np.int64] = field(init=False)
    told: int = -1
    changes: int = 0
    judged: bool = False
    _fixed: bytes = field(default=b"", init=False)
    _moving: bytes = field(default=b"", init=False)

    def __post_init__(self) -> None:
        self.truth = np.full(len(self.predictions), np.nan)
        self.known = np.zeros(len(self.predictions), dtype=np.int64)

    @property
    def place(self) -> tuple[int, str, int]:
        """Cohorts are ordered by this: start, version, index."""
        return self.start, self.version, self.index

    @property
    def labelled(self) -> int:
        """Predictions whose truth is known."""
        return int(np.count_nonzero(~np.isnan(self.truth)))

    @property
    def newest(self) -> int | None:
        """When the newest truth was known, microseconds; None without any."""
        return int(self.known.max()) if self.labelled else None

    def accept(
        self,
        rows: NDArray[np.int64],
        times: NDArray[np.int64],
        truth: NDArray[np.float64],
        horizon: int,
    ) -> NDArray[np.int8]:
        """Take truths in; an `Outcome` for each, int8 `(m,)`.

        Parameters
        ----------
        rows
            int64 `(m,)`: row of each truth; truths of one row stand together, by time and value.
        times, truth
            `(m,)`: when it was known, and what (never NaN).
        horizon
            Microseconds after its prediction from which a truth is late.
        """
        outcome = np.full(len(rows), Outcome.LATE, dtype=np.int8)
        good = np.flatnonzero(times <= self.predictions.times[rows] + horizon)
        if not len(good):
            return outcome
        rows, times, truth = rows[good], times[good], truth[good]
        outcome[good] = self._compared(rows, truth)
        last = np.append(rows[1:] != rows[:-1], True)
        rows, times, truth = rows[last], times[last], truth[last]
        old, when = self.truth[rows], self.known[rows]
        newer = np.isnan(old) | (times > when) | ((times == when) & (truth > old))
        self.truth[rows[newer]], self.known[rows[newer]] = truth[newer], times[newer]
        if newer.any():
            self.changes += int(np.count_nonzero(newer))
            self._moving = b""
        return outcome

    def _compared(self, rows: NDArray[np.int64], truth: NDArray[np.float64]) -> NDArray[np.int8]:
        """Whether each truth is the first, another, or the same as the one before it."""
        before = self.truth[rows]
        again = np.flatnonzero(rows[1:] == rows[:-1]) + 1
        before[again] = truth[again - 1]
        outcome = np.where(before == truth, Outcome.DUPLICATE, Outcome.CORRECTED).astype(np.int8)
        outcome[np.isnan(before)] = Outcome.JOINED
        return outcome

    def state(self) -> list[Any]:
        """Plain data that `restore` continues from; what did not change is not packed again."""
        made = self.predictions
        if not self._fixed:
            plain = {f.name: getattr(made, f.name) for f in fields(made)}
            self._fixed = compress(pack(plain))
        if not self._moving:
            self._moving = compress(pack([self.truth, self.known]))
        place = [self.version, self.index, self.start, self.end, self.rows]
        return [*place, self.told, self.changes, self.judged, self._fixed, self._moving]

    @classmethod
    def restore(cls, state: list[Any]) -> Cohort:
        """Inverse of `state`."""
        version, index, start, end, rows, told, changes, judged, fixed, moving = state
        plain: Mapping[str, Any] = unpack(decompress(fixed))
        made = Predictions(**plain)
        cohort = cls(version, index, start, end, rows, made, told, changes, judged)
        cohort._fixed, cohort._moving = fixed, moving
        truth, known = unpack(decompress(moving))
        cohort.truth, cohort.known = truth.copy(), known.copy()
        return cohort

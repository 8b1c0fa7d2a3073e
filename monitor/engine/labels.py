"""Labels meet predictions: a bounded store of what waits for the other side.

Predictions wait in `Cohort`s, one per closed window and version; truths wait when the window of
their prediction may still be open. Which truth a prediction has in the end depends on neither the
order nor the grouping in which both came, as long as the bounds are not reached:

* a cohort leaves when truths are known that are a whole `horizon` newer than its window, or, the
  oldest first, when more than `max_rows` predictions wait;
* a truth waits until no window is open any more that began before it, and the largest keys go
  when more than `max_rows` truths wait: a sample of rows keeps the smallest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from monitor.engine.cohort import Cohort, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


class LabelStore:
    """Predictions and truths of one model.

    Attributes
    ----------
    cohorts
        By version and window index.
    counts
        int64, one per `Outcome`: what became of the truths so far.
    watermark
        When the newest truth that joined was known, microseconds; None before the first.

    Parameters
    ----------
    horizon
        Microseconds after a prediction for which its truth is awaited.
    max_rows
        Predictions that wait at most, and truths.
    """

    def __init__(self, horizon: int, max_rows: int) -> None:
        self.horizon = horizon
        self.max_rows = max_rows
        self.cohorts: dict[tuple[str, int], Cohort] = {}
        self.counts = np.zeros(len(Outcome), dtype=np.int64)
        self.watermark: int | None = None
        self._closed: int | None = None
        self._waiting = _Waiting.empty()
        self._index: _Index | None = None

    @property
    def waiting(self) -> int:
        """Truths whose prediction may still come."""
        return len(self._waiting)

    def add(
        self, keys: NDArray[np.uint64], times: NDArray[np.int64], truth: NDArray[np.float64]
    ) -> None:
        """Take truths in.

        Parameters
        ----------
        keys, times, truth
            `(m,)`: hash of the record id, when the truth was known (microseconds), and the class
            index or number; no NaN.
        """
        labels = _Waiting(keys, times, truth, np.zeros(len(keys), dtype=np.bool_)).in_order()
        if self._index is None:
            self._index = _Index.of(list(self.cohorts.values()))
        outcome = self._join(labels, self._index)
        early = np.ones(len(keys), dtype=np.bool_)
        if self._closed is not None:
            early = labels.times >= self._closed
        labels.counted |= outcome > Outcome.UNMATCHED
        self._count(outcome[labels.counted | ~early])
        self._wait(labels.take(early))

    def open(self, cohort: Cohort) -> None:
        """Let a window's predictions wait; truths that came before them join at once."""
        self.cohorts[cohort.version, cohort.index] = cohort
        self._index = None
        waiting = self._waiting
        row, label = _pairs(waiting.keys, cohort.predictions.keys)
        outcome = np.full(len(waiting), Outcome.UNMATCHED, dtype=np.int8)
        self._offer(cohort, waiting, label, row, outcome)
        fresh = (outcome > Outcome.UNMATCHED) & ~waiting.counted
        self._count(outcome[fresh])
        waiting.counted[fresh] = True

    def close(self, until: int) -> list[Cohort]:
        """No window that began before `until` (microseconds) is open any more; what `release`s."""
        self._closed = until if self._closed is None else max(until, self._closed)
        gone = self._waiting.times < self._closed
        self._forget(gone)
        return self.release()

    def release(self) -> list[Cohort]:
        """Let cohorts go whose truths cannot come any more, and the oldest that are too many."""
        kept = sum(len(cohort.predictions) for cohort in self.cohorts.values())
        left: list[Cohort] = []
        for cohort in sorted(self.cohorts.values(), key=lambda cohort: cohort.place):
            if self.is_over(cohort) or kept > self.max_rows:
                kept -= len(cohort.predictions)
                left.append(self.cohorts.pop((cohort.version, cohort.index)))
        if left:
            self._index = None
        return left

    def is_over(self, cohort: Cohort) -> bool:
        """Whether truths are known that are a whole horizon newer than the cohort's window."""
        return self.watermark is not None and self.watermark > cohort.end + self.horizon

    def state(self) -> dict[str, Any]:
        """Plain data that `restore` continues from."""
        return {
            "cohorts": [cohort.state() for cohort in self.cohorts.values()],
            "counts": self.counts.copy(),
            "watermark": self.watermark,
            "closed": self._closed,
            "waiting": self._waiting.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Inverse of `state`."""
        cohorts = map(Cohort.restore, state["cohorts"])
        self.cohorts = {(cohort.version, cohort.index): cohort for cohort in cohorts}
        self.counts = state["counts"].copy()
        self.watermark, self._closed = state["watermark"], state["closed"]
        self._waiting = _Waiting(*(values.copy() for values in state["waiting"]))
        self._index = None

    def _join(self, labels: _Waiting, index: _Index) -> NDArray[np.int8]:
        """Offer every label to every prediction of its key; the best outcome of each, `(m,)`."""
        outcome = np.full(len(labels), Outcome.UNMATCHED, dtype=np.int8)
        label, owner, row = index.pairs(labels.keys)
        for number in np.unique(owner).tolist():
            pairs = owner == number
            self._offer(index.cohorts[number], labels, label[pairs], row[pairs], outcome)
        return outcome

    def _offer(
        self,
        cohort: Cohort,
        labels: _Waiting,
        label: NDArray[np.int64],
        row: NDArray[np.int64],
        outcome: NDArray[np.int8],
    ) -> None:
        """Offer labels to rows, pair by pair; `outcome` becomes the best of each label."""
        # By row, then by time and value as the labels are: two rows may share one key.
        order = np.lexsort((label, row))
        label, row = label[order], row[order]
        times, truth = labels.times[label], labels.truth[label]
        found = cohort.accept(row, times, truth, self.horizon)
        np.maximum.at(outcome, label, found)
        joined = times[found > Outcome.LATE]
        if len(joined):
            newest = int(joined.max())
            self.watermark = newest if self.watermark is None else max(newest, self.watermark)

    def _wait(self, labels: _Waiting) -> None:
        if not len(labels):
            return
        waiting, repeated = self._waiting.joined(labels)
        self.counts[Outcome.DUPLICATE] += repeated
        self._waiting = waiting
        if len(waiting) > self.max_rows:
            self._forget(np.arange(len(waiting)) >= self.max_rows)

    def _forget(self, gone: NDArray[np.bool_]) -> None:
        self.counts[Outcome.UNMATCHED] += int((gone & ~self._waiting.counted).sum())
        if gone.any():
            self._waiting = self._waiting.take(~gone)

    def _count(self, outcome: NDArray[np.int8]) -> None:
        self.counts += np.bincount(outcome, minlength=len(Outcome))


class _Index:
    """Finds the predictions of many keys at once."""

    __slots__ = ("_keys", "_owner", "_row", "cohorts")

    def __init__(
        self,
        cohorts: list[Cohort],
        keys: NDArray[np.uint64],
        owner: NDArray[np.int64],
        row: NDArray[np.int64],
    ) -> None:
        self.cohorts = cohorts
        order = np.argsort(keys, kind="stable")
        self._keys, self._owner, self._row = keys[order], owner[order], row[order]

    @classmethod
    def of(cls, cohorts: list[Cohort]) -> _Index:
        """Index of all predictions of some cohorts."""
        sizes = [len(cohort.predictions) for cohort in cohorts]
        keys = [np.empty(0, np.uint64), *(cohort.predictions.keys for cohort in cohorts)]
        rows = [np.empty(0, np.int64), *(np.arange(size) for size in sizes)]
        owner = np.repeat(np.arange(len(cohorts)), sizes)
        return cls(cohorts, np.concatenate(keys), owner, np.concatenate(rows))

    def pairs(
        self, keys: NDArray[np.uint64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Each key with each of its predictions: place in `keys`, cohort number, row."""
        label, at = _pairs(self._keys, keys)
        return label, self._owner[at], self._row[at]


def _pairs(
    ordered: NDArray[np.uint64], wanted: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places of equal keys in `wanted` and in `ordered` (ascending), pair by pair."""
    first = np.searchsorted(ordered, wanted, side="left")
    count = np.searchsorted(ordered, wanted, side="right") - first
    place = np.repeat(np.arange(len(wanted)), count)
    within = np.arange(len(place)) - np.repeat(np.cumsum(count) - count, count)
    return place, first[place] + within


class _Waiting:
    """Truths in order of key, time and value; `counted` says whose outcome is counted already."""

    __slots__ = ("counted", "keys", "times", "truth")

    def __init__(
        self,
        keys: NDArray[np.uint64],
        times: NDArray[np.int64],
        truth: NDArray[np.float64],
        counted: NDArray[np.bool_],
    ) -> None:
        self.keys, self.times, self.truth, self.counted = keys, times, truth, counted

    @classmethod
    def empty(cls) -> _Waiting:
        """Nothing waits."""
        none = np.empty(0, np.bool_)
        return cls(np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0), none)

    def __len__(self) -> int:
        return len(self.keys)

    def take(self, rows: NDArray[Any]) -> _Waiting:
        """The chosen truths."""
        return _Waiting(self.keys[rows], self.times[rows], self.truth[rows], self.counted[rows])

    def in_order(self) -> _Waiting:
        """The same truths in order; of equal ones the counted come first."""
        return self.take(np.lexsort((~self.counted, self.truth, self.times, self.keys)))

    def joined(self, more: _Waiting) -> tuple[_Waiting, int]:
        """Both together, each truth once, and how many uncounted repetitions that left out."""
        parts = [
            np.concatenate([getattr(self, name), getattr(more, name)])
            for name in ("keys", "times", "truth", "counted")
        ]
        both = _Waiting(*parts).in_order()
        same = np.zeros(len(both), dtype=np.bool_)
        same[1:] = (
            (both.keys[1:] == both.keys[:-1])
            & (both.times[1:] == both.times[:-1])
            & (both.truth[1:] == both.truth[:-1])
        )
        return both.take(~same), int((same & ~both.counted).sum())

    def state(self) -> list[NDArray[Any]]:
        """Arrays from which it is made again."""
        return [self.keys, self.times, self.truth, self.counted]

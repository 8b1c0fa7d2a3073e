"""What a cohort says of its model in a few sums, and those sums as components of evidence.

Every loss is a number per row: whether the prediction was wrong, its squared distance from the
truth, whether the truth was positive, and by how much the loss exceeds what was estimated without
labels. A component is `sqrt(n) * (mean - baseline's mean) / baseline's sd`, or for shares Cohen's h
times `sqrt(n)` (Anscombe's arcsine), so that independent rows of the baseline give variance 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from detectors.sequential.series import NORMAL_FREEDOM
from monitor.engine.outputs import BINARY, REGRESSION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from monitor.engine.cohort import Cohort
    from monitor.engine.outputs import Task

LEAST_LABELS: Final = 20
"""A cohort with fewer labels is not observed."""

ERROR, BRIER, POSITIVE, GAP = "error rate", "Brier score", "label rate", "estimation error"
ABSOLUTE, BIAS, LEVEL = "mean absolute error", "mean error", "mean label"

_ENTRY: Final[Mapping[str, int]] = {
    ERROR: 0,
    BRIER: 0,
    ABSOLUTE: 0,
    BIAS: 0,
    POSITIVE: 1,
    LEVEL: 1,
    GAP: 2,
}
ENTRIES: Final = ("performance", "labels", "estimator")
"""What is told apart, and has a line of its own."""

SHARES: Final = frozenset({ERROR, POSITIVE})
"""Losses that are 0 or 1."""


def names_of(task: Task, *, scored: bool, estimated: bool) -> tuple[str, ...]:
    """The losses of a task, by entry; `scored` if there are scores, `estimated` if estimates."""
    if task.kind == REGRESSION:
        names = [ABSOLUTE, BIAS, LEVEL]
    elif task.kind == BINARY:
        names = [ERROR, *([BRIER] if scored else []), POSITIVE]
    else:
        names = [ERROR, *([BRIER] if scored else [])]
    return (*names, *([GAP] if estimated else []))


def losses(task: Task, names: Sequence[str], cohort: Cohort) -> NDArray[np.float64]:
    """Losses of the labelled rows of a cohort, float64 `(n, K)`; NaN where a row has none."""
    known = ~np.isnan(cohort.truth)
    made, truth = cohort.predictions, cohort.truth[known]
    predicted, scores = made.predicted[known], made.scores[known]
    main = main_loss(task, truth, predicted)
    made_by: dict[str, NDArray[np.float64]] = {
        ERROR: main,
        ABSOLUTE: main,
        BIAS: predicted - truth,
        POSITIVE: (truth == 1).astype(np.float64),
        LEVEL: truth,
        GAP: main - made.expected[known],
    }
    if BRIER in names:
        made_by[BRIER] = _brier(task, truth, scores)
    return np.column_stack([made_by[name] for name in names])


@dataclass(frozen=True, slots=True, eq=False)
class Sums:
    """Losses of a set of rows: their number, sum and sum of squares, float64 `(K,)` each."""

    count: NDArray[np.float64]
    total: NDArray[np.float64]
    squares: NDArray[np.float64]

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Sums:
        """Sums of losses `(n, K)`, without NaN."""
        known = np.isfinite(values)
        tame = np.where(known, values, 0.0)
        return cls(known.sum(axis=0).astype(np.float64), tame.sum(axis=0), (tame**2).sum(axis=0))

    @classmethod
    def joined(cls, parts: Sequence[Sums]) -> Sums:
        """All of some parts, at least one."""
        return cls(*(np.sum([part.table[i] for part in parts], axis=0) for i in range(3)))

    @property
    def table(self) -> NDArray[np.float64]:
        """float64 `(3, K)`: count, sum, sum of squares."""
        return np.stack([self.count, self.total, self.squares])

    @property
    def mean(self) -> NDArray[np.float64]:
        """float64 `(K,)`; NaN without rows."""
        return _divided(self.total, self.count)

    @property
    def spread(self) -> NDArray[np.float64]:
        """Standard deviation of a row, float64 `(K,)`; NaN without rows."""
        variance = _divided(self.squares, self.count) - self.mean**2
        return np.sqrt(np.maximum(variance, 0.0))


@dataclass(frozen=True, slots=True, eq=False)
class LossBank:
    """Components of evidence: `S` losses over the entries that they have.

    Attributes
    ----------
    names
        The losses that are followed.
    center, spread
        float64 `(S,)`: mean and standard deviation of a row of the baseline.
    """

    names: tuple[str, ...]
    center: NDArray[np.float64]
    spread: NDArray[np.float64]

    @classmethod
    def fit(cls, names: Sequence[str], pooled: Sums) -> LossBank:
        """Keep what varies in the baseline's labelled rows."""
        share = np.array([name in SHARES for name in names], dtype=np.bool_)
        kept = np.flatnonzero((pooled.count > 0) & (share | (pooled.spread > 0)))
        chosen = tuple(names[i] for i in kept.tolist())
        return cls(chosen, pooled.mean[kept], pooled.spread[kept])

    @property
    def entries(self) -> tuple[str, ...]:
        """Names of the entries, by column."""
        used = sorted({_ENTRY[name] for name in self.names})
        return tuple(ENTRIES[entry] for entry in used)

    @property
    def columns(self) -> int:
        """Number of entries."""
        return len(self.entries)

    @property
    def column(self) -> NDArray[np.int64]:
        """int64 `(S,)`: entry of each loss."""
        entries = np.array([_ENTRY[name] for name in self.names], dtype=np.int64)
        return np.unique(entries, return_inverse=True)[1].astype(np.int64)

    @property
    def weight(self) -> NDArray[np.float64]:
        """float64 `(S,)`: equal within an entry, sum 1."""
        column = self.column
        weight: NDArray[np.float64] = 1.0 / np.bincount(column)[column]
        return weight

    @property
    def freedom(self) -> NDArray[np.float64]:
        """float64 `(S,)`: the baseline's windows alone say how heavy tails are."""
        return np.full(len(self.names), NORMAL_FREEDOM)

    @property
    def kind(self) -> NDArray[np.int64]:
        """int64 `(S,)`: every loss is of its own kind."""
        return np.arange(len(self.names))

    def measure(self, names: Sequence[str], sums: Sums) -> NDArray[np.float64]:
        """Components `(S,)` of the sums over `names`; NaN with too few labels."""
        at = [list(names).index(name) for name in self.names]
        count, mean, total = sums.count[at], sums.mean[at], sums.total[at]
        share = np.array([name in SHARES for name in self.names], dtype=np.bool_)
        root = np.sqrt(count)
        with np.errstate(invalid="ignore", divide="ignore"):
            angle = 2 * np.arcsin(np.sqrt(np.clip((total + 3 / 8) / (count + 3 / 4), 0, 1)))
            usual = 2 * np.arcsin(np.sqrt(np.clip(self.center, 0, 1)))
            moved = np.where(share, angle - usual, (mean - self.center) / self.spread)
        return np.where(count >= LEAST_LABELS, root * moved, np.nan)

    def state(self) -> dict[str, Any]:
        """Plain data that `restore` reads."""
        return {"names": self.names, "center": self.center, "spread": self.spread}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> LossBank:
        """Inverse of `state`."""
        return cls(tuple(state["names"]), state["center"], state["spread"])


def main_loss(
    task: Task, truth: NDArray[np.float64], predicted: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Whether each prediction was wrong, of numbers how far; NaN without a prediction, `(n,)`."""
    if task.kind == REGRESSION:
        distance: NDArray[np.float64] = np.abs(predicted - truth)
        return distance
    return np.where(np.isnan(predicted), np.nan, predicted != truth)


def _brier(
    task: Task, truth: NDArray[np.float64], scores: NDArray[np.float64]
) -> NDArray[np.float64]:
    given = np.clip(scores, 0, 1)
    if task.kind == BINARY:
        squared: NDArray[np.float64] = np.square(given[:, 0] - truth)
        return squared
    told = np.arange(given.shape[1]) == truth[:, None]
    distance: NDArray[np.float64] = np.square(given - told).sum(axis=1)
    return distance


def _divided(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    unknown = np.full(len(whole), np.nan)
    ratio: NDArray[np.float64] = np.divide(part, whole, out=unknown, where=whole > 0)
    return ratio

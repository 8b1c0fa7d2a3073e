"""Models of the size of an error, given what the model saw and said.

`additive`: a ridge regression on the quantile bins of every column and of the prediction, that is a
sum of step functions: no tuning, closed form, the same on every machine up to rounding. `boosted`:
scikit-learn's histogram gradient boosting, which also finds interactions; imported when asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from numpy.typing import NDArray

_BINS = 12
_RIDGE = 3.0
"""Rows of no effect that every bin is shrunk by."""


@dataclass(frozen=True, eq=False)
class Seen:
    """Rows as loss models see them: `rows` `(n, f)`, NaN missing, and int64 `bins` `(n, f)`."""

    rows: NDArray[np.float64]
    bins: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, rows: NDArray[np.bool_]) -> Seen:
        """The chosen rows."""
        return Seen(self.rows[rows], self.bins[rows])


@dataclass(frozen=True, eq=False)
class Binning:
    """Quantile bins of every column; those of all columns are numbered through.

    Attributes
    ----------
    edges
        float64 `(b,)` per column, inner edges.
    """

    edges: tuple[NDArray[np.float64], ...]

    @classmethod
    def fit(cls, rows: NDArray[np.float64]) -> Binning:
        """Bins of rows `(n, f)`."""
        return cls(tuple(_edges(column) for column in rows.T))

    @property
    def count(self) -> int:
        """Bins of all columns; each column has one more for missing values."""
        return sum(len(edge) + 2 for edge in self.edges)

    def see(self, rows: NDArray[np.float64]) -> Seen:
        """Put rows `(n, f)` into bins."""
        bins = np.empty(rows.shape, np.int64)
        start = 0
        for place, edge in enumerate(self.edges):
            column = rows[:, place]
            bins[:, place] = start + np.searchsorted(edge, column, side="right")
            bins[np.isnan(column), place] = start + len(edge) + 1
            start += len(edge) + 2
        return Seen(rows, bins)


class LossModel(Protocol):
    """Predicts the mean of a loss."""

    def predict(self, seen: Seen) -> NDArray[np.float64]:
        """Mean loss `(n,)` of rows."""
        ...


@dataclass(frozen=True, eq=False)
class Additive:
    """A sum of step functions: `effects` of all bins, added to the mean."""

    effects: NDArray[np.float64]
    mean: float

    def predict(self, seen: Seen) -> NDArray[np.float64]:
        """Mean loss `(n,)`, unclipped."""
        predicted: NDArray[np.float64] = self.mean + self.effects[seen.bins].sum(axis=1)
        return predicted


def additive(
    seen: Seen, loss: NDArray[np.float64], fold: NDArray[np.int64], count: int, folds: int
) -> tuple[Additive, ...]:
    """Fit to all rows but those of each fold, and last to all rows.

    Parameters
    ----------
    seen, loss, fold
        Rows, their losses `(n,)` and fold `(n,)`.
    count, folds
        Number of bins, and of folds.
    """
    mean = float(loss.mean())
    parts = [_sums(seen.bins[fold == one], loss[fold == one] - mean, count) for one in range(folds)]
    gram, moment = (np.sum([part[place] for part in parts], axis=0) for place in (0, 1))
    nothing = (np.zeros_like(gram), np.zeros_like(moment))
    unit = 10.0 ** np.ceil(np.log10(mean)) if mean > 0 else 1.0
    return tuple(
        Additive(_solved(gram - left[0], moment - left[1], unit), mean)
        for left in (*parts, nothing)
    )


@dataclass(frozen=True, eq=False)
class Boosted:
    """scikit-learn's histogram gradient boosting with a fixed seed."""

    model: Any

    @classmethod
    def fit(cls, seen: Seen, loss: NDArray[np.float64]) -> Boosted:
        """Fit to rows and their losses `(n,)`.

        Raises
        ------
        ImportError
            If scikit-learn is not installed.
        """
        from sklearn.ensemble import (  # type: ignore[import-untyped]  # noqa: PLC0415 - optional
            HistGradientBoostingRegressor,
        )

        learner = HistGradientBoostingRegressor(
            max_iter=100,
            learning_rate=0.1,
            min_samples_leaf=20,
            early_stopping=False,
            random_state=0,
        )
        with _one_thread():
            return cls(learner.fit(seen.rows, loss))

    def predict(self, seen: Seen) -> NDArray[np.float64]:
        """Mean loss `(n,)`, unclipped."""
        with _one_thread():
            predicted: NDArray[np.float64] = self.model.predict(seen.rows)
        return predicted


def _one_thread() -> AbstractContextManager[Any]:
    """Sums of several threads depend on which was first; and the machine has other work."""
    from threadpoolctl import (  # type: ignore[import-untyped]  # noqa: PLC0415
        threadpool_limits,  # comes with scikit-learn
    )

    limits: AbstractContextManager[Any] = threadpool_limits(limits=1)
    return limits


def _edges(column: NDArray[np.float64]) -> NDArray[np.float64]:
    known = column[np.isfinite(column)]
    if not len(known):
        return np.empty(0)
    distinct = np.unique(known)
    if len(distinct) <= 2 * _BINS:  # few values: each is its own bin
        return (distinct[1:] + distinct[:-1]) / 2
    return np.unique(np.quantile(known, np.arange(1, _BINS) / _BINS))


def _sums(
    bins: NDArray[np.int64], loss: NDArray[np.float64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How often two bins meet `(count, count)`, and the sum of losses in each bin `(count,)`."""
    indicators = np.zeros((len(bins), count))
    np.put_along_axis(indicators, bins, 1.0, axis=1)
    return indicators.T @ indicators, indicators.T @ loss


def _solved(
    gram: NDArray[np.float64], moment: NDArray[np.float64], unit: float
) -> NDArray[np.float64]:
    """Effects, to the ninth digit of the unit: further ones depend on BLAS and its threads."""
    effects = np.linalg.solve(gram + _RIDGE * np.eye(len(gram)), moment)
    short: NDArray[np.float64] = np.round(effects / unit, 9) * unit
    return short

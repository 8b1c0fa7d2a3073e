"""Models of the size of an error, given what the model saw and said.

`additive`: a ridge regression on the quantile bins of every column and of the prediction, that is a
sum of step functions: no tuning, closed form, the same on every machine up to rounding. `boosted`:
scikit-learn's histogram gradient boosting, which also finds interactions; imported when asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BINS = 12
_RIDGE = 3.0
"""Rows of no effect that every bin is shrunk by."""


class LossModel(Protocol):
    """Predicts the mean of a loss."""

    def predict(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean loss `(n,)` of rows `(n, f)`."""
        ...


@dataclass(frozen=True, eq=False)
class Additive:
    """A sum of step functions; `edges` `(b,)` per column, `effects` of all bins, and the mean."""

    edges: tuple[NDArray[np.float64], ...]
    effects: NDArray[np.float64]
    mean: float

    @classmethod
    def fit(cls, rows: NDArray[np.float64], loss: NDArray[np.float64]) -> Additive:
        """Fit to rows `(n, f)`, NaN missing, and their losses `(n,)`."""
        edges = tuple(_edges(column) for column in rows.T)
        indicators = _indicators(rows, edges)
        mean = float(loss.mean())
        gram = indicators.T @ indicators
        gram[np.diag_indices_from(gram)] += _RIDGE
        effects = np.linalg.solve(gram, indicators.T @ (loss - mean))
        return cls(edges, effects.astype(np.float64), mean)

    def predict(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean loss `(n,)`, unclipped."""
        predicted: NDArray[np.float64] = self.mean + _indicators(rows, self.edges) @ self.effects
        return predicted


def boosted(rows: NDArray[np.float64], loss: NDArray[np.float64]) -> LossModel:
    """Histogram gradient boosting with a fixed seed.

    Raises
    ------
    ImportError
        If scikit-learn is not installed.
    """
    from sklearn.ensemble import (  # type: ignore[import-untyped]  # noqa: PLC0415 - optional
        HistGradientBoostingRegressor,
    )

    model: LossModel = HistGradientBoostingRegressor(
        max_iter=100, learning_rate=0.1, min_samples_leaf=20, early_stopping=False, random_state=0
    ).fit(rows, loss)
    return model


def _edges(column: NDArray[np.float64]) -> NDArray[np.float64]:
    known = column[np.isfinite(column)]
    if not len(known):
        return np.empty(0)
    distinct = np.unique(known)
    if len(distinct) <= 2 * _BINS:  # few values: each is its own bin
        return (distinct[1:] + distinct[:-1]) / 2
    return np.unique(np.quantile(known, np.arange(1, _BINS) / _BINS))


def _indicators(
    rows: NDArray[np.float64], edges: tuple[NDArray[np.float64], ...]
) -> NDArray[np.float64]:
    """float64 `(n, bins of all columns)`: in which bin each value lies; missing is a bin too."""
    width = sum(len(edge) + 2 for edge in edges)
    matrix = np.zeros((len(rows), width))
    start = 0
    for column, edge in zip(rows.T, edges, strict=True):
        place = np.searchsorted(edge, column, side="right")
        place[np.isnan(column)] = len(edge) + 1
        matrix[np.arange(len(rows)), start + place] = 1.0
        start += len(edge) + 2
    return matrix

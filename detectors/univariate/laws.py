"""What quadratic statistics of numeric columns do without change, from the baseline alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from detectors.univariate.quadratic import Moments

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from detectors.univariate.sweep import Integral

TOGETHER = 64
"""Columns taken at once: their cells, as doubles, stay in the L2 cache."""


@dataclass(frozen=True, eq=False)
class Laws:
    """Laws of a baseline's columns, computed when first asked for.

    `cumulated` float64 `(f1, cells + 1)` and `integral` as in `Comparison`; `outside` float64
    `(f1,)` is `integral G (1 - G)` beyond the edges.
    """

    cumulated: NDArray[np.float64]
    integral: Callable[[slice], Integral]
    outside: NDArray[np.float64]

    @cached_property
    def mises(self) -> Moments:
        """Of the Cramer-von Mises statistic."""
        return self._moments(_mises)

    @cached_property
    def darling(self) -> Moments:
        """Of the Anderson-Darling statistic."""
        return self._moments(_darling)

    @cached_property
    def spread(self) -> NDArray[np.float64]:
        """float64 `(f1,)`: mean absolute difference of two baseline values, column units."""
        inside = np.empty(len(self.cumulated))
        with np.errstate(over="ignore"):
            for part in self._parts():
                below = self.cumulated[part]
                inside[part] = self.integral(part).of(below * (1 - below))
            return 2 * (inside + self.outside)

    def _parts(self) -> list[slice]:
        columns = len(self.cumulated)
        return [slice(j, min(j + TOGETHER, columns)) for j in range(0, columns, TOGETHER)]

    def _moments(self, of: Callable[[NDArray[np.float64]], Moments]) -> Moments:
        parts = [of(self.cumulated[part]) for part in self._parts()]
        none = [np.empty(0)]
        return Moments(
            np.concatenate([part.mean for part in parts] or none),
            np.concatenate([part.deviation for part in parts] or none),
        )


def _edges(cumulated: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`H` at the lower and the upper end of every cell, float64 `(c, k + 1)`."""
    return (
        np.pad(cumulated, ((0, 0), (1, 0))),
        np.pad(cumulated, ((0, 0), (0, 1)), constant_values=1.0),
    )


def _mises(cumulated: NDArray[np.float64]) -> Moments:
    low, high = _edges(cumulated)
    return Moments.of_bridge(high - low, high, 1 - high, high * (1 - high))


def _darling(cumulated: NDArray[np.float64]) -> Moments:
    low, high = _edges(cumulated)
    width, middle = high - low, (low + high) / 2
    variance = middle * (1 - middle) - width / 4
    usable = (width > 0) & (variance > 0)
    weight = np.divide(width, variance, out=np.zeros_like(width), where=usable)
    return Moments.of_bridge(weight, middle, 1 - middle, variance)

"""One pass over the cells of numeric columns: all that compares two distribution functions.

`F` is the window's and `G` the baseline's share of values below an edge, `D = F - G`,
`H = (n F + m G) / (n + m)` both samples together and `h` what `H` gains in a cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TINY = 1e-300


@dataclass(frozen=True, eq=False)
class Swept:
    """What was measured on some columns; float64 `(c,)` unless stated.

    Attributes
    ----------
    rows
        int64: valid values in the window.
    below
        int64 `(c, b)`: values of the window below each of the `b` group borders.
    ends
        float64 `(c, 2)`: `F` at the first and the last edge.
    gap
        `max |D|` over the edges.
    area, square_area
        `integral |D|` and `integral D**2` between the first and the last edge, column units, for
        values in the middle of their cells.
    mises
        `n m / (n + m) sum_k h_k D_k**2` with `D` at the upper edge of each cell.
    darling
        `n m / (n + m) sum_k h_k D_k**2 / (H_k (1 - H_k) - h_k / 4)` with `D` and `H` in the middle
        of each cell, which is how ties are treated.
    """

    rows: NDArray[np.int64]
    below: NDArray[np.int64]
    ends: NDArray[np.float64]
    gap: NDArray[np.float64]
    area: NDArray[np.float64]
    square_area: NDArray[np.float64]
    mises: NDArray[np.float64]
    darling: NDArray[np.float64]

    @classmethod
    def joined(cls, parts: list[Self]) -> Self:
        """All columns of several parts, in order."""
        names = cls.__dataclass_fields__
        return cls(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in names})


def sweep(
    cells: NDArray[np.int64],
    baseline: NDArray[np.float64],
    baseline_rows: NDArray[np.int64],
    borders: NDArray[np.int64],
    integral: Integral,
) -> Swept:
    """Measure columns whose window counts are `cells` `(c, k + 1)`.

    Parameters
    ----------
    baseline
        float64 `(c, k)`: `G` at the edges.
    baseline_rows
        int64 `(c,)`: valid values behind it.
    borders
        int64 `(c, b)`: edge index at which each group but the last ends.
    """
    cumulated = np.cumsum(cells[:, :-1], axis=1)
    rows = cumulated[:, -1] + cells[:, -1]
    gaps = np.divide(cumulated, rows[:, None])
    ends = gaps[:, [0, -1]]
    np.subtract(gaps, baseline, out=gaps)
    both = (rows + baseline_rows).astype(np.float64)
    pooled = gaps * (rows / both)[:, None]
    pooled += baseline
    mises, darling = _weighed(gaps, pooled)
    scale = rows * baseline_rows / both
    np.abs(gaps, out=gaps)
    largest, area = gaps.max(axis=1), integral.of(gaps)
    np.multiply(gaps, gaps, out=gaps)
    return Swept(
        rows=rows,
        below=np.take_along_axis(cumulated, borders, axis=1),
        ends=ends,
        gap=largest,
        area=area,
        square_area=integral.of(gaps),
        mises=scale * mises,
        darling=scale * darling * (1 - 1 / both),
    )


def _weighed(
    gaps: NDArray[np.float64], pooled: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`sum h D**2` at upper edges and `sum h D**2 / (H (1 - H) - h / 4)` in the middle of cells.

    The last cell ends where `D` is 0 and `H` is 1. Of the second sum both numerator and denominator
    are taken four times: `H = (low + high) / 2` makes the latter `s (2 - s) - h` with
    `s = low + high`.
    """
    columns, edges = gaps.shape
    width = np.empty((columns, edges + 1))
    width[:, 0] = pooled[:, 0]
    np.subtract(pooled[:, 1:], pooled[:, :-1], out=width[:, 1:-1])
    np.subtract(1.0, pooled[:, -1], out=width[:, -1])
    total = np.empty_like(width)
    total[:, 0] = pooled[:, 0]
    np.add(pooled[:, 1:], pooled[:, :-1], out=total[:, 1:-1])
    np.add(1.0, pooled[:, -1], out=total[:, -1])
    weight = 2.0 - total
    weight *= total
    weight -= width
    np.maximum(weight, _TINY, out=weight)
    np.divide(width, weight, out=weight)
    total[:, 0], total[:, -1] = gaps[:, 0], gaps[:, -1]
    np.add(gaps[:, 1:], gaps[:, :-1], out=total[:, 1:-1])
    np.multiply(total, total, out=total)
    squares = gaps * gaps
    return np.vecdot(width[:, :-1], squares), np.vecdot(weight, total)


@dataclass(frozen=True, eq=False)
class Integral:
    """The trapezoidal rule over the edges of some columns.

    `width` float64 `(c,)` of uniform cells; `explicit` int64 `(e,)` which columns have edges of
    their own, with weights `(e, k)`.
    """

    width: NDArray[np.float64]
    explicit: NDArray[np.int64]
    weights: NDArray[np.float64]

    def of(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Integral, float64 `(c,)`, of values `(c, k)` at the edges."""
        total: NDArray[np.float64] = values.sum(axis=1) - (values[:, 0] + values[:, -1]) / 2
        total *= self.width
        total[self.explicit] = np.vecdot(values[self.explicit], self.weights)
        return total

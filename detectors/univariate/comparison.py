"""One window beside its baseline: what all univariate detectors share, computed once.

Numeric columns are compared on their cells (Kolmogorov-Smirnov, Wasserstein) and, for the
detectors that compare shares, on about `bins` groups with equal baseline mass whose borders are
cell edges. Categorical columns are compared on their most frequent baseline values and one group
for the rest, in which values outside the vocabulary are counted.

Missing, wrong-typed and infinite values take no part. A column without valid values on either side
yields NaN, and no other column notices.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from detectors.errors import InputError, ParameterError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.profile.frame import Frame
    from detectors.profile.numeric import NumericTally
    from detectors.profile.profile import Profile

TOGETHER = 32
"""Columns swept at once: their cells, as doubles, stay in the L2 cache."""


@dataclass(frozen=True, eq=False)
class Reference:
    """A baseline prepared for comparisons. Build it with `Reference.of`.

    Attributes
    ----------
    frame
        The baseline's frame.
    cumulated
        float64 `(f1, cells + 1)`: share of the valid values below each cell edge.
    excess
        float64 `(f1, 2)`: mean distance by which values lie under the first and over the last
        edge, fixed-point units.
    borders
        int64 `(f1, bins - 1)`: edge index at which each group but the last ends.
    kept
        int64 `(f2, <= max_values)`: vocabulary codes that are groups of their own.
    rows
        int64 `(c,)`: valid baseline values; `c = f1 + f2`, numeric columns first.
    groups
        int64 `(c, g)`: baseline counts per group, zero-padded.
    mean, spread
        float64 `(f1,)`: baseline mean and standard deviation, column units.
    """

    frame: Frame
    cumulated: NDArray[np.float64]
    excess: NDArray[np.float64]
    borders: NDArray[np.int64]
    kept: NDArray[np.int64]
    rows: NDArray[np.int64]
    groups: NDArray[np.int64]
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]

    @classmethod
    def of(cls, baseline: Profile, bins: int = 10, max_values: int = 50) -> Reference:
        """Prepare a baseline.

        Parameters
        ----------
        baseline
            Profile of the baseline's rows.
        bins
            Groups per numeric column, in [2, 100]; fewer come out where one value is frequent.
        max_values
            Values per categorical column that get a group of their own, in [2, 1000].

        Raises
        ------
        ParameterError
            If `bins` or `max_values` is outside its domain.
        """
        _require(name="bins", value=bins, low=2, high=100)
        _require(name="max_values", value=max_values, low=2, high=1000)
        cumulated, rows = _cumulated(baseline.cells)
        borders = _borders(cumulated, bins)
        kept = np.argsort(-baseline.codes, axis=1, kind="stable")[:, :max_values]
        below = _at_borders(np.cumsum(baseline.cells[:, :-1], axis=1), borders)
        return cls(
            frame=baseline.frame,
            cumulated=cumulated,
            excess=_mean_excess(baseline.numeric, rows),
            borders=borders,
            kept=kept,
            rows=np.concatenate([rows, baseline.categorical.valid()]),
            groups=_groups(below, rows, baseline, kept),
            mean=baseline.mean(),
            spread=baseline.std(),
        )

    @property
    def numeric(self) -> tuple[str, ...]:
        """Names of the numeric columns."""
        return self.frame.numeric.names

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names of the numeric and the categorical columns."""
        return self.frame.numeric.names + self.frame.categorical.names

    def compare(self, window: Profile) -> Comparison:
        """Compare a window's profile with the baseline.

        Raises
        ------
        InputError
            If the profile was measured on another frame.
        """
        frame = self.frame
        if window.frame is not frame and window.frame.fingerprint != frame.fingerprint:
            raise InputError("the window was measured on another frame than the baseline")
        columns = len(self.numeric)
        gap, area = np.empty(columns), np.empty(columns)
        rows = np.empty(columns, dtype=np.int64)
        below = np.empty(self.borders.shape, dtype=np.int64)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            for start in range(0, columns, TOGETHER):
                part = slice(start, start + TOGETHER)
                gap[part], area[part], rows[part], below[part] = self._sweep(window, part)
            outside = np.abs(_mean_excess(window.numeric, rows) - self.excess).sum(axis=1)
            area += outside * frame.numeric.unit
            area = np.maximum(area, np.abs(window.mean() - self.mean))
        area[self.rows[:columns] == 0] = np.nan
        return Comparison(
            reference=self,
            rows=np.concatenate([rows, window.categorical.valid()]),
            groups=_groups(below, rows, window, self.kept),
            gap=gap,
            area=area,
        )

    def _sweep(
        self, window: Profile, part: slice
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
        """Largest gap and area between distribution functions, rows, counts below the borders."""
        cells = window.cells[part]
        cumulated = np.cumsum(cells[:, :-1], axis=1)
        rows = cumulated[:, -1] + cells[:, -1]
        gaps = np.divide(cumulated, rows[:, None])
        np.subtract(gaps, self.cumulated[part], out=gaps)
        np.abs(gaps, out=gaps)
        area = gaps.sum(axis=1) - (gaps[:, 0] + gaps[:, -1]) / 2
        area *= self.frame.numeric.width[part]
        numeric = self.frame.numeric
        first, last = np.searchsorted(numeric.edge_columns, (part.start, part.stop))
        explicit = numeric.edge_columns[first:last] - part.start
        area[explicit] = np.vecdot(gaps[explicit], self._edge_weights[first:last])
        return gaps.max(axis=1), area, rows, _at_borders(cumulated, self.borders[part])

    @cached_property
    def _edge_weights(self) -> NDArray[np.float64]:
        """Trapezoidal weights of the edges of the columns with explicit edges."""
        widths = np.diff(self.frame.numeric.edge_values, axis=1)
        return (np.pad(widths, ((0, 0), (1, 0))) + np.pad(widths, ((0, 0), (0, 1)))) / 2


@dataclass(frozen=True, eq=False)
class Comparison:
    """One window compared with its reference; `c = f1 + f2` columns, numeric first.

    Attributes
    ----------
    rows
        int64 `(c,)`: valid values in the window.
    groups
        int64 `(c, g)`: counts per group of the reference.
    gap
        float64 `(f1,)`: largest difference of the distribution functions at a cell edge.
    area
        float64 `(f1,)`: area between the distribution functions, column units, at least the
        difference of the means.
    """

    reference: Reference
    rows: NDArray[np.int64]
    groups: NDArray[np.int64]
    gap: NDArray[np.float64]
    area: NDArray[np.float64]

    @cached_property
    def used(self) -> NDArray[np.bool_]:
        """Groups, bool `(c, g)`, that hold at least one value of either side."""
        return (self.groups > 0) | (self.reference.groups > 0)

    @cached_property
    def group_count(self) -> NDArray[np.int64]:
        """int64 `(c,)`: number of groups in use."""
        count: NDArray[np.int64] = np.count_nonzero(self.used, axis=1).astype(np.int64)
        return count

    @cached_property
    def shares(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Share of each group in the window and in the baseline, float64 `(c, g)` each.

        NaN for a column without valid values on either side.
        """
        with np.errstate(invalid="ignore"):
            window = self.groups / self.rows[:, None]
            baseline = self.reference.groups / self.reference.rows[:, None]
        return window, baseline

    @cached_property
    def precision(self) -> NDArray[np.float64]:
        """`1/n + 1/m`, float64 `(c,)`: variance scale of differences; NaN without values."""
        smaller = np.minimum(self.rows, self.reference.rows)
        rows = np.where(smaller > 0, self.rows, np.nan)
        return 1 / rows + 1 / np.where(smaller > 0, self.reference.rows, np.nan)


def _cumulated(cells: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    rows = cells.sum(axis=1)
    with np.errstate(invalid="ignore"):
        shares: NDArray[np.float64] = np.cumsum(cells[:, :-1], axis=1) / rows[:, None]
    return shares, rows


def _borders(cumulated: NDArray[np.float64], bins: int) -> NDArray[np.int64]:
    """Index of the edge whose share is nearest to each multiple of `1 / bins`.

    A frequent value makes several borders coincide; the groups between them stay empty.
    """
    borders = np.zeros((len(cumulated), bins - 1), dtype=np.int64)
    targets = np.arange(1, bins) / bins
    for row, shares in enumerate(cumulated):
        right = np.searchsorted(shares, targets).clip(1, len(shares) - 1)
        nearer_left = targets - shares[right - 1] < shares[right] - targets
        borders[row] = right - nearer_left
    return borders


def _at_borders(counts: NDArray[np.int64], borders: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.take_along_axis(counts, borders, axis=1)


def _groups(
    below: NDArray[np.int64], rows: NDArray[np.int64], profile: Profile, kept: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Counts per group of all columns, zero-padded to one width."""
    numeric = np.diff(below, axis=1, prepend=0, append=rows[:, None])
    values = np.take_along_axis(profile.codes, kept, axis=1)
    rest = profile.categorical.valid() - values.sum(axis=1)
    categorical = np.column_stack([values, rest])
    groups = np.zeros(
        (len(numeric) + len(categorical), max(numeric.shape[1], categorical.shape[1])),
        dtype=np.int64,
    )
    groups[: len(numeric), : numeric.shape[1]] = numeric
    groups[len(numeric) :, : categorical.shape[1]] = categorical
    return groups


def _mean_excess(tally: NumericTally, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean distance under the first and over the last edge, `(f1, 2)`, fixed-point units.

    Every value outside lies on average half a fixed-point unit further out than its excess says,
    because an edge lies half a unit outside the first grid point inside.
    """
    outside = tally.cells[:, [0, -1]]
    excess = np.column_stack([tally.excess_under, tally.excess_over])
    with np.errstate(invalid="ignore"):
        mean: NDArray[np.float64] = (excess + outside / 2) / rows[:, None]
    return mean


def _require(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ParameterError(f"{name} must be in [{low}, {high}], got {value}")

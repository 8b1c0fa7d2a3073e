"""One window beside its baseline: what all univariate detectors share, computed once.

Numeric columns are compared on their cells (`sweep`) and, for the detectors that compare shares, on
about `bins` groups with equal baseline mass whose borders are cell edges. Categorical columns are
compared on their most frequent baseline values and one group for the rest, in which values outside
the vocabulary are counted.

Missing, wrong-typed and infinite values take no part. A column without valid values on either side
yields NaN, and no other column notices.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np

from detectors.errors import InputError, ParameterError
from detectors.univariate.contingency import Contingency
from detectors.univariate.laws import TOGETHER, Laws
from detectors.univariate.sweep import Integral, Swept, sweep

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.profile.frame import Frame, NumericFrame
    from detectors.profile.numeric import NumericTally
    from detectors.profile.profile import Profile


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
    laws
        What statistics do without change.
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
    laws: Laws

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
        below = _below(baseline, borders)
        excess = _mean_excess(baseline.numeric, rows)
        frame = baseline.frame.numeric
        inside = np.column_stack([1 - cumulated[:, 0], cumulated[:, -1]])
        with np.errstate(over="ignore"):
            beyond = np.vecdot(excess, inside) * frame.unit
        return cls(
            frame=baseline.frame,
            cumulated=cumulated,
            excess=excess,
            borders=borders,
            kept=kept,
            rows=np.concatenate([rows, baseline.categorical.valid()]),
            groups=_groups(below, rows, baseline, kept),
            mean=baseline.mean(),
            spread=baseline.std(),
            laws=Laws(cumulated, partial(_integral, frame), beyond),
        )

    @property
    def numeric(self) -> tuple[str, ...]:
        """Names of the numeric columns."""
        return self.frame.numeric.names

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Names of the numeric and the categorical columns."""
        return self.frame.numeric.names + self.frame.categorical.names

    def same_grid(self, other: Reference) -> bool:
        """Whether both were made from one baseline (one of them perhaps without some rows)."""
        return self.borders is other.borders

    def compare(self, window: Profile) -> Comparison:
        """Compare a window's profile with the baseline.

        Raises
        ------
        InputError
            If the profile was measured on another frame.
        """
        self._require_frame(window)
        columns = len(self.numeric)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            swept = self._sweep(window)
            excess = _mean_excess(window.numeric, swept.rows)
            unit = self.frame.numeric.unit
            area = swept.area + np.abs(excess - self.excess).sum(axis=1) * unit
            area = np.maximum(area, np.abs(window.mean() - self.mean))
            ends = self.cumulated[:, [0, -1]]
            outside = _square_outside(swept.ends, excess, ends, self.excess)
            square = swept.square_area + unit * outside
        empty = self.rows[:columns] == 0
        area[empty], square[empty] = np.nan, np.nan
        return Comparison(
            reference=self,
            rows=np.concatenate([swept.rows, window.categorical.valid()]),
            groups=_groups(swept.below, swept.rows, window, self.kept),
            gap=swept.gap,
            area=area,
            square_area=square,
            mises=swept.mises,
            darling=swept.darling,
        )

    def without(self, window: Profile) -> Reference:
        """The reference that the baseline would have been without a window that is part of it.

        Groups, and the laws of statistics without change, stay those of the whole baseline.

        Raises
        ------
        InputError
            If the profile was measured on another frame.
        """
        self._require_frame(window)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            cumulated, inside = _cumulated(window.cells)
            columns = len(inside)
            rows = self.rows - np.concatenate([inside, window.categorical.valid()])
            numeric = self.rows[:columns]
            here, left = inside / rows[:columns], numeric / rows[:columns]
            here[inside == 0], left[inside == 0] = 0.0, 1.0
            part = np.nan_to_num(cumulated, copy=False) * here[:, None]
            excess = np.nan_to_num(_mean_excess(window.numeric, inside), copy=False) * here[:, None]
            mean = np.nan_to_num(window.mean(), copy=False) * here
            groups = _groups(_below(window, self.borders), inside, window, self.kept)
            return replace(
                self,
                cumulated=self.cumulated * left[:, None] - part,
                excess=self.excess * left[:, None] - excess,
                rows=rows,
                groups=self.groups - groups,
                mean=self.mean * left - mean,
            )

    def _require_frame(self, window: Profile) -> None:
        frame = self.frame
        if window.frame is not frame and window.frame.fingerprint != frame.fingerprint:
            raise InputError("the window was measured on another frame than the baseline")

    def _sweep(self, window: Profile) -> Swept:
        parts = []
        for start in range(0, max(len(self.numeric), 1), TOGETHER):
            part = slice(start, start + TOGETHER)
            parts.append(
                sweep(
                    window.cells[part],
                    self.cumulated[part],
                    self.rows[: len(self.numeric)][part],
                    self.borders[part],
                    _integral(self.frame.numeric, part),
                )
            )
        return Swept.joined(parts)


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
    square_area
        float64 `(f1,)`: area under the squared difference, column units.
    mises, darling
        float64 `(f1,)`: see `Swept`.
    """

    reference: Reference
    rows: NDArray[np.int64]
    groups: NDArray[np.int64]
    gap: NDArray[np.float64]
    area: NDArray[np.float64]
    square_area: NDArray[np.float64]
    mises: NDArray[np.float64]
    darling: NDArray[np.float64]

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
    def smoothed(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Shares of window and baseline with half a row more in every group in use, `(c, g)` each.

        `(k + 1/2) / (rows + groups / 2)`: no share is 0, so logarithms of their ratio are finite.
        """
        more = 0.5 * np.maximum(self.group_count, 1)
        window: NDArray[np.float64] = (self.groups + 0.5) / (self.rows + more)[:, None]
        baseline = (self.reference.groups + 0.5) / (self.reference.rows + more)[:, None]
        return window, baseline

    @cached_property
    def contingency(self) -> Contingency:
        """Both sides' counts per group, small groups pooled."""
        return Contingency.of(self.groups, self.reference.groups, self.rows, self.reference.rows)

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


def _below(profile: Profile, borders: NDArray[np.int64]) -> NDArray[np.int64]:
    """int64 `(f1, bins - 1)`: values below each border."""
    return np.take_along_axis(np.cumsum(profile.cells[:, :-1], axis=1), borders, axis=1)


def _integral(frame: NumericFrame, part: slice) -> Integral:
    """The trapezoidal rule over the edges of some columns."""
    first, last = np.searchsorted(frame.edge_columns, (part.start, part.stop))
    widths = np.diff(frame.edge_values[first:last], axis=1)
    weights = (np.pad(widths, ((0, 0), (1, 0))) + np.pad(widths, ((0, 0), (0, 1)))) / 2
    return Integral(frame.width[part], frame.edge_columns[first:last] - part.start, weights)


def _square_outside(
    window: NDArray[np.float64],
    excess: NDArray[np.float64],
    baseline: NDArray[np.float64],
    baseline_excess: NDArray[np.float64],
) -> NDArray[np.float64]:
    """`integral D**2` beyond the edges, float64 `(f1,)` in fixed-point units.

    Profiles know how many values lie out there and their mean distance; all of a side are taken to
    lie at that distance. `window` and `baseline` are the shares below both edges.
    """
    total = np.zeros(len(excess))
    for side in (0, 1):
        p, q = (np.abs(side - shares[:, side]) for shares in (window, baseline))
        near_p, near_q = (
            np.divide(e[:, side], share, out=np.zeros_like(share), where=share > 0)
            for e, share in ((excess, p), (baseline_excess, q))
        )
        outer = np.where(near_p > near_q, p, q)
        total += (p - q) ** 2 * np.minimum(near_p, near_q) + outer**2 * np.abs(near_p - near_q)
    return total


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

"""Baseline and window beside each other, coarse enough to draw.

What depends on the baseline alone is prepared once per segment; a window then costs a few passes
over the columns that are shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from monitor.engine.rounding import rounded

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from detectors.profile.profile import Profile

BARS = 32
VALUES = 20
TAIL = 0.002


def distributions(baseline: Profile, window: Profile) -> dict[str, dict[str, Any]]:
    """Per column of the frame what a page draws; see `Histograms.beside`."""
    return Histograms(baseline).beside(window)


@dataclass(frozen=True, eq=False, slots=True)
class Histograms:
    """Pictures of a baseline's columns, drawn when first asked for."""

    baseline: Profile
    _numeric: dict[int, _Bars] = field(default_factory=dict)
    _categorical: dict[int, _Values] = field(default_factory=dict)

    def beside(
        self, window: Profile, columns: Collection[str] | None = None
    ) -> dict[str, dict[str, Any]]:
        """Per column, of all or of `columns`, what a page draws; shares of valid values.

        Numeric: `edges` and the shares between them, over the cells that hold the baseline but for
        its outermost `TAIL` on either side; everything further out is in the outer bars.
        Categorical: the baseline's `VALUES` most frequent values and all others together. Numbers
        are rounded as a decision shows them.
        """
        frame = window.frame
        wanted = frame.columns if columns is None else columns
        shown: dict[str, dict[str, Any]] = {name: {"kind": "presence"} for name in wanted}
        numeric = [i for i, name in enumerate(frame.numeric.names) if name in shown]
        bars = [self._bars(i) for i in numeric]
        drawn = list(zip(numeric, bars, strict=True))
        shares = rounded(np.array([_padded(bar, window.cells[i]) for i, bar in drawn]))
        for (i, bar), share in zip(drawn, shares, strict=True):
            shown[frame.numeric.names[i]] = bar.beside(share)
        for j, name in enumerate(frame.categorical.names):
            if name in shown:
                shown[name] = self._values(j).beside(window, j)
        return shown

    def _bars(self, column: int) -> _Bars:
        if column not in self._numeric:
            self._numeric[column] = _Bars.of(self.baseline, column)
        return self._numeric[column]

    def _values(self, column: int) -> _Values:
        if column not in self._categorical:
            self._categorical[column] = _Values.of(self.baseline, column)
        return self._categorical[column]


@dataclass(frozen=True, eq=False, slots=True)
class _Bars:
    """`starts` are the cells at which bars begin; the last bar goes on to the end."""

    starts: NDArray[np.intp]
    edges: list[Any]
    shares: list[Any]

    @classmethod
    def of(cls, baseline: Profile, column: int) -> _Bars:
        cells = baseline.cells[column]
        borders = _borders(cells)
        starts = borders[:-1] + 1
        starts[0] = 0
        edges = rounded(baseline.frame.numeric.edges[column, borders])
        return cls(starts, edges, rounded(_shares(cells, starts)))

    def beside(self, window: list[float]) -> dict[str, Any]:
        drawn = window[: len(self.starts)]
        return {"kind": "numeric", "edges": self.edges, "baseline": self.shares, "window": drawn}


@dataclass(frozen=True, eq=False, slots=True)
class _Values:
    """`order` are the codes of the values that are drawn, most frequent first."""

    order: NDArray[np.intp]
    names: list[str]
    shares: NDArray[np.float64]

    @classmethod
    def of(cls, baseline: Profile, column: int) -> _Values:
        frame = baseline.frame.categorical
        counts = baseline.codes[column, : int(frame.sizes[column])]
        order = np.argsort(-counts, kind="stable")[:VALUES]
        names = [frame.vocabularies[column][code] for code in order.tolist()]
        return cls(order, names, _of_valid(baseline, column, order))

    def beside(self, window: Profile, column: int) -> dict[str, Any]:
        shares, names = [self.shares, _of_valid(window, column, self.order)], self.names
        rest = [max(0.0, 1.0 - float(share.sum())) if share.any() else 0.0 for share in shares]
        if any(rest):
            names = [*names, "(other)"]
            shares = [np.append(share, r) for share, r in zip(shares, rest, strict=True)]
        baseline, now = rounded(np.array(shares))
        return {"kind": "categorical", "values": names, "baseline": baseline, "window": now}


def _borders(cells: NDArray[np.int64]) -> NDArray[np.intp]:
    """Which cell edges bound the bars: at most `BARS` bars of equally many cells, at least one."""
    inside = np.cumsum(cells[1:-1])
    total = max(int(inside[-1]), 1)
    first, last = np.searchsorted(inside, [TAIL * total, (1 - TAIL) * total])
    first = min(int(first), len(inside) - 1)
    last = min(int(last) + 1, len(inside))
    step = max(1, -(-(last - first) // BARS))
    borders = np.arange(first, last + step, step)
    return np.minimum(borders, len(inside))[: BARS + 1]


def _shares(cells: NDArray[np.int64], starts: NDArray[np.intp]) -> NDArray[np.float64]:
    counts = np.add.reduceat(cells, starts)
    shares: NDArray[np.float64] = counts / max(int(counts.sum()), 1)
    return shares


def _padded(bars: _Bars, cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Shares of a window in `BARS` bars, those that do not exist empty."""
    shares = np.zeros(BARS)
    shares[: len(bars.starts)] = _shares(cells, bars.starts)
    return shares


def _of_valid(profile: Profile, column: int, codes: NDArray[np.intp]) -> NDArray[np.float64]:
    counts = profile.codes[column]
    valid = max(int(counts.sum() + profile.categorical.outside[column]), 1)
    shares: NDArray[np.float64] = counts[codes] / valid
    return shares

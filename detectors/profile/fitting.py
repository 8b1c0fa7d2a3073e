"""Choosing a frame from the baseline's values.

Uniform cells lie between the 0.1 % and the 99.9 % quantile. Integer columns get cells whose edges
lie between integers, so that a count never falls on an edge. A column gets explicit quantile edges
when some uniform cell would hold more than 2 % of the rows without being one repeated value.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from detectors.errors import InputError
from detectors.profile.frame import (
    FIXED_POINTS,
    CategoricalFrame,
    Frame,
    NumericFrame,
    PresenceFrame,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

TAIL = 0.001
"""Share of the rows left outside the inside cells, on each side."""
UNRESOLVED = 0.02
"""Largest share that one cell may hold beyond its most frequent value."""
EXACT_INTEGER = 2.0**52
"""Up to here a double resolves halves, so an edge can lie between two integers."""
FINEST = 2.0**-48
"""Narrowest cell relative to the values: several doubles still fit into it."""
SMALLEST = 2.0**-960
"""Narrowest cell at all: its reciprocal stays finite, with room for the fixed-point factor."""


def fit_frame(
    numeric: Mapping[str, NDArray[np.float64]],
    categorical: Mapping[str, Mapping[str, int]],
    presence: Sequence[str],
    ranges: Mapping[str, tuple[float, float]],
    *,
    cells: int = 1024,
    max_vocabulary: int = 1000,
) -> Frame:
    """Frame for columns that look like these.

    Parameters
    ----------
    numeric
        Name to float64 `(n,)`; NaN and infinities are ignored. A column without finite values
        gets cells of width 1 around 0.
    categorical
        Name to value counts; the `max_vocabulary` most frequent values are kept, ties by value.
    presence
        Names of columns that are only counted.
    ranges
        Declared valid range per numeric column; -inf and inf leave a side open.
    cells
        Inside bins, a power of two in [16, 4096].

    Raises
    ------
    InputError
        If a name repeats, a range is empty or names no numeric column, or `cells` is not allowed.
    """
    fitted = [_fit_column(values, cells) for values in numeric.values()]
    with_edges = [(j, edges) for j, (_, _, edges) in enumerate(fitted) if edges is not None]
    low, high = _ranges(tuple(numeric), ranges)
    return Frame(
        NumericFrame(
            names=tuple(numeric),
            cells=cells,
            center=np.array([center for center, _, _ in fitted], dtype=np.float64),
            width=np.array([width for _, width, _ in fitted], dtype=np.float64),
            range_low=low,
            range_high=high,
            edge_columns=np.array([j for j, _ in with_edges], dtype=np.int64),
            edge_values=np.array([e for _, e in with_edges]).reshape(len(with_edges), cells + 1),
        ),
        _fit_categorical(categorical, max_vocabulary),
        PresenceFrame(tuple(presence)),
    )


def _fit_categorical(
    columns: Mapping[str, Mapping[str, int]], max_vocabulary: int
) -> CategoricalFrame:
    vocabularies = []
    for counts in columns.values():
        frequent_first = sorted(counts.items(), key=_frequent_first)
        vocabularies.append(tuple(value for value, _ in frequent_first[:max_vocabulary]))
    complete = tuple(len(counts) <= max_vocabulary for counts in columns.values())
    return CategoricalFrame(tuple(columns), tuple(vocabularies), complete)


def _frequent_first(item: tuple[str, int]) -> tuple[int, str]:
    value, count = item
    return -count, value


def _ranges(
    names: tuple[str, ...], ranges: Mapping[str, tuple[float, float]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    for name, (low, high) in ranges.items():
        if name not in names:
            raise InputError(f"range of {name}: no such numeric column")
        if not low <= high:
            raise InputError(f"range of {name} is empty: [{low}, {high}]")
    pairs = [ranges.get(name, (-math.inf, math.inf)) for name in names]
    array = np.array(pairs, dtype=np.float64).reshape(len(names), 2)
    return array[:, 0].copy(), array[:, 1].copy()


def _fit_column(
    values: NDArray[np.float64], cells: int
) -> tuple[float, float, NDArray[np.float64] | None]:
    """Center, width and, where uniform cells do not do, edges of one column."""
    finite = np.sort(values[np.isfinite(values)])
    if not len(finite):
        return 0.5, 1.0, None
    low, high = _body(finite)
    if max(abs(low), abs(high)) < EXACT_INTEGER and (np.rint(finite) == finite).all():
        center, width = _integer_cells(low, high, cells)
    else:
        center, width = _uniform_cells(low, high, cells)
    if _resolves(finite, center, width, cells):
        return center, width, None
    edges = _quantile_edges(finite, cells)
    width = max(_span(edges[0], edges[-1], cells), _narrowest(edges[0], edges[-1]))
    return float(edges[0] / 2 + edges[-1] / 2), width, edges


def _body(finite: NDArray[np.float64]) -> tuple[float, float]:
    """Limits of the inside cells; the whole range when nearly all rows share one value."""
    last = len(finite) - 1
    low, high = finite[math.floor(TAIL * last)], finite[math.ceil((1 - TAIL) * last)]
    if low == high:
        low, high = finite[0], finite[-1]
    return float(low), float(high)


def _integer_cells(low: float, high: float, cells: int) -> tuple[float, float]:
    """Cells of a whole width whose edges are never integers.

    With width 1 an integer sits on the fixed-point grid, in the middle of its own cell. Wider
    cells are shifted by half a fixed-point unit to begin half an integer below one.
    """
    width = float(max(1, math.ceil((high - low + 1) / cells)))
    center = math.floor(low / 2 + high / 2) + 0.5
    if width > 1:
        center += width * cells / (2 * FIXED_POINTS)
    return center, width


def _uniform_cells(low: float, high: float, cells: int) -> tuple[float, float]:
    if low == high:
        width = max(abs(low) / cells, SMALLEST)
        return low - width / 2, width
    width = max(_span(low, high, cells), _narrowest(low, high))
    return low / 2 + high / 2, width


def _span(low: float, high: float, cells: int) -> float:
    return float(high / cells - low / cells)


def _narrowest(low: float, high: float) -> float:
    return max(max(abs(low), abs(high)) * FINEST, SMALLEST)


def _resolves(finite: NDArray[np.float64], center: float, width: float, cells: int) -> bool:
    """Whether no cell holds more than UNRESOLVED of the rows beyond its most frequent value."""
    with np.errstate(over="ignore"):
        cell = np.clip(np.floor((finite - center) / width), -cells / 2 - 1, cells / 2)
    tolerated = max(UNRESOLVED * len(finite), 4)
    starts, counts = _runs(cell)
    for start, count in zip(starts[counts > tolerated], counts[counts > tolerated], strict=True):
        _, repeats = _runs(finite[start : start + count])
        if count - repeats.max() > tolerated:
            return False
    return True


def _runs(ordered: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find starts and lengths of runs of equal values; differences of doubles may overflow."""
    changes = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    starts = np.concatenate([[0], changes])
    return starts, np.diff(starts, append=len(ordered))


def _quantile_edges(finite: NDArray[np.float64], cells: int) -> NDArray[np.float64]:
    """`cells + 1` quantiles between the tails; repeats move to the end, where bins stay empty.

    An edge lies half-way between its quantile and the next smaller value, not on a value.
    """
    shares = np.linspace(TAIL, 1 - TAIL, cells + 1)
    quantiles = np.unique(finite[np.rint(shares * (len(finite) - 1)).astype(np.int64)])
    place = np.maximum(np.searchsorted(finite, quantiles) - 1, 0)
    edges = np.unique(finite[place] / 2 + quantiles / 2)
    return np.concatenate([edges, np.full(cells + 1 - len(edges), edges[-1])])

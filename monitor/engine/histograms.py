"""Baseline and window beside each other, coarse enough to draw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.profile.profile import Profile

BARS = 32
VALUES = 20
TAIL = 0.002


def distributions(baseline: Profile, window: Profile) -> dict[str, dict[str, Any]]:
    """Per column of the frame what a page draws; shares of valid values.

    Numeric: `edges` and the shares between them, over the cells that hold the baseline but for
    its outermost `TAIL` on either side; everything further out is in the outer bars.
    Categorical: the baseline's `VALUES` most frequent values and all others together.
    """
    frame = window.frame
    shown: dict[str, dict[str, Any]] = {name: {"kind": "presence"} for name in frame.columns}
    for i, name in enumerate(frame.numeric.names):
        borders = _borders(baseline.cells[i])
        shown[name] = {
            "kind": "numeric",
            "edges": frame.numeric.edges[i, borders].tolist(),
            "baseline": _bars(baseline.cells[i], borders).tolist(),
            "window": _bars(window.cells[i], borders).tolist(),
        }
    for j, name in enumerate(frame.categorical.names):
        shown[name] = _values(baseline, window, j)
    return shown


def _borders(cells: NDArray[np.int64]) -> NDArray[np.intp]:
    """Which cell edges bound the bars: at most `BARS` bars of equally many cells."""
    inside = np.cumsum(cells[1:-1])
    total = max(int(inside[-1]), 1)
    first, last = np.searchsorted(inside, [TAIL * total, (1 - TAIL) * total])
    last = min(int(last) + 1, len(inside))
    step = max(1, -(-(last - int(first)) // BARS))
    borders = np.arange(int(first), last + step, step)
    return np.minimum(borders, len(inside))[: BARS + 1]


def _bars(cells: NDArray[np.int64], borders: NDArray[np.intp]) -> NDArray[np.float64]:
    below = np.concatenate([[0], np.cumsum(cells)])[1:]
    edges = below[borders].copy()
    edges[0], edges[-1] = 0, below[-1]
    shares: NDArray[np.float64] = np.diff(edges) / max(int(below[-1]), 1)
    return shares


def _values(baseline: Profile, window: Profile, column: int) -> dict[str, Any]:
    frame = baseline.frame.categorical
    size = int(frame.sizes[column])
    counts = baseline.codes[column, :size]
    order = np.argsort(-counts, kind="stable")[:VALUES]
    names = [frame.vocabularies[column][code] for code in order.tolist()]
    shares = [_shares(profile, column, order) for profile in (baseline, window)]
    rest = [max(0.0, 1.0 - float(share.sum())) if share.any() else 0.0 for share in shares]
    if any(rest):
        names.append("(other)")
        shares = [np.append(share, r) for share, r in zip(shares, rest, strict=True)]
    return {
        "kind": "categorical",
        "values": names,
        "baseline": shares[0].tolist(),
        "window": shares[1].tolist(),
    }


def _shares(profile: Profile, column: int, order: NDArray[np.intp]) -> NDArray[np.float64]:
    valid = max(int(profile.categorical.valid()[column]), 1)
    shares: NDArray[np.float64] = profile.codes[column, order] / valid
    return shares

"""Baseline and window beside each other, coarse enough to draw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.profile.profile import Profile

BARS = 32
VALUES = 20


def distributions(baseline: Profile, window: Profile) -> dict[str, dict[str, Any]]:
    """Per column of the frame what a page draws; shares of valid values.

    Numeric: `edges` (`BARS` + 1) with the shares between them, everything outside in the outer
    bars. Categorical: the baseline's `VALUES` most frequent values and all others together.
    """
    frame = window.frame
    shown: dict[str, dict[str, Any]] = {name: {"kind": "presence"} for name in frame.columns}
    step = frame.numeric.cells // BARS
    old, new = _bars(baseline.cells, step), _bars(window.cells, step)
    for i, name in enumerate(frame.numeric.names):
        edges = frame.numeric.edges[i, ::step]
        shown[name] = {
            "kind": "numeric",
            "edges": edges.tolist(),
            "baseline": old[i].tolist(),
            "window": new[i].tolist(),
        }
    for j, name in enumerate(frame.categorical.names):
        shown[name] = _values(baseline, window, j)
    return shown


def _bars(cells: NDArray[np.int64], step: int) -> NDArray[np.float64]:
    inside = cells[:, 1:-1].reshape(len(cells), -1, step).sum(axis=2)
    inside[:, 0] += cells[:, 0]
    inside[:, -1] += cells[:, -1]
    shares: NDArray[np.float64] = inside / np.maximum(cells.sum(axis=1, keepdims=True), 1)
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

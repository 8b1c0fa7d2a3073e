"""Who makes a shift of many columns: shares by column, the likely cost, and the words for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detectors.result import Explanation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

NAMED = 3
"""Columns that a sentence names."""
LISTED = 20
"""Columns whose share is given."""
SMALLEST = 0.005
"""A share below this is not given."""


def shares_by_column(
    parts: NDArray[np.float64], of: NDArray[np.int64], columns: Sequence[str]
) -> dict[str, float]:
    """Divide a shift among columns.

    Parameters
    ----------
    parts
        float64 `(p,)`, at least 0: what each feature contributes; NaN counts as nothing.
    of
        int64 `(p,)`: index into `columns` of each feature.

    Returns
    -------
    dict
        Share by column, largest first (ties in the order of `columns`), rounded to 4 digits; what
        is too small or beyond LISTED columns is left out, so they sum to at most about 1. Empty
        when nothing contributes.
    """
    total = np.bincount(of, np.nan_to_num(parts), minlength=len(columns))
    if not total.sum() > 0:
        return {}
    share = np.round(total / total.sum(), 4)
    order = np.argsort(-share, kind="stable")[:LISTED]
    return {columns[j]: float(share[j]) for j in order.tolist() if share[j] >= SMALLEST}


def probable_cost(shares: Mapping[str, float], importance: Mapping[str, float]) -> dict[str, float]:
    """What each column's part of a shift probably costs the model, relative to the others.

    A column costs its share times the model's `importance` of it (1 where none is given), scaled
    to sum 1; that takes the loss to grow with both, and knows nothing of interactions. Largest
    first; empty when nothing costs anything.
    """
    cost = {name: share * importance.get(name, 1.0) for name, share in shares.items()}
    total = sum(cost.values())
    if not total > 0:
        return {}
    return {n: c / total for n, c in sorted(cost.items(), key=lambda item: -item[1])}


def explained(what: str, shares: Mapping[str, float]) -> Explanation:
    """A clause that names the columns with the largest shares: `what: a (60 %), b (30 %)`."""
    named = [f"{name} ({share:.0%})" for name, share in list(shares.items())[:NAMED]]
    return Explanation(f"{what}: {', '.join(named)}" if named else what, shares)

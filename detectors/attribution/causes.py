"""Whether the change of one column is nothing but the change of another.

If B depends on A in the same way as ever and only A moved, then baseline rows weighted so that
their A looks like the window's show B where the window has it. So: stratify by A (deciles of the
baseline, the missing apart; or its values), weigh each stratum as the window does, and see how
much of B's change is left (direct standardisation; for means, the mix part of Kitagawa 1955).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRATA = 10
MIN_ROWS = 5
"""Baseline rows that a stratum needs to speak for the window's."""
COVERED = 0.8
"""Part of the window that must lie in strata which the baseline knows."""


def strata_of_numbers(
    before: NDArray[np.float64], now: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Deciles of the baseline as strata 1 to STRATA, int64 `(m,)` and `(k,)`; 0 is missing."""
    known = before[~np.isnan(before)]
    if not len(known):
        return np.zeros(len(before), np.int64), np.zeros(len(now), np.int64)
    borders = np.unique(np.quantile(known, np.arange(1, STRATA) / STRATA))

    def place(values: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.where(np.isnan(values), 0, 1 + np.searchsorted(borders, values, "right"))

    return place(before), place(now)


def strata_of_codes(codes: NDArray[np.int32]) -> NDArray[np.int64]:
    """Values as strata; everything that is no value of the vocabulary is one, 0."""
    return np.maximum(codes.astype(np.int64) + 1, 0)


def without(
    before: NDArray[np.float64],
    now: NDArray[np.float64],
    missing_before: NDArray[np.bool_],
    missing_now: NDArray[np.bool_],
) -> float:
    """Part of a mean's change that is gone among rows in which the other column is not missing.

    For values that vanish: what B looks like without A the baseline may never have seen. Arguments
    and result as in `explained`.
    """
    change = _change(before, now)
    rest = _change(before[~missing_before], now[~missing_now])
    if change == 0 or np.isnan(change) or np.isnan(rest):
        return 0.0
    return max(0.0, 1 - abs(rest / change))


def explained(
    before: NDArray[np.float64],
    now: NDArray[np.float64],
    strata_before: NDArray[np.int64],
    strata_now: NDArray[np.int64],
) -> float:
    """Part of a mean's change that the other column's change accounts for.

    Parameters
    ----------
    before, now
        float64 `(m,)`, `(k,)`: what moved, per row; NaN takes no part.
    strata_before, strata_now
        int64 `(m,)`, `(k,)`: stratum of each row by the other column.

    Returns
    -------
    float
        1 when standardised baseline rows show all of the change, 0 when none of it or when the
        window lies mostly in strata that the baseline does not know. Below 0 never.
    """
    rows = ~np.isnan(before), ~np.isnan(now)
    before, strata_before = before[rows[0]], strata_before[rows[0]]
    now, strata_now = now[rows[1]], strata_now[rows[1]]
    due = carried(before, strata_before, strata_now)
    if not len(now) or np.isnan(due):
        return 0.0
    inside = (np.bincount(strata_before, minlength=strata_now.max() + 1) >= MIN_ROWS)[strata_now]
    change = float(now[inside].mean() - before.mean())
    return max(0.0, 1 - abs(change - due) / abs(change)) if change else 0.0


def carried(
    before: NDArray[np.float64], strata_before: NDArray[np.int64], strata_now: NDArray[np.int64]
) -> float:
    """By how much the other column's change alone moves a mean; arguments as in `explained`.

    The mean of the baseline's rows weighted so that their strata are as frequent as the window's,
    less their plain mean. NaN where the window lies mostly in strata that the baseline lacks.
    """
    known = ~np.isnan(before)
    before, strata_before = before[known], strata_before[known]
    if not len(before) or not len(strata_now):
        return float("nan")
    size = int(max(strata_before.max(), strata_now.max())) + 1
    counts = np.bincount(strata_before, minlength=size)
    there = np.bincount(strata_now, minlength=size) * (counts >= MIN_ROWS)
    if there.sum() < COVERED * len(strata_now):
        return float("nan")
    means = np.bincount(strata_before, before, minlength=size) / np.maximum(counts, 1)
    return float((means * there).sum() / there.sum() - before.mean())


def _change(before: NDArray[np.float64], now: NDArray[np.float64]) -> float:
    """Difference of the means of what is known; NaN where nothing is."""
    known = before[~np.isnan(before)], now[~np.isnan(now)]
    if not len(known[0]) or not len(known[1]):
        return float("nan")
    return float(known[1].mean() - known[0].mean())

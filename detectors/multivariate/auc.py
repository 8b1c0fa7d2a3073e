"""Area under the ROC curve: how often a row of the one set scores above a row of the other.

`AUC = U / (m n)` with the Mann-Whitney statistic of the scores. Where the scores are nothing to do
with the sets, its variance is `(m + n + 1) / (12 m n)`, less for ties; elsewhere DeLong's (1988).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Auc:
    """`value`, its standard error there (`error`), and were it .5 in truth (`null_error`)."""

    value: float
    error: float
    null_error: float

    @property
    def z(self) -> float:
        """Standard errors above .5; 0 where all scores are equal."""
        return (self.value - 0.5) / self.null_error if self.null_error > 0 else 0.0


def auc_of(low: NDArray[np.float64], high: NDArray[np.float64]) -> Auc:
    """AUC of scores `(m,)` that should be lower and `(n,)` that should be higher; both finite.

    Raises
    ------
    ZeroDivisionError
        If there are no scores on a side.
    """
    m, n = len(low), len(high)
    both = np.concatenate([low, high])
    rank, ties = _mid_ranks(both)
    own = (_mid_ranks(low)[0], _mid_ranks(high)[0])
    below_high = (rank[m:] - own[1]) / m
    above_low = 1 - (rank[:m] - own[0]) / n
    value = float(below_high.mean())
    spread = _variance(below_high) / n + _variance(above_low) / m
    tied = float((ties**3 - ties).sum()) / ((m + n) * (m + n - 1))
    null = (m + n + 1 - tied) / (12 * m * n)
    return Auc(value, float(np.sqrt(spread)), float(np.sqrt(max(null, 0.0))))


def _mid_ranks(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ranks from 1, equal values share the mean; and how many values each distinct one has."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    first = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    counts = np.diff(np.r_[first, len(values)])
    rank = np.empty(len(values))
    rank[order] = np.repeat(first + (counts + 1) / 2, counts)
    return rank, counts.astype(np.float64)


def _variance(values: NDArray[np.float64]) -> float:
    return float(values.var(ddof=1)) if len(values) > 1 else 0.0

"""When labels come: the distribution of their delay, and how complete a window is.

Rows that have no label yet are not rows without one: they are censored at their present age. The
product-limit estimator (Kaplan & Meier, JASA 1958) uses both; its standard error is Greenwood's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detectors.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Maturity:
    """Share of rows whose label has arrived, by age.

    Attributes
    ----------
    ages
        float64 `(k,)`, rising: delays at which labels arrived, in the unit of the input.
    arrived
        float64 `(k,)`: share of all rows that has a label at that age, rising, at most 1.
    error
        float64 `(k,)`: its standard error.
    oldest
        Greatest age that was seen, with or without label; nothing is known beyond it. NaN without
        rows.
    rows
        Rows that it rests on.
    """

    ages: NDArray[np.float64]
    arrived: NDArray[np.float64]
    error: NDArray[np.float64]
    oldest: float
    rows: int

    def share(self, age: NDArray[np.float64]) -> NDArray[np.float64]:
        """Expected share `(n,)` of labels that have arrived at ages `(n,)`.

        Beyond `oldest` it is the share at `oldest`: a lower bound. NaN without rows.
        """
        if not self.rows:
            return np.full(len(age), np.nan)
        known = np.concatenate([[0.0], self.arrived])
        share: NDArray[np.float64] = known[np.searchsorted(self.ages, age, side="right")]
        return share

    def age_of(self, share: float) -> float:
        """Age at which a share of all labels that ever come has come; NaN if none came.

        'Ever' means by the greatest age seen.
        """
        if not len(self.arrived):
            return float("nan")
        wanted = share * self.arrived[-1] * (1 - 1e-12)
        return float(self.ages[min(np.searchsorted(self.arrived, wanted), len(self.ages) - 1)])

    def maturity(self, age: NDArray[np.float64], horizon: float) -> NDArray[np.float64]:
        """Part `(n,)` of the labels expected by `horizon` that is there at ages `(n,)`; 0 to 1."""
        final = float(self.share(np.array([horizon]))[0])
        return self.share(np.minimum(age, horizon)) / final if final > 0 else np.zeros(len(age))


def maturity(delays: NDArray[np.float64], waiting: NDArray[np.float64]) -> Maturity:
    """Estimate from labelled and unlabelled rows.

    Parameters
    ----------
    delays
        float64 `(n,)`: age of each labelled row when its label came; negative ones count as 0.
    waiting
        float64 `(m,)`: present age of each row without label.

    Raises
    ------
    InputError
        If a value is NaN.
    """
    if np.isnan(delays).any() or np.isnan(waiting).any():
        raise InputError("delays and ages must be numbers")
    delays, waiting = np.maximum(delays, 0.0), np.maximum(waiting, 0.0)
    rows = len(delays) + len(waiting)
    ages, events = np.unique(delays, return_counts=True)
    everyone = np.sort(np.concatenate([delays, waiting]))
    at_risk = rows - np.searchsorted(everyone, ages, side="left")
    left = np.cumprod(1 - events / at_risk).astype(np.float64)
    open_risk = (at_risk - events) > 0
    terms = np.divide(
        events, at_risk * (at_risk - events), out=np.zeros(len(ages)), where=open_risk
    )
    return Maturity(
        ages=ages,
        arrived=1 - left,
        error=left * np.sqrt(np.cumsum(terms)),
        oldest=float(everyone[-1]) if rows else float("nan"),
        rows=rows,
    )

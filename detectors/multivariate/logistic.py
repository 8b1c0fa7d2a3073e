"""Ridge logistic regression by Newton's method (iteratively reweighted least squares).

A step solves `(X' W X + r I) d = X' (y - p) - r b`, `W = p (1 - p)`; from `b = 0` the first one is
Fisher's linear discriminant up to a factor. Hosmer & Lemeshow, Applied Logistic Regression, ch. 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit

if TYPE_CHECKING:
    from numpy.typing import NDArray

STEPS = 12
SETTLED = 1e-3
"""A step this small, in units of the linear predictor, is the last one."""
LONGEST = 4.0
"""A step is cut to this length in that unit, lest separable rows send it to infinity."""


@dataclass(frozen=True, eq=False)
class Logistic:
    """`weights` `(p,)` and `intercept` of `P(current) = expit(x weights + intercept)`."""

    weights: NDArray[np.float64]
    intercept: float

    def scores(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Linear predictor `(k,)`."""
        scores: NDArray[np.float64] = rows @ self.weights + self.intercept
        return scores

    def parts(
        self, reference: NDArray[np.float64], current: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """What each feature adds to the difference of mean scores, at least 0; `(p,)`."""
        gap = current.mean(axis=0) - reference.mean(axis=0)
        parts: NDArray[np.float64] = np.maximum(self.weights * gap, 0.0)
        return parts


def fit_logistic(
    reference: NDArray[np.float64], current: NDArray[np.float64], ridge: float
) -> Logistic:
    """Tell rows `(n, p)` from rows `(m, p)`; `ridge` is per row of both together."""
    x = np.vstack([reference, current])
    x = np.hstack([x, np.ones((len(x), 1))])
    y = np.repeat([0.0, 1.0], [len(reference), len(current)])
    penalty = np.full(x.shape[1], ridge * len(x))
    penalty[-1] = 1e-9 * len(x)
    beta, linear = np.zeros(x.shape[1]), np.zeros(len(x))
    for _ in range(STEPS):
        p = expit(linear)
        gradient = x.T @ (y - p) - penalty * beta
        weighted = x * (p * (1 - p))[:, None]
        step = np.linalg.solve(x.T @ weighted + np.diag(penalty), gradient)
        moved = x @ step
        length = float(np.sqrt((moved**2).mean()))
        shorten = min(1.0, LONGEST / length) if length > 0 else 1.0
        beta += shorten * step
        linear += shorten * moved
        if length < SETTLED:
            break
    return Logistic(beta[:-1], float(beta[-1]))

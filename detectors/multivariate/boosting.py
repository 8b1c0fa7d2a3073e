"""Gradient-boosted trees as the classifier of the two-sample test: they find interactions.

Adapts scikit-learn (the optional extra `driftd[multivariate]`), which is imported when first used.
Histogram binning, one thread and a fixed seed: the same rows give the same trees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from detectors.errors import ParameterError
from detectors.multivariate.auc import auc_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

TREES = 60
LEAVES = 15
MOST_ROWS = 2_000
"""Rows of either set from which the features' parts are found."""


@dataclass(frozen=True, eq=False)
class Boosting:
    """Fitted trees."""

    model: Any

    def scores(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log odds `(k,)` of being current."""
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # noqa: PLC0415

        with threadpool_limits(1):
            return np.asarray(self.model.decision_function(rows), np.float64)

    def parts(
        self, reference: NDArray[np.float64], current: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """By how much the AUC falls when a feature is shuffled, at least 0; `(p,)`."""
        first, second = reference[:MOST_ROWS], current[:MOST_ROWS]
        rows, m = np.vstack([first, second]), len(first)
        order = np.random.default_rng(len(rows)).permutation(len(rows))
        whole = self._auc(rows, m)
        parts = np.zeros(rows.shape[1])
        for j in range(rows.shape[1]):
            shuffled = rows.copy()
            shuffled[:, j] = rows[order, j]
            parts[j] = max(whole - self._auc(shuffled, m), 0.0)
        return parts

    def _auc(self, rows: NDArray[np.float64], m: int) -> float:
        scores = self.scores(rows)
        return auc_of(scores[:m], scores[m:]).value


def fit_boosting(reference: NDArray[np.float64], current: NDArray[np.float64]) -> Boosting:
    """Tell rows `(n, p)` from rows `(m, p)`.

    Raises
    ------
    ParameterError
        If scikit-learn is not installed.
    """
    try:
        from sklearn.ensemble import (  # type: ignore[import-untyped]  # noqa: PLC0415 - optional
            HistGradientBoostingClassifier,
        )
        from threadpoolctl import threadpool_limits  # noqa: PLC0415
    except ImportError:
        raise ParameterError(
            "model: boosting needs scikit-learn; install driftd[multivariate]"
        ) from None
    x = np.vstack([reference, current])
    y = np.repeat([0, 1], [len(reference), len(current)])
    trees = HistGradientBoostingClassifier(
        max_iter=TREES, max_leaf_nodes=LEAVES, early_stopping=False, random_state=0
    )
    with threadpool_limits(1):  # the daemon has one thread to spare, and OpenMP would take all
        return Boosting(trees.fit(x, y))

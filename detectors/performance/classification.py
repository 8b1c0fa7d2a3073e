"""Metrics of predicted classes: each is a mean over some of the rows, so intervals are exact.

Precision is the mean hit over rows predicted as the class, recall over rows of the class, and
`F1 = 2 J / (1 + J)` where `J` is the mean hit over rows that are either. With more than two classes
they are macro averages: over all classes that have such rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detectors.performance.measure import averaged, mapped, of_bounded, undefined

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from detectors.performance.measure import Reading
    from detectors.performance.outcomes import Outcomes
    from detectors.performance.setting import Setting


def accuracy(outcomes: Outcomes, setting: Setting) -> Reading:
    """Share of hits."""
    known = outcomes.with_predictions()
    return of_bounded(hits(known), known.weights, setting.alpha)


def balanced_accuracy(outcomes: Outcomes, setting: Setting) -> Reading:
    """Average of the recalls of the classes that occurred; undefined for fewer than two."""
    known = outcomes.with_predictions()
    present = np.unique(known.truth)
    if len(present) < 2:  # noqa: PLR2004 - nothing to balance
        return undefined(one_class(present), len(known))
    level = setting.alpha / len(present)
    parts = [_over(known, known.truth == one, level) for one in present]
    return averaged(parts, len(known))


def precision(outcomes: Outcomes, setting: Setting) -> Reading:
    """Share of hits among the rows predicted as the class."""
    return _by_class(
        outcomes,
        setting,
        lambda known, one: known.predicted == one,
        "no row was predicted as the class",
    )


def recall(outcomes: Outcomes, setting: Setting) -> Reading:
    """Share of hits among the rows of the class."""
    return _by_class(
        outcomes, setting, lambda known, one: known.truth == one, "no row is of the class"
    )


def f1(outcomes: Outcomes, setting: Setting) -> Reading:
    """Harmonic mean of precision and recall."""
    return _by_class(
        outcomes,
        setting,
        lambda known, one: (known.truth == one) | (known.predicted == one),
        "no row is or was predicted as the class",
        lambda share: 2 * share / (1 + share),
        lambda share: 2 / (1 + share) ** 2,
    )


def cost(outcomes: Outcomes, setting: Setting) -> Reading:
    """Mean of `cost[truth, predicted]`."""
    known = outcomes.with_predictions()
    matrix = setting.cost_matrix()
    paid = matrix[known.truth.astype(np.int64), known.predicted.astype(np.int64)]
    low, high = float(matrix.min()), float(matrix.max())
    return of_bounded(paid, known.weights, setting.alpha, low, high)


def hits(outcomes: Outcomes) -> NDArray[np.float64]:
    """1.0 where the prediction is the truth, float64 `(n,)`."""
    return np.equal(outcomes.truth, outcomes.predicted).astype(np.float64)


def one_class(present: NDArray[np.float64]) -> str:
    """Why a metric of several classes is undefined."""
    return f"only class {present[0]:g} occurs" if len(present) else "no rows"


def _by_class(
    outcomes: Outcomes,
    setting: Setting,
    chosen: Callable[[Outcomes, int], NDArray[np.bool_]],
    absent: str,
    rising: Callable[[float], float] = lambda share: share,
    slope: Callable[[float], float] = lambda _: 1.0,
) -> Reading:
    known = outcomes.with_predictions()
    if not len(known):
        return undefined("no rows")
    classes = (1,) if setting.task == "binary" else range(setting.classes)
    level = setting.alpha / len(classes)
    parts = [
        mapped(_over(known, chosen(known, one), level, absent), rising, slope) for one in classes
    ]
    return averaged(parts, len(known)) if len(parts) > 1 else parts[0]


def _over(
    known: Outcomes, chosen: NDArray[np.bool_], level: float, absent: str = "no rows"
) -> Reading:
    if not chosen.any():
        return undefined(absent)
    return of_bounded(hits(known), known.weights, level, chosen=chosen)

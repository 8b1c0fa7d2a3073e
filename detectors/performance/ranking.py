"""Metrics of the order of scores: ROC AUC and average precision.

Both are asymptotically means of influences, found from cumulative sums over the sorted scores. For
AUC these are the placements of DeLong, DeLong & Clarke-Pearson (Biometrics 1988); for average
precision `A = E[y T(s) / N(s)] / P(y)` with `T(s) = E[y; score >= s]`, `N(s) = P(score >= s)` they
follow from the same expectation by the delta method. Ties count half, or as one step. With more
than two classes: one class against the rest, averaged over the classes that have both.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from detectors.performance.measure import NOWHERE, least_variance, of_gain, undefined

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from detectors.performance.measure import Reading
    from detectors.performance.outcomes import Outcomes
    from detectors.performance.setting import Setting

LEAST_PER_CLASS = 10
"""Rows of each class from which on an interval is given."""


@dataclass(frozen=True, eq=False)
class Ranked:
    """One class against the rest, grouped by score.

    Attributes
    ----------
    group
        int64 `(n,)`: index of each row's score among the distinct ones, rising.
    positive
        bool `(n,)`.
    weights
        float64 `(n,)`.
    above, below
        float64 `(g,)`: weight of positives, and of the rest, at each distinct score.
    """

    group: NDArray[np.int64]
    positive: NDArray[np.bool_]
    weights: NDArray[np.float64]
    above: NDArray[np.float64]
    below: NDArray[np.float64]


def roc_auc(outcomes: Outcomes, setting: Setting) -> Reading:
    """Probability that a row of the class scores higher than one that is not."""
    return _over_classes(outcomes, setting, _auc)


def average_precision(outcomes: Outcomes, setting: Setting) -> Reading:
    """Precision averaged over the rows of the class, each at its own score."""
    return _over_classes(outcomes, setting, _average_precision)


def ranked(
    scores: NDArray[np.float64],
    positive: NDArray[np.bool_],
    weights: NDArray[np.float64] | None = None,
) -> Ranked:
    """Sort and group scores `(n,)` without NaN."""
    distinct, group = np.unique(scores, return_inverse=True)
    weighed = np.ones(len(scores)) if weights is None else weights
    return Ranked(
        group=group,
        positive=positive,
        weights=weighed,
        above=_summed(group, weighed * positive, len(distinct)),
        below=_summed(group, weighed * ~positive, len(distinct)),
    )


def auc_of(above: NDArray[np.float64], below: NDArray[np.float64]) -> float:
    """AUC from the weights of positives and of the rest at each distinct score, rising; `(g,)`."""
    under = np.cumsum(below) - below / 2
    return float(above @ under / (above.sum() * below.sum()))


def average_precision_of(above: NDArray[np.float64], below: NDArray[np.float64]) -> float:
    """Average precision from the weights at each distinct score, rising; `(g,)`."""
    hits, rows = _from_top(above), _from_top(above + below)
    return float(above @ _ratio(hits, rows) / above.sum())


def _auc(rows: Ranked) -> tuple[float, NDArray[np.float64]]:
    value = auc_of(rows.above, rows.below)
    under = (np.cumsum(rows.below) - rows.below / 2) / rows.below.sum()
    over = (_from_top(rows.above) - rows.above / 2) / rows.above.sum()
    placement = np.where(rows.positive, under[rows.group], over[rows.group]) - value
    share = np.where(rows.positive, rows.above.sum(), rows.below.sum())
    counts = np.where(rows.positive, rows.positive.sum(), (~rows.positive).sum())
    unbiased = np.sqrt(counts / np.maximum(counts - 1, 1))
    return value, placement * rows.weights.sum() / share * unbiased


def _average_precision(rows: Ranked) -> tuple[float, NDArray[np.float64]]:
    value = average_precision_of(rows.above, rows.below)
    total = rows.weights.sum()
    share = rows.above.sum() / total
    hits, seen = _from_top(rows.above) / total, _from_top(rows.above + rows.below) / total
    at = _ratio(hits, seen)
    raised = np.cumsum(_ratio(rows.above / total, seen))
    lowered = np.cumsum(_ratio(rows.above / total * at, seen))
    row = rows.group
    gain = rows.positive * (at[row] + raised[row] - value) - lowered[row]
    return value, gain / share


def _from_top(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    summed: NDArray[np.float64] = np.cumsum(weights[::-1])[::-1]
    return summed


def _summed(
    group: NDArray[np.int64], weights: NDArray[np.float64], groups: int
) -> NDArray[np.float64]:
    return np.bincount(group, weights, groups).astype(np.float64)


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)


def _over_classes(
    outcomes: Outcomes,
    setting: Setting,
    estimate: Callable[[Ranked], tuple[float, NDArray[np.float64]]],
) -> Reading:
    known = outcomes.with_scores()
    if not len(known) or not known.scores.shape[1]:
        return undefined("no scores" if len(outcomes) else "no rows")
    classes = (1,) if setting.task == "binary" else range(setting.classes)
    parts, smallest = [], len(known)
    for column, one in enumerate(classes):
        rows = ranked(known.scores[:, column], known.truth == one, known.weights)
        if rows.above.any() and rows.below.any():
            parts.append(estimate(rows))
            smallest = min(smallest, int(rows.positive.sum()), int((~rows.positive).sum()))
    if not parts:
        return undefined("only one class occurs", len(known))
    value = sum(part[0] for part in parts) / len(parts)
    gain = np.sum([part[1] for part in parts], axis=0) / len(parts)
    floor = least_variance(smallest) * len(known) / max(smallest, 1)
    reading = of_gain(value, gain, known.weights, setting.alpha, low=0.0, high=1.0, floor=floor)
    return _judged(reading, smallest, len(classes) - len(parts))


def _judged(reading: Reading, smallest: int, left: int) -> Reading:
    if smallest < LEAST_PER_CLASS:
        reason = f"an interval needs {LEAST_PER_CLASS - smallest} more rows of the rarest class"
        return replace(reading, lower=np.nan, upper=np.nan, interval=NOWHERE, reason=reason)
    reason = f"{left} classes that did not occur are left out" if left else reading.reason
    return replace(reading, reason=reason)

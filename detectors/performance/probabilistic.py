"""Metrics of probabilities: log loss, Brier score and expected calibration error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from detectors.performance.confidence import mean_bounds
from detectors.performance.measure import EXACT, Reading, of_bounded, of_unbounded, undefined

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.performance.outcomes import Outcomes
    from detectors.performance.setting import Setting

SMALLEST = float(np.finfo(np.float64).eps)
"""Probabilities are clipped to at least this, so that one certain mistake costs at most 36."""
BINS = 10
"""Equal bins of confidence for the calibration error."""


def log_loss(outcomes: Outcomes, setting: Setting) -> Reading:
    """Mean of `-log` of the probability that was given to the truth.

    Its interval holds in the limit: one certain mistake costs 36 times what a bad row costs, and
    a promise that reckons with that at every look would say nothing.
    """
    known = outcomes.with_scores()
    if not _has_scores(known):
        return undefined(_why(outcomes), 0)
    losses = -np.log(np.clip(_given(known), SMALLEST, 1 - SMALLEST))
    return of_unbounded(losses, known.weights, setting.alpha)


def brier(outcomes: Outcomes, setting: Setting) -> Reading:
    """Mean squared distance of the probabilities from the truth: summed over classes if many."""
    known = outcomes.with_scores()
    if not _has_scores(known):
        return undefined(_why(outcomes), 0)
    if setting.task == "binary":
        losses = np.square(np.clip(known.scores[:, 0], 0, 1) - known.truth)
        return of_bounded(losses, known.weights, setting.alpha)
    given = np.clip(known.scores, 0, 1)
    truth = np.arange(given.shape[1]) == known.truth[:, None]
    losses = np.square(given - truth).sum(axis=1)
    # probabilities that do not sum to 1 can lie farther away than 2
    high = 2.0 if not len(losses) or losses.max() <= 2 else float(given.shape[1])  # noqa: PLR2004
    return of_bounded(losses, known.weights, setting.alpha, 0.0, high)


def ece(outcomes: Outcomes, setting: Setting) -> Reading:
    """Sum over bins of confidence of |mean hit - mean confidence|, by the share of rows.

    Confidence is the probability of class 1, or of the most probable class if there are more than
    two. The interval holds every bin at its part of the level.
    """
    known = outcomes.with_scores()
    if not _has_scores(known):
        return undefined(_why(outcomes), 0)
    confidence, hit = _confidence(known, setting)
    gap = hit - confidence
    place = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    parts = [_bin(gap, place == one, known.weights, setting.alpha / BINS) for one in range(BINS)]
    exact = parts[0].interval == EXACT
    return Reading(
        value=sum(abs(part.value) for part in parts),
        lower=sum(max(0.0, part.lower, -part.upper) for part in parts),
        upper=min(1.0, sum(max(abs(part.lower), abs(part.upper)) for part in parts)),
        rows=len(known),
        interval=f"{EXACT}; every bin at a tenth of the level" if exact else parts[0].interval,
        reason=parts[0].reason,
        gain=np.sum([np.sign(part.value) * part.gain for part in parts], axis=0),
    )


def _bin(
    gap: NDArray[np.float64],
    inside: NDArray[np.bool_],
    weights: NDArray[np.float64] | None,
    level: float,
) -> Reading:
    """Mean over all rows of the gap of those in one bin; the others count as 0."""
    if weights is not None:
        return of_bounded(np.where(inside, gap, 0.0), weights, level, -1.0, 1.0)
    part = gap[inside]
    lower, upper = mean_bounds(part, level, -1.0, 1.0, zeros=len(gap) - len(part))
    value = float(part.sum()) / len(gap)
    gain = np.where(inside, gap, 0.0) - value
    return Reading(value, lower, upper, len(gap), EXACT, gain=gain)


def _has_scores(known: Outcomes) -> bool:
    return bool(len(known)) and known.scores.shape[1] > 0


def _why(outcomes: Outcomes) -> str:
    return "no scores" if len(outcomes) else "no rows"


def _given(known: Outcomes) -> NDArray[np.float64]:
    """Probability of the truth, float64 `(n,)`."""
    if known.scores.shape[1] == 1:
        return np.where(known.truth == 1, known.scores[:, 0], 1 - known.scores[:, 0])
    given: NDArray[np.float64] = known.scores[np.arange(len(known)), known.truth.astype(np.int64)]
    return given


def _confidence(
    known: Outcomes, setting: Setting
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    scores = np.clip(known.scores, 0, 1)
    if setting.task == "binary":
        return scores[:, 0], known.truth
    return scores.max(axis=1), (scores.argmax(axis=1) == known.truth).astype(np.float64)

"""What of a row makes a component move: one number per row whose mean is the component.

A component of a window (see `detectors.sequential.series`) is a mean over its rows, so questions
about where it comes from are questions about means of the same numbers over parts of the rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtri

from detectors.inputs import MISSING as MISSING_CODE
from detectors.sequential.series import INVALID, MISSING, OTHER, SHARE, TAILS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.profile.frame import Frame
    from detectors.profile.sample import Sample

TAIL = 0.015
"""Share of the baseline in each tail; as the components'."""


def quantities(
    frame: Frame, column: int, measure: str, baseline: Sample, window: Sample
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Per row of the two samples the number whose mean `measure` follows.

    float64 `(m,)` and `(k,)`; NaN where a row takes no part (a missing value has no location).
    None when the measure is not one of a row: `other values`, invalid values, or an unknown name.

    Parameters
    ----------
    column
        Index into `frame.columns`.
    measure
        Name of a component.
    """
    numeric, categorical = len(frame.numeric.names), len(frame.categorical.names)
    if column < numeric:
        return _of_numbers(measure, baseline.numeric[:, column], window.numeric[:, column])
    if column < numeric + categorical:
        place = column - numeric
        codes = baseline.categorical[:, place], window.categorical[:, place]
        return _of_codes(measure, frame.categorical.vocabularies[place], *codes)
    return None


def _of_numbers(
    measure: str, before: NDArray[np.float64], now: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    if measure == MISSING:
        return np.isnan(before).astype(np.float64), np.isnan(now).astype(np.float64)
    if measure == INVALID or not np.isfinite(before).any():
        return None
    ranks = _ranks(before, before), _ranks(before, now)
    if measure in TAILS:
        upper = measure == TAILS[0]
        beyond = [(r > 1 - TAIL) if upper else (r < TAIL) for r in ranks]
        return _known(beyond[0], ranks[0]), _known(beyond[1], ranks[1])
    scores = ndtri(ranks[0]), ndtri(ranks[1])
    if measure == "scale":
        return scores[0] ** 2, (scores[1] - np.nanmean(scores[1])) ** 2
    return scores


def _of_codes(
    measure: str,
    vocabulary: tuple[str, ...],
    before: NDArray[np.int32],
    now: NDArray[np.int32],
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    if measure == MISSING:
        return (before == MISSING_CODE).astype(np.float64), (now == MISSING_CODE).astype(np.float64)
    value = measure.removeprefix(SHARE)
    if measure in {OTHER, INVALID} or value == measure or value not in vocabulary:
        return None
    code = vocabulary.index(value)
    return _known(before == code, before), _known(now == code, now)


def _ranks(before: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mid-rank among the valid baseline values, inside (0, 1); NaN stays NaN."""
    usual = np.sort(before[~np.isnan(before)])
    middle = np.searchsorted(usual, values, "left") + np.searchsorted(usual, values, "right")
    ranks: NDArray[np.float64] = (middle / 2 + 0.5) / (len(usual) + 1)
    return np.where(np.isnan(values), np.nan, ranks)


def _known(flags: NDArray[np.bool_], values: NDArray[Any]) -> NDArray[np.float64]:
    """Flags as numbers, NaN where the value is missing."""
    return np.where(np.isnan(values) | (values == MISSING_CODE), np.nan, flags)

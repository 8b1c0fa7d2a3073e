"""Whether the rows whose labels came look like the rows whose labels did not.

Metrics of labelled rows speak for all rows only if the chance of a label does not depend on what is
measured. Rows are put into bins of the score (or of anything that is known of every row); if the
label rates of the bins differ by more than chance allows, labels are selected. Weights by inverse
label rate repair that as long as every bin has some labels; a bin without any is beyond repair:
what is true there is not identifiable. Selection on something that is not known of every row (the
truth itself: defaults that come late) cannot be seen by this at all.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import chdtrc

from detectors.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVEL = 0.001
"""Chance to call labels selected that are not, at one look."""
LEAST_ROWS = 50
"""Rows under which a bin is too small to speak of."""
MATTERS = 0.1
"""Ratio by which label rates must differ to matter: the largest rate over the smallest, less 1."""
_BINS = 10
_LEAST_EXPECTED = 5.0


@dataclass(frozen=True, eq=False)
class Selection:
    """How labels were selected.

    Attributes
    ----------
    rows, labelled
        Counts.
    rates
        float64 `(b,)`: label rate per bin of the score, rising; NaN for an empty bin.
    p_value
        Of equal rates; NaN with too few rows to tell.
    selected
        The label rate depends on the score.
    identifiable
        False: in a part of the scores nearly no labels come, and metrics cannot speak for it.
    unknown_share
        Share of all rows that lie in such parts.
    weights
        float64 `(n,)`: inverse label rate for labelled rows, mean 1; 0 for rows without labels and
        1 for all labelled rows where labels are not selected.
    text
        One clause for people.
    """

    rows: int
    labelled: int
    rates: NDArray[np.float64]
    p_value: float
    selected: bool
    identifiable: bool
    unknown_share: float
    weights: NDArray[np.float64]
    text: str

    @property
    def coverage(self) -> float:
        """Share of rows with labels, NaN without rows."""
        return self.labelled / self.rows if self.rows else math.nan


def selection(scores: NDArray[np.float64], labelled: NDArray[np.bool_]) -> Selection:
    """Compare label rates over the range of a score.

    Parameters
    ----------
    scores
        float64 `(n,)`: score, prediction or any number that is known of every row; NaN is a bin of
        its own.
    labelled
        bool `(n,)`.

    Raises
    ------
    InputError
        If the lengths differ.
    """
    if scores.shape != labelled.shape or scores.ndim != 1:
        raise InputError(f"scores {scores.shape} and labelled {labelled.shape} must be alike")
    place, bins = _places(scores)
    rows = np.bincount(place, minlength=bins).astype(np.float64)
    hits = np.bincount(place, labelled, bins).astype(np.float64)
    rates = np.divide(hits, rows, out=np.full(bins, np.nan), where=rows > 0)
    p_value = _p_value(hits, rows)
    big = rows >= LEAST_ROWS
    differs = bool(big.any()) and float(np.ptp(rates[big])) > MATTERS * float(rates[big].min())
    selected = p_value < LEVEL and differs
    # a bin is blind when its rate is a twentieth of the whole or less
    blind = big & (hits * len(scores) <= 0.05 * rows * hits.sum()) & selected
    unknown = float(rows[blind].sum() / max(len(scores), 1))
    weights = _weights(labelled, rates[place], blind[place]) if selected else labelled.astype(float)
    return Selection(
        rows=len(scores),
        labelled=int(labelled.sum()),
        rates=rates,
        p_value=p_value,
        selected=selected,
        identifiable=not blind.any(),
        unknown_share=unknown,
        weights=weights,
        text=_text(rates[big], unknown, selected=selected),
    )


def _places(scores: NDArray[np.float64]) -> tuple[NDArray[np.int64], int]:
    known = np.isfinite(scores)
    if not known.any():
        return np.zeros(len(scores), np.int64), 1
    edges = np.unique(np.quantile(scores[known], np.arange(1, _BINS) / _BINS))
    place = np.searchsorted(edges, scores, side="right")
    place[~known] = len(edges) + 1
    return place, len(edges) + (1 if known.all() else 2)


def _p_value(hits: NDArray[np.float64], rows: NDArray[np.float64]) -> float:
    """Chi-square test of equal rates over bins that expect enough of both kinds."""
    total = float(hits.sum() / max(rows.sum(), 1))
    enough = rows * min(total, 1 - total) >= _LEAST_EXPECTED
    if enough.sum() < 2:  # noqa: PLR2004 - nothing to compare
        return math.nan
    hits, rows = hits[enough], rows[enough]
    rate = hits.sum() / rows.sum()
    if rate in {0.0, 1.0}:
        return 1.0
    statistic = float((np.square(hits - rows * rate) / (rows * rate * (1 - rate))).sum())
    return float(chdtrc(len(rows) - 1, statistic))


def _weights(
    labelled: NDArray[np.bool_], rates: NDArray[np.float64], blind: NDArray[np.bool_]
) -> NDArray[np.float64]:
    usable = labelled & ~blind
    weights = np.zeros(len(labelled))
    weights[usable] = 1 / rates[usable]
    return weights / weights[usable].mean() if usable.any() else weights


def _text(rates: NDArray[np.float64], unknown: float, *, selected: bool) -> str:
    if not selected:
        return "the label rate does not depend on the score"
    text = f"labels come for {rates.min():.0%} to {rates.max():.0%} of rows, by score"
    if unknown:
        return f"{text}; not identifiable for {unknown:.0%} of rows, which get nearly no labels"
    return f"{text}; weighted by inverse label rate"

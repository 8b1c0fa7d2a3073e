"""Mixed rows as one matrix of numbers, fixed once by the baseline.

A number becomes the normal score of its cell's mid-rank in the baseline (van der Waerden 1952):
about N(0, 1) whatever the column's shape, and no value lies further out than the outermost cell, so
that one absurd number moves nothing by much. A frequent category becomes an indicator, scaled to
mean 0 and variance 1. What is missing, infinite or of the wrong type is NaN; where the baseline
misses values often enough, an indicator says so in a feature of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import ndtri

from detectors.errors import InputError
from detectors.inputs import MISSING, WRONG
from detectors.profile.frame import FIXED_POINTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from detectors.profile.frame import Frame, NumericFrame
    from detectors.profile.profile import Profile
    from detectors.profile.sample import Sample

MAX_FEATURES = 128
ROWS_PER_FEATURE = 8
"""Baseline rows that a feature needs, so that a covariance can be estimated."""
MIN_SHARE = 0.02
"""Least share of a category, or of missing values, that makes a feature, on either side."""
MAX_CATEGORIES = 12
MIN_MOVING = 0.005
"""A column whose most frequent cell holds all but this share of the rows is constant."""
EXTREME_RANK = 1e-4
_HALF = FIXED_POINTS // 2


class Feature(NamedTuple):
    """One column of the matrix: where it comes from and what it is called."""

    column: int
    label: str
    code: int
    share: float


NUMBER, ABSENT = -10, -11
"""`Feature.code` of a normal score and of the indicator of a missing number."""


@dataclass(frozen=True, eq=False)
class Encoder:
    """Turns samples on `frame` into matrices. Build it with `Encoder.of`.

    Attributes
    ----------
    frame
        The baseline's frame.
    features
        The `p` columns of the matrix; `column` indexes `frame.columns`.
    scores
        float64 `(f1, bins)`: normal score of every cell.
    left_out
        How many features there was no room for.
    """

    frame: Frame
    features: tuple[Feature, ...]
    scores: NDArray[np.float64]
    left_out: int

    @classmethod
    def of(cls, profile: Profile, sample: Sample) -> Encoder:
        """Fix the features by a baseline.

        Of more features than there is room for (MAX_FEATURES, and ROWS_PER_FEATURE rows of the
        sample for each) those are kept that are related most closely to others.
        """
        frame = profile.frame
        scores = np.array([normal_scores(cells) for cells in profile.cells])
        scores = scores.reshape(len(frame.numeric.names), frame.numeric.bins)
        every = (*_numbers(profile, scores), *_absences(profile), *_categories(profile))
        room = min(MAX_FEATURES, len(sample) // ROWS_PER_FEATURE)
        made = cls(frame, every, scores, 0)
        if len(every) <= room:
            return made
        if not room:
            return cls(frame, (), scores, len(every))
        kept = _most_related(np.nan_to_num(made.encode(sample)), room)
        return cls(frame, tuple(every[i] for i in kept), scores, len(every) - room)

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the features, `(p,)`: `delay`, `carrier = UA`, `delay missing`."""
        return tuple(feature.label for feature in self.features)

    @property
    def columns(self) -> NDArray[np.int64]:
        """int64 `(p,)`: index into `frame.columns` of each feature."""
        return np.array([feature.column for feature in self.features], dtype=np.int64)

    def encode(self, sample: Sample) -> NDArray[np.float64]:
        """Matrix `(k, p)` of a sample's rows; finite, or NaN where there is no value.

        Raises
        ------
        InputError
            If the sample has other numbers of columns than the frame.
        """
        f1, f2 = len(self.frame.numeric.names), len(self.frame.categorical.names)
        if sample.numeric.shape[1] != f1 or sample.categorical.shape[1] != f2:
            shape = sample.numeric.shape[1], sample.categorical.shape[1]
            raise InputError(f"sample has {shape} columns, the frame {(f1, f2)}")
        matrix = np.empty((len(sample), len(self.features)), order="F")
        for i, (column, _, code, share) in enumerate(self.features):
            if code == NUMBER:
                matrix[:, i] = self._number(column, sample.numeric[:, column])
            elif code == ABSENT:
                matrix[:, i] = _scaled(~np.isfinite(sample.numeric[:, column]), share)
            else:
                codes = sample.categorical[:, column - f1]
                known = (codes != MISSING) & (codes != WRONG)
                matrix[:, i] = np.where(known, _scaled(codes == code, share), np.nan)
        return np.ascontiguousarray(matrix)

    def _number(self, j: int, values: NDArray[np.float64]) -> NDArray[np.float64]:
        finite = np.isfinite(values)
        encoded = np.full(len(values), np.nan)
        encoded[finite] = self.scores[j][_cells(self.frame.numeric, j, values[finite])]
        return encoded


def normal_scores(cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """Normal score of each cell's mid-rank, mean 0 and variance 1 over the counts; `(bins,)`.

    Zeros where (nearly) all values share one cell.
    """
    share = cells / max(int(cells.sum()), 1)
    if 1 - share.max(initial=1.0 if not share.any() else 0.0) < MIN_MOVING:
        return np.zeros(len(cells))
    middle = np.cumsum(share) - share / 2
    raw = ndtri(np.clip(middle, EXTREME_RANK, 1 - EXTREME_RANK))
    centred = raw - share @ raw
    scored: NDArray[np.float64] = centred / np.sqrt(share @ centred**2)
    return scored


def _cells(frame: NumericFrame, j: int, values: NDArray[np.float64]) -> NDArray[np.signedinteger]:
    """Bins of finite values, exactly as profiles count them."""
    edge = np.searchsorted(frame.edge_columns, j)
    if edge < len(frame.edge_columns) and frame.edge_columns[edge] == j:
        return frame.lookups[edge].bins(values)
    with np.errstate(over="ignore"):
        fixed = np.rint((values - frame.center[j]) / frame.unit[j])
    cells: NDArray[np.int32] = np.clip(fixed, -_HALF - 1, _HALF).astype(np.int32)
    cells += _HALF + frame.fine
    cells >>= frame.fine.bit_length() - 1
    return cells


def _numbers(profile: Profile, scores: NDArray[np.float64]) -> Iterator[Feature]:
    for j, name in enumerate(profile.frame.numeric.names):
        if scores[j].any():
            yield Feature(j, name, NUMBER, 0.0)


def _absences(profile: Profile) -> Iterator[Feature]:
    valid = profile.numeric.valid()
    for j, name in enumerate(profile.frame.numeric.names):
        share = 1 - float(valid[j]) / max(profile.rows, 1)
        if MIN_SHARE <= share <= 1 - MIN_SHARE:
            yield Feature(j, f"{name} missing", ABSENT, share)


def _categories(profile: Profile) -> Iterator[Feature]:
    """Frequent categories; of a column that has no others, all but the rarest."""
    frame = profile.frame.categorical
    totals = profile.categorical.valid()
    for j, name in enumerate(frame.names):
        share = profile.codes[j] / max(int(totals[j]), 1)
        order = np.argsort(-share, kind="stable")[:MAX_CATEGORIES]
        frequent = order[(share[order] >= MIN_SHARE) & (share[order] <= 1 - MIN_SHARE)]
        if len(frequent) and 1 - share[frequent].sum() < MIN_SHARE:
            frequent = frequent[:-1]
        for code in frequent.tolist():
            label = f"{name} = {frame.vocabularies[j][code]}"
            yield Feature(len(profile.frame.numeric.names) + j, label, code, float(share[code]))


def _scaled(hit: NDArray[np.bool_], share: float) -> NDArray[np.float64]:
    scaled: NDArray[np.float64] = (hit - share) / np.sqrt(share * (1 - share))
    return scaled


def _most_related(matrix: NDArray[np.float64], room: int) -> list[int]:
    """Features with the largest sums of squared correlations, in their old order."""
    centred = matrix - matrix.mean(axis=0)
    norm = np.sqrt((centred**2).sum(axis=0))
    correlation = (centred.T @ centred) / np.maximum(np.outer(norm, norm), 1e-12)
    related = np.round((correlation**2).sum(axis=0), 6)
    return sorted(np.argsort(-related, kind="stable")[:room].tolist())

"""Records that the baseline holds under the same id with other values: training-serving skew.

Both samples keep the rows with the smallest hashes of ids, so rows of one id are in both or in
neither. Numbers agree when they are equal to six digits. A column that differs in most of the joint
records beside columns that agree is computed in two ways; where most columns differ, ids are used
again for something else, and nothing is said. No probability is claimed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from detectors.inputs import OUTSIDE
from detectors.quality.wording import percent, plain
from detectors.result import QualityFinding, QualityKind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.profile.sample import Sample
    from detectors.quality.baseline import Observed, QualityBaseline

LEAST_RECORDS: Final = 20
LEAST_SHARE: Final = 0.05
BROKEN_SHARE: Final = 0.5
OUTPUTS: Final = ("prediction", "score")
"""Columns that another version of the model may change by right."""
TOLERANCE: Final = 1e-6
REUSED: Final = 0.5
"""Share of columns that differ in most records, from which on ids mean something else."""


@dataclass(frozen=True, eq=False)
class Skew:
    """Share of `records` with one id in both samples that differ, float64 `(f1 + f2,)`."""

    records: int
    differ: NDArray[np.float64]
    ours: Sample
    theirs: Sample


def find_skew(baseline: QualityBaseline, window: Observed) -> tuple[QualityFinding, ...]:
    """Find columns whose values differ from the baseline's for the same id."""
    skew = compare(baseline.sample, window.sample)
    if skew is None or (skew.differ >= BROKEN_SHARE).mean() >= REUSED:
        return ()
    names = baseline.frame.numeric.names + baseline.frame.categorical.names
    return tuple(
        QualityFinding(
            column=names[j],
            kind=QualityKind.SKEW,
            severity="broken" if skew.differ[j] >= BROKEN_SHARE else "warning",
            observed=float(skew.differ[j]),
            expected=0.0,
            text=f"{names[j]}: differs from the baseline's value in {percent(skew.differ[j])} of "
            f"{skew.records:,} sampled records with the same id{_example(skew, j)}",
        )
        for j in np.flatnonzero(skew.differ >= LEAST_SHARE).tolist()
        if names[j].partition(".")[0] not in OUTPUTS
    )


def compare(baseline: Sample, window: Sample) -> Skew | None:
    """Join two samples by id; None when too few ids are in both."""
    common = np.intersect1d(_once(baseline), _once(window), assume_unique=True)
    if len(common) < LEAST_RECORDS:
        return None
    ours, theirs = _places(baseline, common), _places(window, common)
    a, b = baseline.take(ours), window.take(theirs)
    numeric = ~_equal(a.numeric, b.numeric)
    # What the vocabulary lacks has one code: two such values may differ, but not be told apart.
    categorical = (a.categorical != b.categorical) & (a.categorical != OUTSIDE)
    differ = np.concatenate([numeric.mean(axis=0), categorical.mean(axis=0)])
    return Skew(len(common), differ, a, b)


def _once(sample: Sample) -> NDArray[np.uint64]:
    """Keys that occur once: of an id that comes twice nobody knows which record is meant."""
    keys, counts = np.unique(sample.keys, return_counts=True)
    once: NDArray[np.uint64] = keys[counts == 1]
    return once


def _places(sample: Sample, keys: NDArray[np.uint64]) -> NDArray[np.int64]:
    order = np.argsort(sample.keys, kind="stable")
    places: NDArray[np.int64] = order[np.searchsorted(sample.keys[order], keys)]
    return places


def _equal(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(a - b) <= TOLERANCE * np.maximum(np.abs(a), np.abs(b))
    equal: NDArray[np.bool_] = near | (a == b) | (np.isnan(a) & np.isnan(b))
    return equal


def _example(skew: Skew, column: int) -> str:
    if column >= skew.ours.numeric.shape[1]:
        return ""
    ours, theirs = skew.ours.numeric[:, column], skew.theirs.numeric[:, column]
    row = int((~_equal(ours, theirs)).argmax())
    return f", such as {_shown(theirs[row])} instead of {_shown(ours[row])}"


def _shown(value: float) -> str:
    return "nothing" if np.isnan(value) else plain(value)

"""Changed relations between columns, which no single column shows.

A pair of features has the correlation `r` of its normal scores and indicators, and Fisher's
`z = atanh r`, whose standard error is `1 / sqrt(n)` for normal rows (Fisher 1921) and is estimated
from the baseline for others. The pairs that are related most closely are watched one by one; of all
the others the largest change is.

A season moves columns together from hour to hour, which would look like a relation of rows. So
correlations are taken within groups of `NEIGHBOURS` rows that follow each other in time, in the
baseline and in windows alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from scipy.special import log_ndtr, ndtri_exp

from detectors.card import Card
from detectors.errors import ParameterError
from detectors.multivariate.arrays import two_samples
from detectors.multivariate.encode import Encoder
from detectors.multivariate.explanation import LISTED, shares_by_column
from detectors.multivariate.rounding import rounded
from detectors.result import Explanation
from detectors.sequential.budget import Share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.profile.profile import Profile
    from detectors.profile.sample import Sample
    from detectors.protocols import Window

MIN_ROWS = 50
"""A pair with fewer complete rows in a window is not observed by it."""
NEIGHBOURS = 10
"""Rows that correlations are taken within; a tenth of the degrees of freedom goes to their mean."""
STRONGEST = 0.999
"""Correlations are held inside of +-STRONGEST, where Fisher's z is finite."""
LEAST_ERROR = 0.5
"""A standard error of Fisher's z is at least this much of the normal one."""


@dataclass(frozen=True)
class Correlation:
    """Parameters: `pairs`, how many pairs are watched one by one at most.

    Raises
    ------
    ParameterError
        If it is less than 1.
    """

    pairs: int = 96

    card: ClassVar[Card] = Card(
        input="rows of the sample: numbers as normal scores, frequent categories as indicators",
        statistic="change of Fisher's z of each of the closest pairs, and the largest change of "
        "all other pairs",
        guarantee="the budget's, as calibrated on the baseline's windows; as a test of two "
        "arrays: fixed sample, assumes independent rows",
        cost="8 ms per window of 5,000 rows and 60 columns",
        memory="40 bytes per pair of columns",
        reference="Fisher 1921, Metron 1; Steiger 1980, Psychol. Bull. 87",
        avoid="for relations of three columns that no pair shows: use classifier with "
        "model: boosting",
    )

    def __post_init__(self) -> None:
        if self.pairs < 1:
            raise ParameterError(f"pairs must be at least 1, got {self.pairs}")

    def fit(self, profile: Profile, sample: Sample) -> FittedCorrelation | None:
        """Correlations of the baseline; None without two features of different columns."""
        if len(sample) < MIN_ROWS:
            return None
        encoder = Encoder.of(profile, sample)
        first, second = np.triu_indices(len(encoder.features), 1)
        other = encoder.columns[first] != encoder.columns[second]
        first, second = first[other], second[other]
        if not len(first):
            return None
        matrix = _grouped(encoder.encode(sample), sample)
        z, rows = fisher(matrix, first, second)
        error = _standard_errors(np.nan_to_num(matrix), first, second)
        z = np.nan_to_num(z)
        order = np.argsort(-np.abs(np.round(z, 6)), kind="stable")
        order = order[np.isfinite(error[order]) & (rows[order] >= MIN_ROWS)]
        if not len(order):
            return None
        kept = (first[order], second[order], z[order], error[order])
        return FittedCorrelation(encoder, *kept, alone=min(self.pairs, len(order)))


@dataclass(frozen=True, eq=False)
class FittedCorrelation:
    """Pairs of a baseline, the closest first.

    Attributes
    ----------
    encoder
        From rows to features.
    first, second
        int64 `(m,)`: the features of each pair.
    usual, error
        float64 `(m,)`: Fisher's z of the baseline, and its standard error times `sqrt(n)`.
    alone
        How many pairs are watched one by one.
    """

    encoder: Encoder
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    usual: NDArray[np.float64]
    error: NDArray[np.float64]
    alone: int

    name: ClassVar[str] = "correlation"
    share: ClassVar[Share] = Share.MULTIVARIATE

    @property
    def series(self) -> tuple[str, ...]:
        """One per pair that is watched alone, and one for the others if there are any."""
        labels = self.encoder.labels
        pairs = zip(self.first[: self.alone], self.second[: self.alone], strict=True)
        named = tuple(f"{labels[a]} with {labels[b]}" for a, b in pairs)
        return (*named, "any other pair") if self.alone < len(self.first) else named

    def measure(self, window: Window) -> NDArray[np.float64]:
        """Standardised changes of Fisher's z; NaN where too few rows have both values."""
        change, _ = self._changes(window.sample)
        alone = change[: self.alone]
        if self.alone == len(change):
            return rounded(alone)
        return rounded(np.append(alone, _largest(change[self.alone :])))

    def explain(self, window: Window) -> Explanation:
        """The pair that changed most, and how the changes divide among the columns."""
        change, z = self._changes(window.sample)
        size = np.nan_to_num(np.abs(change))
        worst = int(np.argmax(np.round(size, 6)))
        a, b = (self.encoder.labels[side[worst]] for side in (self.first, self.second))
        before, now = np.tanh(self.usual[worst]), np.tanh(np.nan_to_num(z[worst]))
        beyond = np.maximum(size - np.sqrt(2 * np.log(len(size) + 1)), 0.0) ** 2
        beyond[worst] += not beyond.any()
        columns = self.encoder.columns
        parts = _blamed(beyond, columns[self.first], columns[self.second])
        shares = shares_by_column(parts, np.arange(len(parts)), self.encoder.frame.columns)
        return Explanation(f"{a} and {b} {_verb(before, now)} ({before:.2f} to {now:.2f})", shares)

    def _changes(self, sample: Sample) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Standardised change and Fisher's z of every pair, `(m,)` each."""
        if len(sample) < MIN_ROWS:
            nothing = np.full(len(self.first), np.nan)
            return nothing, nothing
        z, rows = fisher(_grouped(self.encoder.encode(sample), sample), self.first, self.second)
        free = rows * (1 - 1 / NEIGHBOURS)
        change = (z - self.usual) * np.sqrt(np.maximum(free - 3, 1.0)) / self.error
        return np.where(rows >= MIN_ROWS, change, np.nan), z


@dataclass(frozen=True, eq=False)
class CorrelationChange:
    """Two-sample test of equal correlations.

    Attributes
    ----------
    pair
        Columns of the largest change, (-1, -1) when no pair can be compared.
    before, after
        Their correlations.
    statistic
        Largest `|z|` over all pairs.
    p_value
        Bonferroni over the pairs; assumes independent, roughly normal rows.
    distance
        Root of the sum of squared changes of all correlations below the diagonal (Frobenius).
    """

    pair: tuple[int, int]
    before: float
    after: float
    statistic: float
    p_value: float
    distance: float


def correlation_change(
    reference: NDArray[np.float64], current: NDArray[np.float64]
) -> CorrelationChange:
    """Test whether columns of two sets of rows `(m, p)` and `(n, p)` relate to each other alike.

    NaN counts as the column's mean; encode skewed columns by ranks first.

    Raises
    ------
    InputError
        If shapes disagree, or a set has fewer than 2 rows or no column.
    """
    sides = two_samples(reference, current)
    first, second = np.triu_indices(sides[0].shape[1], 1)
    (za, n), (zb, m) = (fisher(x - x.mean(axis=0), first, second) for x in sides)
    z = np.abs(zb - za) / np.sqrt(1 / np.maximum(n - 3, 1) + 1 / np.maximum(m - 3, 1))
    if not np.isfinite(z).any():
        unknown = float("nan")
        return CorrelationChange((-1, -1), unknown, unknown, unknown, unknown, 0.0)
    worst = int(np.nanargmax(z))
    largest = float(z[worst])
    p_value = min(1.0, 2 * int(np.isfinite(z).sum()) * float(np.exp(log_ndtr(-largest))))
    before, after = np.tanh(za), np.tanh(zb)
    return CorrelationChange(
        pair=(int(first[worst]), int(second[worst])),
        before=float(before[worst]),
        after=float(after[worst]),
        statistic=largest,
        p_value=p_value,
        distance=float(np.sqrt(np.nansum((after - before) ** 2))),
    )


def fisher(
    centred: NDArray[np.float64], first: NDArray[np.int64], second: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fisher's z `(m,)` of pairs of centred features `(k, p)`, and how many rows have both.

    Over the rows that have both values; NaN where a feature does not vary in them.
    """
    present = np.isfinite(centred)
    if present.all():
        cross = centred.T @ centred
        power = np.diag(cross)
        own, other = power[first], power[second]
        rows = np.full(len(first), float(len(centred)))
    else:
        known, there = np.where(present, centred, 0.0), present.astype(np.float64)
        cross, shared = known.T @ known, (known**2).T @ there
        own, other = shared[first, second], shared[second, first]
        rows = (there.T @ there)[first, second]
    size = np.sqrt(own * other)
    with np.errstate(invalid="ignore", divide="ignore"):
        r = np.where(size > 0, cross[first, second] / size, np.nan)
    return np.arctanh(np.clip(r, -STRONGEST, STRONGEST)), rows


def _grouped(matrix: NDArray[np.float64], sample: Sample) -> NDArray[np.float64]:
    """Deviations from the mean of NEIGHBOURS rows in time; the last few rows are left out."""
    order = np.lexsort((sample.keys, sample.times))
    order = order[: len(order) // NEIGHBOURS * NEIGHBOURS]
    groups = matrix[order].reshape(-1, NEIGHBOURS, matrix.shape[1])
    present = np.isfinite(groups)
    if present.all():
        mean = groups.mean(axis=1, keepdims=True)
    else:
        count = np.maximum(present.sum(axis=1, keepdims=True), 1)
        mean = np.where(present, groups, 0.0).sum(axis=1, keepdims=True) / count
    centred: NDArray[np.float64] = (groups - mean).reshape(len(order), -1)
    return centred


def _standard_errors(
    x: NDArray[np.float64], first: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Standard error of Fisher's z times `sqrt(n)`, `(m,)`: 1 for normal rows.

    The influence of a row on `r` is `a b - r (a^2 + b^2) / 2` of its standardised values.
    """
    scale = np.sqrt((x**2).mean(axis=0))
    x = np.divide(x, scale, out=np.full_like(x, np.nan), where=scale > 0)
    n, squared = len(x), x**2
    r = (x.T @ x / n)[first, second]
    both = (squared.T @ squared / n)[first, second]
    cubes = (squared * x).T @ x / n
    fourth = (squared**2).mean(axis=0)
    mixed = cubes[first, second] + cubes[second, first]
    variance = both - r * mixed + r**2 / 4 * (fourth[first] + fourth[second] + 2 * both)
    free = np.maximum(1 - r**2, 1 - STRONGEST**2)
    error: NDArray[np.float64] = np.sqrt(np.maximum(variance, 0.0)) / free
    return np.maximum(error, LEAST_ERROR)


def _largest(change: NDArray[np.float64]) -> float:
    """Normal score of the largest of several changes, were they independent; NaN of none."""
    seen = np.abs(change[np.isfinite(change)])
    if not len(seen):
        return float("nan")
    tail = float(np.log(2) + log_ndtr(-seen.max()))
    none = len(seen) * np.log1p(-np.exp(min(tail, -1e-12)))
    log_p = np.log(len(seen)) + tail if none > -1e-9 else np.log(-np.expm1(none))  # noqa: PLR2004
    return float(-ndtri_exp(min(log_p, -1e-12)))


def _blamed(
    change: NDArray[np.float64], first: NDArray[np.int64], second: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Divide changes of pairs among columns, float64 `(columns,)`.

    A column that alone changes sides changes its relation to everything; so the column with the
    largest sum takes all of its pairs, and the next largest of what is left. A pair that stands
    alone is divided evenly.
    """
    left = change.copy()
    parts = np.zeros(int(max(first.max(), second.max())) + 1)
    for _ in range(LISTED):
        total = np.bincount(first, left, len(parts)) + np.bincount(second, left, len(parts))
        worst = int(np.argmax(np.round(total, 6)))
        its = ((first == worst) | (second == worst)) & (left > 0)
        if not its.any():
            break
        if its.sum() == 1:
            parts[first[its]] += left[its] / 2
            parts[second[its]] += left[its] / 2
        else:
            parts[worst] += left[its].sum()
        left[its] = 0.0
    return parts


def _verb(before: float, now: float) -> str:
    if before * now < 0 and min(abs(before), abs(now)) > 0.1:  # noqa: PLR2004 - worth saying
        return "now move against each other" if before > 0 else "now move together"
    return "no longer move together" if abs(now) < abs(before) else "move together more closely"

"""Classifier two-sample test: whether a model can tell current rows from the baseline's.

The rows are dealt into folds; each fold is scored by a classifier that learned from the others
(cross-fitting), so an AUC above .5 is a difference that generalises (Lopez-Paz & Oquab 2017; Kim,
Ramdas, Singh & Wasserman 2021). Given its classifier, a fold's AUC is a Mann-Whitney statistic with
a known null distribution; the folds depend on each other, and twice the mean of their p-values is
a p-value whatever the dependence (Rueschendorf 1982; Vovk & Wang 2020).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from scipy.special import ndtr, ndtri

from detectors.card import Card
from detectors.errors import ParameterError
from detectors.multivariate.arrays import two_samples
from detectors.multivariate.auc import auc_of
from detectors.multivariate.boosting import fit_boosting
from detectors.multivariate.encode import Encoder
from detectors.multivariate.explanation import explained, shares_by_column
from detectors.multivariate.logistic import fit_logistic
from detectors.multivariate.rounding import rounded
from detectors.multivariate.seed import seed_of
from detectors.sequential.budget import Share

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.multivariate.boosting import Boosting
    from detectors.multivariate.logistic import Logistic
    from detectors.profile.profile import Profile
    from detectors.profile.sample import Sample
    from detectors.protocols import Window
    from detectors.result import Explanation

LINEAR, BOOSTING = "linear", "boosting"
MIN_ROWS = 50
"""A window with fewer sampled rows is not observed."""
LEVEL = 0.95


@dataclass(frozen=True)
class Classifier:
    """Parameters of the detector `classifier`.

    Parameters
    ----------
    model
        `linear`: logistic regression; `boosting`: gradient-boosted trees, which find interactions
        at fifty times the cost (needs scikit-learn).
    folds
        At least 2.
    ridge
        Penalty of the linear model per row, positive.

    Raises
    ------
    ParameterError
        If a value is out of its domain.
    """

    model: Literal["linear", "boosting"] = "linear"
    folds: int = 2
    ridge: float = 1e-3

    card: ClassVar[Card] = Card(
        input="rows of the sample: numbers as normal scores, frequent categories as indicators",
        statistic="AUC of a cross-fitted classifier between the window and the baseline",
        guarantee="the budget's, as calibrated on the baseline's windows; as a test of two "
        "arrays: fixed sample, assumes independent rows",
        cost="15 ms per window of 5,000 rows and 60 columns; 0.04 s (linear) or 2 s (boosting) for "
        "10,000 + 10,000 x 60",
        memory="8 bytes per column and row of the baseline's sample",
        reference="Lopez-Paz & Oquab 2017, ICLR; Kim et al. 2021, Ann. Statist. 49",
        avoid="where there is a season: what the season does is a difference too, and the AUC "
        "against the whole baseline says so in every window",
    )

    def __post_init__(self) -> None:
        if self.model not in (LINEAR, BOOSTING):
            raise ParameterError(f"model must be linear or boosting, got {self.model!r}")
        if self.folds < 2 or not self.ridge > 0:  # noqa: PLR2004 - one to learn, one to score
            raise ParameterError("folds must be at least 2 and ridge positive")

    def fit(self, profile: Profile, sample: Sample) -> FittedClassifier | None:
        """Keep the baseline's rows; None where there is nothing to watch."""
        if len(sample) < MIN_ROWS:
            return None
        encoder = Encoder.of(profile, sample)
        if not encoder.features:
            return None
        return FittedClassifier(self, encoder, np.nan_to_num(encoder.encode(sample)))


@dataclass(frozen=True, eq=False)
class FittedClassifier:
    """The baseline's rows `(k, p)`, which windows are to be told from."""

    params: Classifier
    encoder: Encoder
    reference: NDArray[np.float64]

    name: ClassVar[str] = "classifier"
    share: ClassVar[Share] = Share.MULTIVARIATE
    series: ClassVar[tuple[str, ...]] = ("how well rows are told from the baseline's",)

    def measure(self, window: Window) -> NDArray[np.float64]:
        """AUC in standard errors above .5; NaN with too few rows."""
        if len(window.sample) < MIN_ROWS:
            return np.array([np.nan])
        return rounded(np.array([self._against(window).z]))

    def explain(self, window: Window) -> Explanation:
        """The AUC, and what each column adds to it."""
        found = self._against(window)
        shares = shares_by_column(found.parts, self.encoder.columns, self.encoder.frame.columns)
        return explained(f"rows are told from the baseline's with AUC {found.auc:.2f}", shares)

    def _against(self, window: Window) -> TwoSamples:
        rows = np.nan_to_num(self.encoder.encode(window.sample))
        reference = self.reference[: max(len(rows), MIN_ROWS)]
        return _cross_fitted(self.params, reference, rows, seed_of(window.sample))


@dataclass(frozen=True, eq=False)
class TwoSamples:
    """Outcome of a classifier two-sample test.

    Attributes
    ----------
    auc
        Mean over the folds: .5 is no difference, 1 complete separation.
    low, high
        95 % interval given the classifiers, wide enough whatever the dependence of the folds.
    p_value
        Of no difference, one-sided.
    z
        AUC above .5 in its standard error under no difference.
    parts
        float64 `(p,)`: what each feature contributes, sums to 1, or zeros.
    """

    auc: float
    low: float
    high: float
    p_value: float
    z: float
    parts: NDArray[np.float64]


def tell_apart(
    reference: NDArray[np.float64],
    current: NDArray[np.float64],
    *,
    model: Literal["linear", "boosting"] = "linear",
    folds: int = 2,
    ridge: float = 1e-3,
    seed: int = 0,
) -> TwoSamples:
    """Test whether two sets of rows `(m, p)` and `(n, p)` can be told apart.

    NaN counts as the column's mean. Rows are dealt into folds by `seed`.

    Raises
    ------
    InputError
        If shapes disagree, or a set has fewer than 2 rows or no column.
    ParameterError
        If a parameter is out of its domain, or scikit-learn is needed and not there.
    """
    first, second = two_samples(reference, current)
    folds = min(folds, len(first), len(second))
    return _cross_fitted(Classifier(model, folds, ridge), first, second, seed)


def _cross_fitted(
    params: Classifier, first: NDArray[np.float64], second: NDArray[np.float64], seed: int
) -> TwoSamples:
    rng = np.random.default_rng(seed)
    dealt = [_dealt(rng, len(side), params.folds) for side in (first, second)]
    found, parts = [], np.zeros(first.shape[1])
    for fold in range(params.folds):
        inside = [dealt[0] == fold, dealt[1] == fold]
        classifier = _learned(params, first[~inside[0]], second[~inside[1]])
        held = first[inside[0]], second[inside[1]]
        found.append(auc_of(classifier.scores(held[0]), classifier.scores(held[1])))
        parts += classifier.parts(*held)
    auc = float(np.mean([fold.value for fold in found]))
    # The standard error of a mean is at most the mean of the standard errors.
    margin = float(ndtri((1 + LEVEL) / 2) * np.mean([fold.error for fold in found]))
    p_value = min(1.0, 2 * float(np.mean([ndtr(-fold.z) for fold in found])))
    total = float(parts.sum())
    return TwoSamples(
        auc=auc,
        low=max(0.0, auc - margin),
        high=min(1.0, auc + margin),
        p_value=p_value,
        z=float(np.mean([fold.z for fold in found])) * np.sqrt(params.folds),
        parts=parts / total if total > 0 else parts,
    )


def _dealt(rng: np.random.Generator, rows: int, folds: int) -> NDArray[np.int64]:
    dealt: NDArray[np.int64] = rng.permutation(np.arange(rows) % folds)
    return dealt


def _learned(
    params: Classifier, first: NDArray[np.float64], second: NDArray[np.float64]
) -> Logistic | Boosting:
    if params.model == BOOSTING:
        return fit_boosting(first, second)
    return fit_logistic(first, second, params.ridge)

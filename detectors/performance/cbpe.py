"""Performance of a classifier without labels, from its own calibrated probabilities.

If `p_k` is the probability that a row is of class k, the row counts as `p_k` of a row whose truth
is k, and every metric can be measured on such parts of rows: the expected confusion matrix and all
that follows from it (confidence-based performance estimation; NannyML). Probabilities are
calibrated on the baseline, cross-validated so that noise is not followed. It rests on one
assumption: the truth given the scores is what it was in the baseline. When only the mix of inputs
moves, weights `p_live(x) / p_baseline(x)` on the baseline's rows restore it (Bialek, Kivimaki,
Kuberski & Perrakis, Estimating model performance under covariate shift without labels, 2024).
Concept drift is invisible to it, which is why its own error is watched once labels come (`trust`).

The errors are first order: with `g_k` the influence on the metric of a row whose truth is k, labels
add the variance `sum_k p_k g_k^2 - (sum_k p_k g_k)^2` per row, and the calibration adds
`p_k / m` in a bin of scores with m baseline rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from detectors.card import Card
from detectors.errors import InputError, ParameterError
from detectors.performance.calibrator import Calibrator, cross_fitted, fitted
from detectors.performance.estimate import Estimate, estimated, not_estimated
from detectors.performance.metrics import METRICS
from detectors.performance.outcomes import Outcomes
from detectors.performance.setting import Setting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LEAST_ROWS = 200
"""Labelled baseline rows under which nothing is calibrated."""
_BINS = 20


@dataclass(frozen=True)
class Cbpe:
    """Parameters: `alpha`, the share of estimates whose interval misses the realised metric."""

    card: ClassVar[Card] = Card(
        input="scores and predictions of a window, labelled scores of the baseline",
        statistic="metrics of rows split by calibrated class probabilities",
        guarantee="none: an estimate with its standard error, right while the truth given the "
        "scores stays what it was",
        cost="nothing per record, 1 ms per metric and window of 5,000 rows",
        memory="two numbers per step of the calibration, under 4 kB per class",
        reference="Bialek et al. 2024, arXiv 2401.08348; calibration: Zadrozny & Elkan 2002, KDD",
        avoid="when the meaning of inputs changes: concept drift is invisible to it",
    )
    alpha: float = 0.05

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise ParameterError(f"alpha must be in (0, 1), got {self.alpha}")

    def fit(self, baseline: Outcomes, *, task: str, classes: int = 2) -> FittedCbpe | None:
        """Calibrate.

        Parameters
        ----------
        baseline
            Labelled rows with scores; `weights` are importance weights (see `density_ratio`).
        task, classes
            As in `Setting`, not regression.

        Returns
        -------
        The estimator, None with fewer than `LEAST_ROWS` rows with scores or one class only.

        Raises
        ------
        ParameterError
            If the task is regression.
        InputError
            If the scores do not fit the task.
        """
        setting = Setting(task, classes, alpha=self.alpha)
        if task == "regression":
            raise ParameterError("cbpe is for classifiers; use dle for regression")
        known = _checked(baseline, setting)
        if len(known) < LEAST_ROWS or len(np.unique(known.truth)) < 2:  # noqa: PLR2004
            return None
        targets = [(known.truth == one).astype(np.float64) for one in _scored(setting)]
        columns = list(zip(known.scores.T, targets, strict=True))
        calibrators = tuple(fitted(score, target, known.weights) for score, target in columns)
        bins = tuple(_binned(score, known.weights) for score in known.scores.T)
        return FittedCbpe(setting, calibrators, bins, len(known))


@dataclass(frozen=True, eq=False)
class Bins:
    """Baseline rows by score: `edges` `(b - 1,)` inside, `rows` `(b,)` effective rows per bin."""

    edges: NDArray[np.float64]
    rows: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FittedCbpe:
    """Calibrated on a baseline of `rows` labelled rows; one calibrator and bins per score."""

    setting: Setting
    calibrators: tuple[Calibrator, ...]
    bins: tuple[Bins, ...]
    rows: int

    def probabilities(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Calibrated probabilities.

        Parameters
        ----------
        scores
            float64 `(n, c)` as in `Outcomes`.

        Returns
        -------
        float64 `(n, classes)`, rows sum to 1; NaN where the scores have NaN.
        """
        raw = [one(score) for one, score in zip(self.calibrators, scores.T, strict=True)]
        return _completed(np.stack(raw, axis=1))

    def estimate(
        self,
        predicted: NDArray[np.float64],
        scores: NDArray[np.float64],
        names: Sequence[str],
        *,
        cost: Sequence[Sequence[float]] | None = None,
        weights: NDArray[np.float64] | None = None,
    ) -> tuple[Estimate, ...]:
        """Estimate metrics of rows without labels.

        Parameters
        ----------
        predicted, scores, weights
            As in `Outcomes`. Rows without scores are left out, and rows without a prediction of
            what needs one.
        names
            Keys of `METRICS`.
        cost
            Cost matrix, when `names` has `cost`.

        Returns
        -------
        One estimate per name, in their order.

        Raises
        ------
        InputError
            If scores do not fit the task.
        ParameterError
            If a name is unknown or not for the task, or there is no cost matrix.
        """
        setting = Setting(self.setting.task, self.setting.classes, cost, alpha=self.setting.alpha)
        rows = _checked(Outcomes(np.zeros(len(predicted)), predicted, scores, weights), setting)
        everyone = Parts.of(rows, self.probabilities(rows.scores))
        said = rows.with_predictions()
        parts = everyone if said is rows else Parts.of(said, self.probabilities(said.scores))
        scored = {name for name in names if name in METRICS and METRICS[name].needs == "scores"}
        return tuple(
            self.of_parts(name, everyone if name in scored else parts, setting) for name in names
        )

    def of_parts(self, name: str, parts: Parts, setting: Setting) -> Estimate:
        """Estimate one metric of rows that are split already; errors as `estimate`."""
        metric = METRICS.get(name)
        if metric is None or setting.task not in metric.tasks:
            raise ParameterError(f"cbpe cannot estimate {name!r} of a {setting.task} model")
        reading = metric.read(parts.expanded, setting)
        if math.isnan(reading.value):
            return not_estimated(name, metric.better, len(parts.rows), reading.reason)
        gain = reading.gain.reshape(parts.probabilities.shape[::-1]).T
        errors = (parts.label_error(gain), self._calibration_error(parts, gain))
        return estimated(
            name,
            reading.value,
            errors,
            rows=len(parts.rows),
            better=metric.better,
            ends=(metric.low, metric.high),
            alpha=setting.alpha,
        )

    def _calibration_error(self, parts: Parts, gain: NDArray[np.float64]) -> float:
        p = parts.probabilities
        pull = (gain - (p * gain).sum(axis=1, keepdims=True)) * parts.share[:, None]
        variance = 0.0
        for one in range(p.shape[1]):
            # binary: both classes share the bins of the one score
            column = min(one, len(self.bins) - 1)
            bins = self.bins[column]
            place = np.searchsorted(bins.edges, parts.rows.scores[:, column], side="right")
            count = len(bins.rows)
            moved = np.bincount(place, pull[:, one], count)
            mass = np.bincount(place, parts.share, count)
            part = np.bincount(place, parts.share * p[:, one], count)
            share = np.divide(part, mass, out=np.zeros(count), where=mass > 0)
            variance += float((np.square(moved) * share / bins.rows).sum())
        return math.sqrt(variance)


@dataclass(frozen=True, eq=False)
class Parts:
    """Rows split by class: `expanded` has every row once per class, weighted by probability."""

    rows: Outcomes
    probabilities: NDArray[np.float64]
    share: NDArray[np.float64]
    expanded: Outcomes

    @classmethod
    def of(cls, rows: Outcomes, probabilities: NDArray[np.float64]) -> Parts:
        """Split rows `(n,)` by probabilities `(n, c)`."""
        n, classes = probabilities.shape
        weights = np.ones(n) if rows.weights is None else rows.weights
        expanded = Outcomes(
            truth=np.repeat(np.arange(classes, dtype=np.float64), n),
            predicted=np.tile(rows.predicted, classes),
            scores=np.tile(rows.scores, (classes, 1)),
            weights=(probabilities * weights[:, None]).T.ravel(),
        )
        total = float(weights.sum())
        return cls(rows, probabilities, weights / total if total else weights, expanded)

    def label_error(self, gain: NDArray[np.float64]) -> float:
        """Standard deviation of a metric with influences `(n, c)` when labels are drawn."""
        mean = (self.probabilities * gain).sum(axis=1)
        spread = (self.probabilities * np.square(gain)).sum(axis=1) - np.square(mean)
        return math.sqrt(max(float((np.square(self.share) * spread).sum()), 0.0))


def cross_checked(
    baseline: Outcomes, names: Sequence[str], *, task: str, classes: int = 2, windows: int = 10
) -> tuple[tuple[Estimate, ...], ...]:
    """Estimates for parts of the baseline, each row calibrated without itself.

    Parameters
    ----------
    baseline, task, classes
        As in `Cbpe.fit`; rows in time order make the parts like windows.
    names
        Keys of `METRICS`.
    windows
        Number of parts.

    Returns
    -------
    For every part the estimates in the order of `names`, to be compared with what `measure` says
    of the same rows, `numpy.array_split` of those with scores and predictions.

    Raises
    ------
    InputError, ParameterError
        As `Cbpe.fit`; InputError when there are too few rows to calibrate.
    """
    fit = Cbpe().fit(baseline, task=task, classes=classes)
    if fit is None:
        raise InputError(f"cbpe needs {LEAST_ROWS} labelled rows with scores, of two classes")
    known = _checked(baseline, fit.setting).with_predictions()
    held = [
        cross_fitted(score, (known.truth == one).astype(np.float64), known.weights)
        for one, score in zip(_scored(fit.setting), known.scores.T, strict=True)
    ]
    probabilities = _completed(np.stack(held, axis=1))
    parts = (
        Parts.of(known.take(rows), probabilities[rows])
        for rows in np.array_split(np.arange(len(known)), windows)
    )
    return tuple(tuple(fit.of_parts(name, part, fit.setting) for name in names) for part in parts)


def _scored(setting: Setting) -> Sequence[int]:
    return (1,) if setting.task == "binary" else range(setting.classes)


def _checked(outcomes: Outcomes, setting: Setting) -> Outcomes:
    width = len(_scored(setting))
    if outcomes.scores.shape[1] != width:
        raise InputError(f"scores must have {width} columns, got {outcomes.scores.shape[1]}")
    return outcomes.with_scores()


def _completed(raw: NDArray[np.float64]) -> NDArray[np.float64]:
    if raw.shape[1] == 1:
        return np.concatenate([1 - raw, raw], axis=1)
    total = raw.sum(axis=1, keepdims=True)
    probabilities = np.full_like(raw, 1 / raw.shape[1])
    np.divide(raw, total, out=probabilities, where=~(total <= 0))
    return probabilities


def _binned(scores: NDArray[np.float64], weights: NDArray[np.float64] | None) -> Bins:
    edges = np.unique(np.quantile(scores, np.arange(1, _BINS) / _BINS))
    place = np.searchsorted(edges, scores, side="right")
    weighed = np.ones(len(scores)) if weights is None else weights
    mass = np.bincount(place, weighed, len(edges) + 1).astype(np.float64)
    squares = np.bincount(place, np.square(weighed), len(edges) + 1).astype(np.float64)
    rows = np.divide(np.square(mass), squares, out=np.ones(len(mass)), where=squares > 0)
    return Bins(edges, np.maximum(rows, 1.0))

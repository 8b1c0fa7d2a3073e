"""Performance of a regression model without labels: direct loss estimation.

A second model learns on the baseline how large the first one's error is, given its inputs and its
prediction; its mean over a window estimates MAE, and of squares MSE (NannyML's DLE). It sees a
change of inputs towards rows that are hard, and nothing of a change of their meaning.

The loss model is fitted five times, each time without one fifth of the baseline. Residuals on the
left-out fifths give the noise of one row's loss; the spread of the five estimates gives the error
of the model (jackknife over groups).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from detectors.card import Card
from detectors.errors import InputError, ParameterError
from detectors.performance.calibrator import FOLDS
from detectors.performance.estimate import Estimate, estimated, not_estimated
from detectors.performance.loss_model import Additive, Binning, Boosted, additive
from detectors.performance.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from detectors.performance.loss_model import LossModel, Seen
    from detectors.performance.outcomes import Outcomes

LEAST_ROWS = 200
"""Labelled baseline rows under which nothing is fitted."""
_SQUARED = frozenset({"rmse"})


@dataclass(frozen=True)
class Dle:
    """Parameters.

    Parameters
    ----------
    model
        `additive` or `boosted`, see `loss_model`.
    metrics
        Which of `mae`, `rmse`, `mape`, `quantile_loss` to be able to estimate.
    quantile
        As in `measure`.
    alpha
        Share of estimates whose interval misses the realised metric, in (0, 1).

    Raises
    ------
    ParameterError
        If a value is out of its domain.
    """

    card: ClassVar[Card] = Card(
        input="inputs and predictions of a window, labelled rows of the baseline",
        statistic="mean of a loss predicted from inputs and prediction",
        guarantee="none: an estimate with its standard error, right while the loss given the "
        "inputs stays what it was",
        cost="nothing per record, 3 ms per window of 5,000 rows and 10 columns (additive)",
        memory="8 bytes per bin of a column, metric and fold: about 1 kB per column",
        reference="NannyML 2022, direct loss estimation",
        avoid="when the meaning of inputs changes, or the baseline has under 200 labelled rows",
    )
    model: Literal["additive", "boosted"] = "additive"
    metrics: tuple[str, ...] = ("mae", "rmse")
    quantile: float = 0.5
    alpha: float = 0.05

    def __post_init__(self) -> None:
        if self.model not in {"additive", "boosted"}:
            raise ParameterError(f"model must be additive or boosted, got {self.model!r}")
        for name in self.metrics:
            if name not in _LOSSES:
                raise ParameterError(f"dle knows {', '.join(_LOSSES)}, not {name!r}")
        for name in ("alpha", "quantile"):
            if not 0 < getattr(self, name) < 1:
                raise ParameterError(f"{name} must be in (0, 1), got {getattr(self, name)}")

    def fit(self, baseline: Outcomes, features: NDArray[np.float64]) -> FittedDle | None:
        """Learn the losses.

        Parameters
        ----------
        baseline
            Labelled rows; those without a prediction are left out.
        features
            float64 `(n, f)`: inputs of the same rows, NaN missing, categories as codes.

        Returns
        -------
        The estimator, None with fewer than `LEAST_ROWS` rows.

        Raises
        ------
        InputError
            If features and rows disagree.
        """
        if features.ndim != 2 or len(features) != len(baseline):  # noqa: PLR2004 - a matrix
            raise InputError(f"{len(baseline)} rows, features {features.shape}")
        known = np.isfinite(baseline.predicted)
        rows = baseline.take(known)
        if len(rows) < LEAST_ROWS:
            return None
        inputs = _inputs(features[known], rows.predicted)
        binning = Binning.fit(inputs)
        seen = binning.see(inputs)
        losses = {
            name: self._fitted(seen, loss(rows.truth, rows.predicted, self.quantile), binning.count)
            for name, loss in _LOSSES.items()
            if name in self.metrics
        }
        return FittedDle(self, binning, losses, features.shape[1], len(rows))

    def _fitted(self, seen: Seen, loss: NDArray[np.float64], count: int) -> FoldedLoss:
        usable = np.isfinite(loss)
        seen, loss = seen.take(usable), loss[usable]
        fold = np.arange(len(loss)) % FOLDS
        models: tuple[LossModel, ...]
        if self.model == "boosted":
            left = [fold != one for one in range(FOLDS)]
            models = tuple(Boosted.fit(seen.take(rows), loss[rows]) for rows in left)
        else:
            models = additive(seen, loss, fold, count, FOLDS)[:FOLDS]
        held = np.empty(len(loss))
        for one, model in enumerate(models):
            held[fold == one] = np.clip(model.predict(seen.take(fold == one)), 0.0, loss.max())
        noise = additive(seen, np.square(loss - held), fold, count, FOLDS)[-1]
        return FoldedLoss(models, noise, float(loss.max()))


@dataclass(frozen=True, eq=False)
class FoldedLoss:
    """Five models of one loss, a model of its variance, and the largest loss of the baseline."""

    models: tuple[LossModel, ...]
    noise: Additive
    most: float

    def each(self, seen: Seen) -> NDArray[np.float64]:
        """Loss of rows by each model, float64 `(FOLDS, n)`."""
        return np.clip([model.predict(seen) for model in self.models], 0.0, self.most)


@dataclass(frozen=True, eq=False)
class FittedDle:
    """Learned from a baseline of `rows` labelled rows with `width` features."""

    params: Dle
    binning: Binning
    losses: dict[str, FoldedLoss]
    width: int
    rows: int

    def estimate(
        self, predicted: NDArray[np.float64], features: NDArray[np.float64], names: Sequence[str]
    ) -> tuple[Estimate, ...]:
        """Estimate metrics of rows without labels.

        Parameters
        ----------
        predicted
            float64 `(n,)`; rows that are not finite are left out.
        features
            float64 `(n, f)` as in `Dle.fit`.
        names
            Metrics, among those of `Dle.metrics`.

        Returns
        -------
        One estimate per name, in their order.

        Raises
        ------
        InputError
            If features and rows disagree.
        ParameterError
            If a metric was not asked for at fitting.
        """
        _, seen = self._rows(predicted, features)
        return tuple(self._one(name, seen) for name in names)

    def expected(
        self, predicted: NDArray[np.float64], features: NDArray[np.float64], name: str = "mae"
    ) -> NDArray[np.float64]:
        """Expected loss of every row.

        Parameters
        ----------
        predicted, features
            As in `estimate`.
        name
            Metric whose loss is meant; for `rmse` the squared error.

        Returns
        -------
        float64 `(n,)`; NaN where there is no prediction.

        Raises
        ------
        InputError, ParameterError
            As `estimate`.
        """
        known, seen = self._rows(predicted, features)
        losses = np.full(len(predicted), np.nan)
        if len(seen):
            losses[known] = self._loss(name).each(seen).mean(axis=0)
        return losses

    def _rows(
        self, predicted: NDArray[np.float64], features: NDArray[np.float64]
    ) -> tuple[NDArray[np.bool_], Seen]:
        if features.shape != (len(predicted), self.width):
            raise InputError(f"features must be {(len(predicted), self.width)}")
        known = np.isfinite(predicted)
        return known, self.binning.see(_inputs(features[known], predicted[known]))

    def _loss(self, name: str) -> FoldedLoss:
        if name not in self.losses:
            raise ParameterError(f"dle was fitted for {', '.join(self.losses)}, not {name!r}")
        return self.losses[name]

    def _one(self, name: str, seen: Seen) -> Estimate:
        loss, metric = self._loss(name), METRICS[name]
        if not len(seen):
            return not_estimated(name, metric.better, 0, "no rows")
        means = loss.each(seen).mean(axis=1)
        noise = np.maximum(loss.noise.predict(seen), 0.0).mean() / len(seen)
        spread = (FOLDS - 1) / FOLDS * np.square(means - means.mean()).sum()
        value, errors = float(means.mean()), (math.sqrt(noise), math.sqrt(spread))
        if name in _SQUARED and value > 0:
            value = math.sqrt(value)
            errors = (errors[0] / (2 * value), errors[1] / (2 * value))
        return estimated(
            name,
            value,
            errors,
            rows=len(seen),
            better=metric.better,
            ends=(metric.low, metric.high),
            alpha=self.params.alpha,
        )


def _inputs(features: NDArray[np.float64], predicted: NDArray[np.float64]) -> NDArray[np.float64]:
    inputs = np.column_stack([predicted, features])
    return np.where(np.isfinite(inputs), inputs, np.nan)


def _absolute(
    truth: NDArray[np.float64], predicted: NDArray[np.float64], _: float
) -> NDArray[np.float64]:
    return np.abs(truth - predicted)


def _squared(
    truth: NDArray[np.float64], predicted: NDArray[np.float64], _: float
) -> NDArray[np.float64]:
    return np.square(truth - predicted)


def _percentage(
    truth: NDArray[np.float64], predicted: NDArray[np.float64], _: float
) -> NDArray[np.float64]:
    share = np.full(len(truth), np.nan)
    np.divide(np.abs(truth - predicted), np.abs(truth), out=share, where=truth != 0)
    return share


def _pinball(
    truth: NDArray[np.float64], predicted: NDArray[np.float64], quantile: float
) -> NDArray[np.float64]:
    over = truth - predicted
    return np.maximum(quantile * over, (quantile - 1) * over)


_LOSSES = {"mae": _absolute, "rmse": _squared, "mape": _percentage, "quantile_loss": _pinball}

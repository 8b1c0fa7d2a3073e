"""Predictions beside what turned out to be true, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from detectors.errors import InputError, ParameterError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Task: TypeAlias = Literal["binary", "multiclass", "regression"]
TASKS: tuple[str, ...] = get_args(Task)


@dataclass(frozen=True, eq=False)
class Outcomes:
    """Rows whose truth is known.

    Attributes
    ----------
    truth
        float64 `(n,)`: class index, or number for regression; finite.
    predicted
        float64 `(n,)`: class index or number; not finite = the record had no prediction. Such rows
        are left out of what needs predictions.
    scores
        float64 `(n, c)`: probabilities. Binary: c = 1, of the class with index 1. Multiclass: c is
        the number of classes. Regression: c = 0. A row with a NaN has none and is left out of what
        needs scores.
    weights
        float64 `(n,)`, finite and at least 0, None when all rows count alike.

    Raises
    ------
    InputError
        If shapes disagree, a truth is not finite or a weight is negative or not finite.
    """

    truth: NDArray[np.float64]
    predicted: NDArray[np.float64]
    scores: NDArray[np.float64]
    weights: NDArray[np.float64] | None = None

    def __post_init__(self) -> None:
        rows = self.truth.shape
        if len(rows) != 1 or self.predicted.shape != rows or self.scores.shape[:1] != rows:
            raise InputError(
                f"truth {rows}, predicted {self.predicted.shape} and scores {self.scores.shape} "
                "must have the same rows"
            )
        if self.scores.ndim != 2:  # noqa: PLR2004 - a matrix
            raise InputError(f"scores must be (n, c), got {self.scores.shape}")
        if not np.isfinite(self.truth).all():
            raise InputError("truth must be finite: leave out rows without labels")
        weights = self.weights
        if weights is not None and (
            weights.shape != rows or not (np.isfinite(weights) & (weights >= 0)).all()
        ):
            raise InputError("weights must be one finite number of at least 0 per row")

    def __len__(self) -> int:
        return len(self.truth)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Outcomes:
        """The chosen rows."""
        return Outcomes(
            self.truth[rows],
            self.predicted[rows],
            self.scores[rows],
            None if self.weights is None else self.weights[rows],
        )

    def with_predictions(self) -> Outcomes:
        """Rows that have a prediction."""
        return self._where(np.isfinite(self.predicted))

    def with_scores(self) -> Outcomes:
        """Rows that have all scores."""
        return self._where(np.isfinite(self.scores).all(axis=1))

    def _where(self, rows: Any) -> Outcomes:
        return self if rows.all() else self.take(rows)


def require_task(task: str) -> None:
    """Check the name of a task.

    Raises
    ------
    ParameterError
        If it is none of `TASKS`.
    """
    if task not in TASKS:
        raise ParameterError(f"task must be one of {', '.join(TASKS)}, got {task!r}")

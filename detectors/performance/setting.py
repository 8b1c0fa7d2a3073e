"""What metrics need to know beside the rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detectors.errors import ParameterError
from detectors.performance.outcomes import require_task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Setting:
    """Parameters of `measure`.

    Parameters
    ----------
    task
        `binary`, `multiclass` or `regression`.
    classes
        Number of classes, at least 2; not looked at for regression.
    cost
        `cost[truth][predicted]` in the user's unit, classes x classes; None if the user has none.
    quantile
        Which quantile `quantile_loss` predicts, in (0, 1).
    alpha
        Probability in (0, 1) that one interval ever misses.

    Raises
    ------
    ParameterError
        If a value is out of its domain.
    """

    task: str
    classes: int = 2
    cost: Sequence[Sequence[float]] | None = None
    quantile: float = 0.5
    alpha: float = 0.05

    def __post_init__(self) -> None:
        require_task(self.task)
        if self.classes < 2 or (self.task == "binary" and self.classes != 2):  # noqa: PLR2004
            raise ParameterError(f"classes must be at least 2, and 2 if binary, got {self.classes}")
        for name in ("quantile", "alpha"):
            if not 0 < getattr(self, name) < 1:
                raise ParameterError(f"{name} must be in (0, 1), got {getattr(self, name)}")
        if self.cost is not None:
            self.cost_matrix()

    def cost_matrix(self) -> NDArray[np.float64]:
        """The cost as float64 `(classes, classes)`.

        Raises
        ------
        ParameterError
            If there is none, it has another shape, or a cost is not finite or all are equal.
        """
        if self.cost is None:
            raise ParameterError("the metric cost needs a cost matrix")
        wanted = (self.classes, self.classes)
        try:
            matrix = np.array(self.cost, dtype=np.float64)
        except ValueError:
            matrix = np.full((1, 1), math.nan)
        if matrix.shape != wanted or not np.isfinite(matrix).all():
            raise ParameterError(f"cost must be {wanted[0]} rows of {wanted[1]} finite numbers")
        if matrix.min() == matrix.max():
            raise ParameterError("cost must not be the same for every outcome")
        return matrix

"""What is normal for a model's performance: a part of its baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from detectors.sequential.calibration import Calibration

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PerformanceBaseline:
    """A model's task, and what the labels among the baseline's rows say of it.

    Attributes
    ----------
    task, classes
        As in `monitor.engine.outputs.Task`.
    losses, center, spread
        The losses that are followed and, float64 `(S,)`, what a labelled row has on average and
        by how much rows differ; empty without labels.
    fairness
        Which groups are compared, and how, as `PerformanceSpec.fairness` says it.
    sums
        float64 `(3, S)`: number, sum and sum of squares of those losses in all windows.
    mid, series
        int64 `(R,)` middles of the windows that have labels, float64 `(R, S)` their components,
        losses first, then disparities.
    calibration
        Fitted on `series`; None when fewer windows have labels than that needs.
    counts
        int64 `(w, 2)`: sampled predictions and labels of every window, labelled or not.
    limit
        Predictions that were kept of a window, and are to be.
    coverage
        Share of the predictions whose label came within the horizon; NaN without labels.
    delays
        float64 `(101,)`: percentiles of the time until a label was known, microseconds; empty
        without labels.
    """

    task: str
    classes: tuple[str, ...]
    losses: tuple[str, ...]
    center: NDArray[np.float64]
    spread: NDArray[np.float64]
    fairness: str
    sums: NDArray[np.float64]
    mid: NDArray[np.int64]
    series: NDArray[np.float64]
    calibration: Calibration | None
    counts: NDArray[np.int64]
    limit: int
    coverage: float
    delays: NDArray[np.float64]

    def state(self) -> dict[str, Any]:
        """Plain data that `restore` reads."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        return plain | {"calibration": self.calibration and self.calibration.state()}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> PerformanceBaseline:
        """Inverse of `state`."""
        fitted = state["calibration"] and Calibration.restore(state["calibration"])
        names = {name: tuple(state[name]) for name in ("classes", "losses")}
        return cls(**{**state, **names, "calibration": fitted})

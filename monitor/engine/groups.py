"""Groups of people or things beside each other: how a binary model treats them, window by window.

The groups are the values of a categorical column. What is normal is fitted on the baseline's
labelled sample at every start; disparities that were always there are no change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from detectors.fairness.groups import disparities
from detectors.fairness.series import IN_USE, Fairness
from detectors.performance.outcomes import Outcomes
from monitor.engine.outputs import BINARY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from detectors.fairness.groups import Disparity
    from detectors.fairness.series import FairnessSeries
    from monitor.engine.cohort import Cohort
    from monitor.engine.outputs import Outputs, Read
    from monitor.model import PerformanceSpec

MAX_GROUPS: Final = 12
"""Values of one column that are compared with each other, the most frequent of the baseline."""

_TWO: Final = 2


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """The groups of one column.

    Attributes
    ----------
    column, at
        Its name, and its place in `Predictions.groups`.
    names
        Values that are compared.
    series
        Disparities as evidence; None when the baseline has no labels.
    """

    column: str
    at: int
    names: tuple[str, ...]
    series: FairnessSeries | None
    rates: tuple[str, ...]
    least: int

    @property
    def followed(self) -> NDArray[np.int64]:
        """Places of the series that are followed: of two groups one says it all."""
        if self.series is None:
            return np.empty(0, np.int64)
        kept = 1 if len(self.names) == _TWO else len(self.names)
        places = np.arange(len(self.rates) * len(self.names)).reshape(len(self.rates), -1)
        known = np.isfinite(self.series.baseline)
        return places[:, :kept][known[:, :kept]]

    @property
    def titles(self) -> tuple[str, ...]:
        """What each followed series says."""
        if self.series is None:
            return ()
        names = self.series.series
        return tuple(f"{self.column}: {names[place]}" for place in self.followed.tolist())

    def measure(self, cohort: Cohort) -> NDArray[np.float64]:
        """The followed series of a cohort's labelled rows; NaN where groups are too small."""
        if self.series is None:
            return np.empty(0)
        outcomes, codes = self._labelled([cohort])
        return self.series.measure(outcomes, codes)[self.followed]

    def compared(self, cohorts: Sequence[Cohort]) -> tuple[Disparity, ...]:
        """Rates of every group over the labelled rows of some cohorts, and how far they differ."""
        outcomes, codes = self._labelled(cohorts)
        return disparities(outcomes, codes, self.names, self.rates, least=self.least)

    def _labelled(self, cohorts: Sequence[Cohort]) -> tuple[Outcomes, NDArray[np.int64]]:
        known = [~np.isnan(cohort.truth) for cohort in cohorts]
        parts = [
            (c.truth[k], c.predictions.predicted[k], c.predictions.scores[k])
            for c, k in zip(cohorts, known, strict=True)
        ]
        arrays: list[Any] = [np.concatenate([part[i] for part in parts]) for i in range(3)]
        codes = np.concatenate(
            [c.predictions.groups[k, self.at] for c, k in zip(cohorts, known, strict=True)]
        )
        return Outcomes(*arrays), _within(codes, len(self.names))


def fit_groups(outputs: Outputs, spec: PerformanceSpec, rows: Read) -> tuple[Groups, ...]:
    """The configured groups that the records have, with what is normal in the baseline's `rows`."""
    if outputs.task.kind != BINARY:
        return ()
    rates = spec.group_metrics or IN_USE
    frame, truth = outputs.frame.categorical, rows.sample.truth
    known = ~np.isnan(truth)
    labelled = Outcomes(truth[known], rows.predicted[known], rows.scores[known])
    found: list[Groups] = []
    for at, column in enumerate(outputs.groups):
        place = frame.names.index(column)
        names = frame.vocabularies[place][:MAX_GROUPS]
        codes = _within(rows.sample.categorical[known, place], len(names))
        fairness = Fairness(rates=rates, least=spec.min_rows)
        series = fairness.fit(labelled, codes, names) if known.any() else None
        found.append(Groups(column, at, names, series, rates, spec.min_rows))
    return tuple(found)


def difference_of(rate: str) -> str:
    """Name of the metric that says by how much groups differ in a rate."""
    return f"{rate}_difference"


def _within(codes: NDArray[np.int32], groups: int) -> NDArray[np.int64]:
    """Codes of the groups that are compared; -1 for everything else."""
    return np.where((codes >= 0) & (codes < groups), codes, -1).astype(np.int64)

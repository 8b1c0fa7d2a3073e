"""Disparity between a group and the others as a series for the sequential evidence.

A rate of a group and the same rate of all other rows are put on the angle scale,
`2 arcsin sqrt(p)`, where a share of n rows has variance `1 / n` whatever it is. Their difference
less the baseline's, times `sqrt(n1 n2 / (n1 + n2))`, has about mean 0 and variance 1 while the
disparity stays what it was; a disparity that was always there is no change.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from detectors.card import Card
from detectors.errors import InputError, ParameterError
from detectors.fairness.groups import LEAST_ROWS, RATES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from detectors.performance.outcomes import Outcomes

IN_USE = ("selection_rate", "true_positive_rate", "false_positive_rate", "precision", "accuracy")


@dataclass(frozen=True)
class Fairness:
    """Parameters.

    Parameters
    ----------
    rates
        Some of `IN_USE`.
    least
        Rows that a group, and all others, need each to be observed; positive.

    Raises
    ------
    ParameterError
        If a value is out of its domain.
    """

    card: ClassVar[Card] = Card(
        input="predictions, groups and, but for the selection rate, labels",
        statistic="angle of a group's rate less that of all others, less the baseline's",
        guarantee="the budget's, as calibrated on the baseline's windows; single differences: "
        "intervals that hold at every look",
        cost="nothing per record, 1 ms per rate and window of 5,000 rows",
        memory="8 bytes per rate and group",
        reference="definitions as fairlearn's; Hardt, Price & Srebro 2016, NeurIPS",
        avoid="for groups of a few dozen rows per window: they are insufficient, not fair",
    )
    rates: tuple[str, ...] = IN_USE
    least: int = LEAST_ROWS

    def __post_init__(self) -> None:
        for rate in self.rates:
            if rate not in IN_USE:
                raise ParameterError(f"rate must be one of {', '.join(IN_USE)}, got {rate!r}")
        if self.least < 1:
            raise ParameterError(f"least must be positive, got {self.least}")

    def fit(
        self, outcomes: Outcomes, groups: NDArray[np.int64], names: Sequence[str]
    ) -> FairnessSeries:
        """Measure the baseline; arguments as in `disparities`.

        Raises
        ------
        InputError
            If groups and rows disagree.
        """
        angle, _, smaller = _angles(outcomes, groups, len(names), self.rates)
        known = np.where(smaller >= self.least, angle, np.nan)
        return FairnessSeries(tuple(names), self.rates, known, self.least)


@dataclass(frozen=True, eq=False)
class FairnessSeries:
    """Knows the baseline's disparities.

    Attributes
    ----------
    groups, rates
        Names.
    baseline
        float64 `(rates, groups)`: angle of the group less that of the others; NaN: too few rows,
        then the series is not observed.
    least
        Rows that the group and the others need each.
    """

    groups: tuple[str, ...]
    rates: tuple[str, ...]
    baseline: NDArray[np.float64]
    least: int = LEAST_ROWS

    @property
    def series(self) -> tuple[str, ...]:
        """What each value says, rates by groups."""
        return tuple(
            f"{RATES[rate].title} of {group}" for rate in self.rates for group in self.groups
        )

    def measure(self, outcomes: Outcomes, groups: NDArray[np.int64]) -> NDArray[np.float64]:
        """Values of a window, float64 `(rates x groups,)`; NaN: not observed.

        Raises
        ------
        InputError
            If groups and rows disagree.
        """
        angle, rows, smaller = _angles(outcomes, groups, len(self.groups), self.rates)
        value = (angle - self.baseline) * np.sqrt(rows)
        observed: NDArray[np.float64] = np.where(smaller >= self.least, value, np.nan)
        return observed.ravel()


def _angles(
    outcomes: Outcomes, groups: NDArray[np.int64], count: int, rates: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Angles of group less others, `n1 n2 / (n1 + n2)` and the smaller; all `(rates, groups)`."""
    if groups.shape != outcomes.truth.shape:
        raise InputError(f"groups {groups.shape}, rows {outcomes.truth.shape}")
    angles, sizes, smaller = (np.empty((len(rates), count)) for _ in range(3))
    for row, rate in enumerate(rates):
        values, counted = RATES[rate].rows(outcomes)
        chosen = counted & (groups >= 0)
        rows = np.bincount(groups[chosen], minlength=count).astype(np.float64)
        hits = np.bincount(groups[chosen], values[chosen], count).astype(np.float64)
        others = rows.sum() - rows
        angles[row] = _angle(hits, rows) - _angle(hits.sum() - hits, others)
        sizes[row] = rows * others / np.maximum(rows + others, 1)
        smaller[row] = np.minimum(rows, others)
    return angles, sizes, smaller


def _angle(hits: NDArray[np.float64], rows: NDArray[np.float64]) -> NDArray[np.float64]:
    share = (hits + 3 / 8) / (rows + 3 / 4)  # Anscombe 1948
    return 2 * np.arcsin(np.sqrt(np.clip(share, 0, 1)))

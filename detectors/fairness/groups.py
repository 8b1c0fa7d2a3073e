"""Rates per group, differences and ratios between groups, with intervals.

Definitions are fairlearn's. A rate is the mean of zeros and ones over some rows of the group:

- `selection_rate`: predicted positive, over all rows; needs no labels
- `true_positive_rate`: predicted positive, over rows of the positive class (equal opportunity)
- `false_positive_rate`: predicted positive, over rows of the other class
- `precision`: of the positive class, over rows predicted positive (predictive parity)
- `accuracy`: hits, over all rows
- `calibration`: truth minus score, over all rows with scores (0 is calibrated)

so every interval holds at every look (see `performance.confidence`). Groups with fewer such rows
than the minimum are said to be insufficient, and are not compared.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from detectors.errors import InputError, ParameterError
from detectors.performance.confidence import mean_bounds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from detectors.performance.outcomes import Outcomes

LEAST_ROWS = 30
"""Rows of a group under which its rate is not compared."""
FOUR_FIFTHS = 0.8
"""Impact ratio under which US employment guidelines (1978) presume adverse impact."""

Rows = tuple["NDArray[np.float64]", "NDArray[np.bool_]"]


@dataclass(frozen=True)
class Rate:
    """One rate.

    Attributes
    ----------
    name, title
        For configuration and for people.
    labels
        Whether truth is needed.
    low
        Least value: 0, or -1 for differences.
    rows
        Values `(n,)` and which rows they count for, bool `(n,)`.
    """

    name: str
    title: str
    labels: bool
    low: float
    rows: Callable[[Outcomes], Rows]


@dataclass(frozen=True)
class GroupRate:
    """A rate in one group.

    Attributes
    ----------
    rate, group
        Names.
    value, lower, upper
        The rate and its interval; NaN, and the whole range, without rows.
    rows
        Rows it rests on.
    missing_rows
        How many more rows the group needs to be compared; 0: sufficient.
    """

    rate: str
    group: str
    value: float
    lower: float
    upper: float
    rows: int
    missing_rows: int


@dataclass(frozen=True)
class Disparity:
    """How far groups differ in one rate.

    Attributes
    ----------
    rate
        Name.
    groups
        All groups, in the order of their codes.
    lowest, highest
        Groups with the least and the greatest rate among those that suffice; empty if under two.
    difference
        Greatest minus least rate: 0 is equal. NaN with fewer than two sufficient groups.
    difference_lower, difference_upper
        Interval for the difference of these two groups, simultaneous over all groups.
    ratio
        Least over greatest rate (for `selection_rate` the impact ratio): 1 is equal. NaN if the
        greatest is 0, and for `calibration`.
    ratio_lower, ratio_upper
        Its interval.
    text
        One sentence for people.
    """

    rate: str
    groups: tuple[GroupRate, ...]
    lowest: str
    highest: str
    difference: float
    difference_lower: float
    difference_upper: float
    ratio: float
    ratio_lower: float
    ratio_upper: float
    text: str

    @property
    def insufficient(self) -> tuple[GroupRate, ...]:
        """Groups that are too small to be compared."""
        return tuple(group for group in self.groups if group.missing_rows)


def _selected(outcomes: Outcomes) -> Rows:
    return (outcomes.predicted == 1).astype(np.float64), np.isfinite(outcomes.predicted)


def _over_truth(outcomes: Outcomes, one: int) -> Rows:
    values, known = _selected(outcomes)
    return values, known & (outcomes.truth == one)


def _precise(outcomes: Outcomes) -> Rows:
    return np.equal(outcomes.truth, 1).astype(np.float64), outcomes.predicted == 1


def _hit(outcomes: Outcomes) -> Rows:
    hits = np.equal(outcomes.truth, outcomes.predicted).astype(np.float64)
    return hits, np.isfinite(outcomes.predicted)


def _calibrated(outcomes: Outcomes) -> Rows:
    if outcomes.scores.shape[1] != 1:
        return np.zeros(len(outcomes)), np.zeros(len(outcomes), np.bool_)
    score = np.clip(outcomes.scores[:, 0], 0, 1)
    return np.where(np.isfinite(score), outcomes.truth - score, 0.0), np.isfinite(score)


RATES: Mapping[str, Rate] = MappingProxyType(
    {
        rate.name: rate
        for rate in (
            Rate("selection_rate", "selection rate", labels=False, low=0, rows=_selected),
            Rate(
                "true_positive_rate",
                "true positive rate",
                labels=True,
                low=0,
                rows=lambda outcomes: _over_truth(outcomes, 1),
            ),
            Rate(
                "false_positive_rate",
                "false positive rate",
                labels=True,
                low=0,
                rows=lambda outcomes: _over_truth(outcomes, 0),
            ),
            Rate("precision", "precision", labels=True, low=0, rows=_precise),
            Rate("accuracy", "accuracy", labels=True, low=0, rows=_hit),
            Rate("calibration", "calibration difference", labels=True, low=-1, rows=_calibrated),
        )
    }
)
"""Name -> rate."""


def disparities(
    outcomes: Outcomes,
    groups: NDArray[np.int64],
    names: Sequence[str],
    rates: Sequence[str] = tuple(RATES),
    *,
    least: int = LEAST_ROWS,
    alpha: float = 0.05,
) -> tuple[Disparity, ...]:
    """Compare groups of rows of a binary classifier.

    Parameters
    ----------
    outcomes
        The rows; for `selection_rate` alone, `truth` may be anything. Weights are not used.
    groups
        int `(n,)`: index into `names`; negative rows belong to no group and are left out.
    names
        Names of the groups.
    rates
        Keys of `RATES`.
    least
        Rows that a group needs to be compared.
    alpha
        Probability that any group's interval of one rate ever misses.

    Returns
    -------
    One per rate, in their order.

    Raises
    ------
    ParameterError
        If a rate is unknown, `least` is not positive or `alpha` not in (0, 1).
    InputError
        If the groups do not fit the rows and names.
    """
    if least < 1:
        raise ParameterError(f"least must be positive, got {least}")
    if groups.shape != outcomes.truth.shape or (groups >= len(names)).any():
        raise InputError(f"groups must be one index under {len(names)} per row")
    unknown = [name for name in rates if name not in RATES]
    if unknown:
        raise ParameterError(f"rate {unknown[0]!r} is unknown; known: {', '.join(RATES)}")
    return tuple(_disparity(RATES[rate], outcomes, groups, names, least, alpha) for rate in rates)


def _disparity(
    rate: Rate,
    outcomes: Outcomes,
    groups: NDArray[np.int64],
    names: Sequence[str],
    least: int,
    alpha: float,
) -> Disparity:
    values, counted = rate.rows(outcomes)
    level = alpha / max(len(names), 1)
    measured = tuple(
        _group(rate, name, values[counted & (groups == code)], least, level)
        for code, name in enumerate(names)
    )
    enough = [group for group in measured if not group.missing_rows]
    if len(enough) < 2:  # noqa: PLR2004 - nothing to compare
        nan = math.nan
        text = _insufficient(rate, measured)
        return Disparity(rate.name, measured, "", "", nan, nan, nan, nan, nan, nan, text)
    low, high = (choose(enough, key=lambda group: group.value) for choose in (min, max))
    ratio = _ratio(low.value, high.value) if rate.low == 0 else math.nan
    return Disparity(
        rate=rate.name,
        groups=measured,
        lowest=low.group,
        highest=high.group,
        difference=high.value - low.value,
        difference_lower=high.lower - low.upper,
        difference_upper=high.upper - low.lower,
        ratio=ratio,
        ratio_lower=_ratio(low.lower, high.upper) if rate.low == 0 else math.nan,
        ratio_upper=_ratio(low.upper, high.lower) if rate.low == 0 else math.nan,
        text=_text(rate, low, high),
    )


def _group(
    rate: Rate, name: str, values: NDArray[np.float64], least: int, level: float
) -> GroupRate:
    lower, upper = mean_bounds(values, level, rate.low, 1.0)
    value = float(values.mean()) if len(values) else math.nan
    rows = len(values)
    return GroupRate(rate.name, name, value, lower, upper, rows, max(least - rows, 0))


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else math.nan


def _text(rate: Rate, low: GroupRate, high: GroupRate) -> str:
    text = f"{rate.title} {low.value:.3g} for {low.group} and {high.value:.3g} for {high.group}"
    shown = high.lower > low.upper
    return f"{text}; the difference is {'certain' if shown else 'within what chance can do'}"


def _insufficient(rate: Rate, groups: Sequence[GroupRate]) -> str:
    wanted = ", ".join(
        f"{group.group} {group.missing_rows} more" for group in groups if group.missing_rows
    )
    return f"{rate.title}: insufficient; rows needed: {wanted or 'a second group'}"

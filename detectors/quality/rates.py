"""When a fault's rate is clearly beyond the baseline's.

A fault that hits values at rate `mu` does so in clusters: the rate itself varies between windows.
With a gamma-distributed rate of mean `mu` and squared coefficient of variation `v`, the count of a
window with `e` values is negative binomial, and `P(C >= c) = I_x(c, r)` with `r = 1 / v`,
`x = mu e / (mu e + r)` and the regularised incomplete beta function `I`.

`mu` is Jeffreys-smoothed, `(c0 + 1/2) / (e0 + 1)`. `v` adds up what is not known of `mu`,
`1 / (c0 + 1/2)`, and the over-dispersion between the baseline's windows, estimated by moments.
For frequent faults the law is wider than a binomial one: it errs towards silence.

Significance is not enough: a finding also needs a rate that somebody would care about. And a rate
can be beyond statistics: where most values are bad and the baseline's seldom were, that is a fact,
however much the baseline's own worst windows stretch its law.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import betainc

from detectors.errors import ParameterError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.result import Severity

LEAST_DISPERSION = 0.01
"""Rates vary by a tenth between windows even where the history does not show it."""
PSEUDO_WINDOWS = 4
"""Weight of the default dispersion against the history's own, in windows."""


@dataclass(frozen=True)
class RateRule:
    """What makes a raised rate a finding.

    Parameters
    ----------
    alpha
        Probability of so many faults under the baseline, below which there is a finding; in (0, 1).
    ratio, points
        The rate must be `ratio` times the baseline's and `points` over it (share of values).
    new_points
        Takes the place of `points` for faults that the baseline never had.
    least
        Faults that a window must have.
    broken_ratio, broken_points
        From here on a finding is `broken` instead of `warning`.
    most, seldom
        A rate of `most` or more is `broken` without statistics where the baseline's is at most
        `seldom`.
    dispersion
        Squared coefficient of variation of a rate between windows where no history says better.

    Raises
    ------
    ParameterError
        If a number is outside its domain.
    """

    alpha: float = 1e-6
    ratio: float = 2.0
    points: float = 0.01
    new_points: float = 0.01
    least: int = 5
    broken_ratio: float = 5.0
    broken_points: float = 0.2
    most: float = 0.5
    seldom: float = 0.1
    dispersion: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise ParameterError(f"alpha must be in (0, 1), got {self.alpha}")
        if not 1 <= self.ratio <= self.broken_ratio:
            raise ParameterError(f"ratio must be in [1, {self.broken_ratio}], got {self.ratio}")
        for name in ("points", "new_points", "broken_points", "most", "seldom"):
            if not 0 <= getattr(self, name) < 1:
                raise ParameterError(f"{name} must be in [0, 1), got {getattr(self, name)}")
        if not self.dispersion > 0:
            raise ParameterError(f"dispersion must be positive, got {self.dispersion}")


@dataclass(frozen=True, eq=False)
class Rates:
    """Rates of one fault in many columns.

    `observed` and `expected` are float64 `(c,)` shares (NaN without values), `p_value` float64
    `(c,)`, `found` and `broken` bool `(c,)`.
    """

    observed: NDArray[np.float64]
    expected: NDArray[np.float64]
    p_value: NDArray[np.float64]
    found: NDArray[np.bool_]
    broken: NDArray[np.bool_]

    def severity(self, column: int) -> Severity:
        """How bad the finding on a column is."""
        return "broken" if self.broken[column] else "warning"


@dataclass(frozen=True, eq=False)
class Counted:
    """`faults` of `exposure` values, int64 of one shape."""

    faults: NDArray[np.int64]
    exposure: NDArray[np.int64]

    def at(self, part: slice) -> Counted:
        """One kind of fault of a vector of counts."""
        return Counted(self.faults[part], self.exposure[part])


def judge_rates(
    rule: RateRule, window: Counted, baseline: Counted, dispersion: NDArray[np.float64]
) -> Rates:
    """Compare a window's faults with the baseline's; all `(c,)`. Silent without values."""
    with np.errstate(divide="ignore", invalid="ignore"):
        observed = window.faults / window.exposure
        expected = baseline.faults / baseline.exposure
    p_value = upper_tail(window, baseline, dispersion)
    usual = np.nan_to_num(expected)
    points = np.where(baseline.faults > 0, rule.points, rule.new_points)
    matters = (observed >= rule.ratio * usual) & (observed - usual >= points)
    found = matters & (window.faults >= rule.least) & (p_value < rule.alpha)
    severe = (observed >= rule.broken_ratio * usual) & (observed - usual >= rule.broken_points)
    plain = (observed >= rule.most) & (usual <= rule.seldom) & (window.faults >= rule.least)
    return Rates(observed, expected, p_value, found | plain, (found & severe) | plain)


def upper_tail(
    window: Counted, baseline: Counted, dispersion: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Probability of at least so many faults under the baseline, float64 `(c,)`."""
    mean = window.exposure * (baseline.faults + 0.5) / (baseline.exposure + 1)
    shape = 1 / (1 / (baseline.faults + 0.5) + dispersion)
    tail = betainc(np.maximum(window.faults, 1), shape, mean / (mean + shape))
    return np.where(window.faults > 0, tail, 1.0)


def estimate_dispersion(history: Counted, default: float) -> NDArray[np.float64]:
    """Squared coefficient of variation of rates between windows, float64 `(c,)`.

    By moments, `sum((c - mu e)**2 - mu e) / sum((mu e)**2)`, drawn towards `default` by
    PSEUDO_WINDOWS windows and never below LEAST_DISPERSION.

    Parameters
    ----------
    history
        int64 `(R, c)` faults and exposures of the baseline's windows.
    """
    total = np.maximum(history.exposure.sum(axis=0), 1)
    mean = history.exposure * (history.faults.sum(axis=0) / total)
    surplus = ((history.faults - mean) ** 2 - mean).sum(axis=0)
    square = (mean**2).sum(axis=0)
    prior = PSEUDO_WINDOWS * square / max(len(mean), 1)
    known = square > 0
    estimate = (surplus + default * prior) / np.where(known, square + prior, 1.0)
    return np.where(known, np.maximum(estimate, LEAST_DISPERSION), default)

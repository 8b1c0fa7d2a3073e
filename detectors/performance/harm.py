"""Is the model worse than it was, or than it must be: answers that hold at every look.

*Harmful shift* (Podkopaev & Ramdas, Tracking the risk of a deployed model and detecting harmful
distribution shifts, ICLR 2022): alarm when the whole interval of the live risk lies beyond the
whole interval of the baseline's risk by more than a tolerance. If both intervals hold at every
look with probability `1 - alpha`, a model that did not become worse is ever accused with
probability at most `2 alpha`. *Objective*: the interval lies on the good side of a target, on the
bad side, or holds it; then labels are missing, and the answer says how many.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from detectors.card import Card
from detectors.errors import InputError, ParameterError
from detectors.performance.confidence import LEAST_ROWS, asymptotic_radius
from detectors.performance.measure import EXACT
from detectors.performance.metrics import METRICS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.performance.measure import Measure

MOST_ROWS = 1e9
"""More labels than this are called out of reach."""


class Standing(StrEnum):
    """Where a metric stands."""

    OK = "ok"
    BREACHED = "breached"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Harm:
    """Whether live performance is worse than the baseline's.

    Attributes
    ----------
    metric
        Name in `METRICS`.
    harmful
        The intervals lie apart by more than the tolerance, on the bad side.
    worse_by
        How much worse it is at least; negative: it may be that much better. NaN without intervals.
    tolerance
        How much worse was to be tolerated.
    text
        One clause for people.
    """

    metric: str
    harmful: bool
    worse_by: float
    tolerance: float
    text: str


@dataclass(frozen=True)
class HarmfulShift:
    """Parameters: `tolerance`, how much worse is tolerated, in the metric's unit, at least 0."""

    card: ClassVar[Card] = Card(
        input="labelled rows: any metric with an interval",
        statistic="bad end of the baseline's interval against the good end of the live one",
        guarantee="a model that is not worse is ever accused with probability at most twice alpha, "
        "at any number of looks; independent rows; in the limit for AUC and regression",
        cost="nothing per record, 4 ms per metric and look at 100,000 labels",
        memory="nothing",
        reference="Podkopaev & Ramdas 2022, ICLR; Waudby-Smith & Ramdas 2024, JRSS-B 86",
        avoid="when a small drop must be found at once: intervals that hold at every look are wide",
    )
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.tolerance) and self.tolerance >= 0):
            raise ParameterError(f"tolerance must be at least 0, got {self.tolerance}")

    def fit(self, baseline: Measure) -> FittedHarm:
        """Fix what the baseline reached."""
        return FittedHarm(self, baseline)


@dataclass(frozen=True)
class FittedHarm:
    """Knows what the baseline reached."""

    params: HarmfulShift
    baseline: Measure

    def judge(self, live: Measure) -> Harm:
        """As `harm`."""
        return harm(live, self.baseline, self.params.tolerance)


def harm(live: Measure, baseline: Measure, tolerance: float = 0.0) -> Harm:
    """Compare a metric on live rows with the same metric on the baseline.

    Raises
    ------
    ParameterError
        If the tolerance is negative or not finite.
    InputError
        If the measures are of two metrics.
    """
    HarmfulShift(tolerance)
    if live.metric != baseline.metric:
        raise InputError(f"cannot compare {live.metric} with {baseline.metric}")
    if live.better == "lower":
        worse_by = live.lower - baseline.upper
    else:
        worse_by = baseline.lower - live.upper
    harmful = worse_by > tolerance
    title = METRICS[live.metric].title
    side = f"{title} {live.value:.4g}, baseline {baseline.value:.4g}"
    text = f"{side}: worse by at least {worse_by:.4g}" if harmful else f"{side}: not shown worse"
    return Harm(live.metric, harmful, worse_by, tolerance, text)


@dataclass(frozen=True)
class Objective:
    """What a metric must reach.

    Parameters
    ----------
    metric
        Name in `METRICS`.
    at_least, at_most
        The target; exactly one is given.

    Raises
    ------
    ParameterError
        If the metric is unknown, or not exactly one finite target is given.
    """

    metric: str
    at_least: float | None = None
    at_most: float | None = None

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise ParameterError(f"metric {self.metric!r} is unknown; known: {', '.join(METRICS)}")
        if (self.at_least is None) == (self.at_most is None):
            raise ParameterError(f"objective {self.metric}: give either at_least or at_most")
        if not math.isfinite(self.target):
            raise ParameterError(f"objective {self.metric}: the target must be a number")

    @property
    def target(self) -> float:
        """The number that must be reached."""
        chosen = self.at_least if self.at_least is not None else self.at_most
        return math.nan if chosen is None else chosen

    def judge(self, measure: Measure) -> ObjectiveVerdict:
        """Say where a measure stands; may be asked at every look.

        Raises
        ------
        InputError
            If the measure is of another metric.
        """
        if measure.metric != self.metric:
            raise InputError(f"objective of {self.metric} cannot judge {measure.metric}")
        sign = 1.0 if self.at_least is not None else -1.0
        low, high = sorted((sign * measure.lower, sign * measure.upper))
        standing, more = Standing.UNDECIDED, None
        if low >= sign * self.target:
            standing = Standing.OK
        elif high < sign * self.target:
            standing = Standing.BREACHED
        else:
            more = _missing(measure, self.target)
        return ObjectiveVerdict(standing, more, self._text(measure, standing, more))

    def _text(self, measure: Measure, standing: Standing, more: int | None) -> str:
        side = "at least" if self.at_least is not None else "at most"
        goal = f"{METRICS[self.metric].title} must be {side} {self.target:g}"
        if math.isnan(measure.value):
            return f"{goal}; undecided: {measure.reason}"
        text = f"{goal}, is {measure.value:.4g}"
        if not math.isnan(measure.lower):
            text += f" ({measure.lower:.4g} to {measure.upper:.4g})"
        if standing is not Standing.UNDECIDED:
            return f"{text}: {standing}"
        wanted = "it is too close to tell" if more is None else f"about {more:,} more labels needed"
        return f"{text}: undecided, {wanted}"


@dataclass(frozen=True)
class ObjectiveVerdict:
    """Where an objective stands.

    Attributes
    ----------
    standing
        `ok` and `breached` are each wrong, ever, with probability at most the interval's level.
    more_rows
        Labels that are still needed to decide, if the metric stays what it is now; None when
        decided, or when more than `MOST_ROWS` would be.
    text
        One sentence for people.
    """

    standing: Standing
    more_rows: int | None
    text: str


def capped(losses: NDArray[np.float64], cap: float) -> NDArray[np.float64]:
    """Losses `(n,)` cut at `cap` and divided by it, so that means have exact intervals.

    The promise is then about the capped loss: what lies beyond counts as `cap`. NaN stays NaN.

    Raises
    ------
    ParameterError
        If `cap` is not positive.
    """
    if not cap > 0:
        raise ParameterError(f"cap must be positive, got {cap}")
    return np.clip(losses, 0.0, cap) / cap


def _missing(measure: Measure, target: float) -> int | None:
    if math.isnan(measure.lower):
        return max(LEAST_ROWS - measure.rows, 1)
    apart, half = abs(measure.value - target), (measure.upper - measure.lower) / 2
    if apart == 0 or not measure.rows:
        return None
    if measure.interval == EXACT:
        rows = measure.rows * (half / apart) ** 2
    else:
        rows = _rows_for(apart * asymptotic_radius(1.0, max(measure.rows, LEAST_ROWS)) / half)
    return None if rows > MOST_ROWS else max(math.ceil(rows - measure.rows), 1)


def _rows_for(radius: float) -> float:
    """Rows at which the limit's interval for unit variance has this half width."""
    low, high = float(LEAST_ROWS), 10 * MOST_ROWS
    while high / low > 1.001:  # noqa: PLR2004 - a tenth of a percent
        middle = math.sqrt(low * high)
        low, high = (low, middle) if asymptotic_radius(1.0, middle) <= radius else (middle, high)
    return high

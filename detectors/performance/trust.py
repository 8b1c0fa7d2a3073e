"""How far estimates without labels were off, once the labels came.

An estimate comes with the standard deviation of what will be realised. The realised errors of past
windows, each divided by its own, have mean square 1 if that is honest. If the mean square is too
large for chance (chi-square with one degree of freedom per window), the estimator claims too much:
its intervals are widened by the root of the mean square, and it is called untrustworthy when the
errors also matter in size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import chdtrc

from detectors.errors import InputError
from detectors.performance.metrics import METRICS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from detectors.performance.estimate import Estimate
    from detectors.performance.measure import Measure

LEVEL = 0.01
"""Chance to distrust an honest estimator, at one look."""
LEAST_WINDOWS = 3


@dataclass(frozen=True)
class OwnError:
    """Errors of an estimator over past windows.

    Attributes
    ----------
    metric
        Name in `METRICS`.
    windows
        How many windows were compared.
    bias
        Mean of estimated minus realised, in the metric's unit; NaN without windows.
    size
        Root mean square of estimated minus realised; NaN without windows.
    widen
        Factor at least 1 by which its intervals must be widened to be honest.
    trusted
        False: do not use the estimates. True also says that there is no reason to doubt yet.
    text
        One sentence for people.
    """

    metric: str
    windows: int
    bias: float
    size: float
    widen: float
    trusted: bool
    text: str

    def widened(self, estimate: Estimate) -> Estimate:
        """The same estimate with intervals as wide as experience says.

        Raises
        ------
        InputError
            If it is of another metric.
        """
        if estimate.metric != self.metric:
            raise InputError(f"errors of {self.metric} say nothing of {estimate.metric}")
        return replace(
            estimate,
            lower=estimate.value - self.widen * (estimate.value - estimate.lower),
            upper=estimate.value + self.widen * (estimate.upper - estimate.value),
            sampling_error=self.widen * estimate.sampling_error,
            model_error=self.widen * estimate.model_error,
        )


def own_error(
    estimates: Sequence[Estimate], realised: Sequence[Measure], tolerance: float = 0.01
) -> OwnError:
    """Compare estimates with what was realised in the same windows.

    Parameters
    ----------
    estimates, realised
        One of each per window, all of one metric; windows in which either is NaN are left out.
    tolerance
        Root mean square error that does not matter, in the metric's unit.

    Raises
    ------
    InputError
        If the lengths differ, there are none, or the metrics differ.
    """
    if not estimates or len(estimates) != len(realised):
        raise InputError(f"{len(estimates)} estimates and {len(realised)} measures")
    metrics = {e.metric for e in estimates} | {m.metric for m in realised}
    if len(metrics) > 1:
        raise InputError(f"one metric at a time, got {', '.join(sorted(metrics))}")
    metric = estimates[0].metric
    off = np.array([e.value - m.value for e, m in zip(estimates, realised, strict=True)])
    scale = np.array([e.error for e in estimates])
    known = np.isfinite(off) & (scale > 0)
    return _judged(metric, off[known], scale[known], tolerance)


def _judged(
    metric: str, off: NDArray[np.float64], scale: NDArray[np.float64], tolerance: float
) -> OwnError:
    windows = len(off)
    title = METRICS[metric].title
    if not windows:
        text = f"no labels yet to compare the estimates of {title} with"
        return OwnError(metric, 0, math.nan, math.nan, 1.0, trusted=True, text=text)
    ratio = np.square(off / scale)
    bias, size = float(off.mean()), float(math.sqrt(np.square(off).mean()))
    surprising = float(chdtrc(windows, ratio.sum())) < LEVEL
    trusted = not (surprising and size > tolerance and windows >= LEAST_WINDOWS)
    widen = max(1.0, math.sqrt(float(ratio.mean()))) if surprising else 1.0
    text = f"estimates of {title} were off by {size:.2g} on the last {windows} windows"
    if not trusted:
        side = "too good" if (bias > 0) == (METRICS[metric].better == "higher") else "too bad"
        text += f" ({side} by {abs(bias):.2g} on average): do not trust them"
    elif widen > 1:
        text += f", more than they claim: intervals are widened {widen:.1f} times"
    return OwnError(metric, windows, bias, size, widen, trusted, text)

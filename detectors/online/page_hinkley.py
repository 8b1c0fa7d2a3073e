"""Page-Hinkley test: river's `PageHinkley` (Page 1954; Hinkley 1971).

Sums the deviations from the running mean less `delta`, forgets by the factor `alpha`, and alarms
when the sum is `threshold` above its minimum (or, for decreases, below its maximum). `threshold` is
in units of the values, which are baseline ranks in [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from detectors.card import Card
from detectors.errors import ParameterError
from detectors.online.bank import Bank
from detectors.online.reads import Reads
from detectors.online.wrapped import River, Wrapped

if TYPE_CHECKING:
    from detectors.online.reference import Reference

MODES = ("up", "down", "both")


@dataclass(frozen=True)
class PageHinkley(River):
    """Parameters.

    Parameters
    ----------
    min_instances
        Values before the first look, at least 1.
    delta
        Change of the mean that is let pass, not negative.
    threshold
        Sum at which it alarms, positive.
    alpha
        Forgetting per value, in (0, 1].
    mode
        Which changes of the mean count: `up`, `down` or `both`.

    Raises
    ------
    ParameterError
        If a value is out of its domain.
    """

    river: ClassVar[str] = "river.drift:PageHinkley"
    kept: ClassVar[tuple[str, ...]] = (
        "_drift_detected",
        "_x_mean.n",
        "_x_mean._mean",
        "_sum_increase",
        "_sum_decrease",
        "_min_increase",
        "_max_decrease",
    )
    reads: ClassVar[Reads] = Reads.SCORES
    card: ClassVar[Card] = Card(
        input="one stream of 0/1 or in [0, 1]; numeric columns as baseline ranks",
        statistic="height of a forgetful sum of deviations above its minimum",
        guarantee="run length, simulated from the baseline's values; independent records",
        cost="0.4 µs per column and record",
        memory="7 numbers per column",
        reference="Page 1954, Biometrika 41; Hinkley 1971, Biometrika 58",
        avoid="small shifts late in a stream: its mean has learned them before the sum has grown",
    )

    min_instances: int = 30
    delta: float = 0.005
    threshold: float = 50.0
    alpha: float = 0.9999
    mode: Literal["up", "down", "both"] = "both"

    def __post_init__(self) -> None:
        if self.min_instances < 1:
            raise ParameterError(f"min_instances must be at least 1, got {self.min_instances}")
        if self.delta < 0:
            raise ParameterError(f"delta must not be negative, got {self.delta:g}")
        if not self.threshold > 0:
            raise ParameterError(f"threshold must be positive, got {self.threshold:g}")
        if not 0 < self.alpha <= 1:
            raise ParameterError(f"alpha must be in (0, 1], got {self.alpha:g}")
        if self.mode not in MODES:
            raise ParameterError(f"mode must be one of {', '.join(MODES)}, got {self.mode!r}")

    def fit(self, reference: Reference) -> Bank[Wrapped]:
        """One test per column."""
        return Bank("page_hinkley", self, reference.ranks())

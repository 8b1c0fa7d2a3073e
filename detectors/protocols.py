"""The shapes that detectors have; a plug-in needs these and nothing else.

A detector is a frozen parameters object. Fitted to a baseline it judges windows, as often as
wanted, and keeps nothing from one window to the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray

    from detectors.online.alarms import Alarms
    from detectors.online.reference import Reference as OnlineReference
    from detectors.profile.profile import Profile
    from detectors.profile.sample import Sample
    from detectors.result import ColumnStatistics, Explanation, Guarantee
    from detectors.sequential.budget import Share
    from detectors.univariate.comparison import Comparison, Reference


class FittedUnivariate(Protocol):
    """A univariate detector that knows its baseline."""

    def judge(self, window: Comparison) -> ColumnStatistics:
        """Measure all columns of one window; never raises or warns because of a column's data."""
        ...


class Univariate(Protocol):
    """Validated parameters of a univariate detector."""

    def fit(self, reference: Reference) -> FittedUnivariate:
        """Prepare what depends on the baseline alone."""
        ...


class Window(Protocol):
    """What a scorer sees of one window."""

    @property
    def profile(self) -> Profile:
        """All rows, summed up."""
        ...

    @property
    def sample(self) -> Sample:
        """Some rows."""
        ...


class FittedScorer(Protocol):
    """A scorer that knows its baseline."""

    @property
    def name(self) -> str:
        """Registry name."""
        ...

    @property
    def share(self) -> Share:
        """Which part of the budget its alarms spend."""
        ...

    @property
    def series(self) -> tuple[str, ...]:
        """What each score says, in words."""
        ...

    def measure(self, window: Window) -> NDArray[np.float64]:
        """Scores, one per series, of about unit variance for independent rows; NaN: not observed.

        Deterministic, and never raises or warns because of the window's data.
        """
        ...

    def explain(self, window: Window) -> Explanation:
        """What of the window makes its scores; asked only while it differs."""
        ...


class Scorer(Protocol):
    """Validated parameters of what turns a window into a few scores of no single column."""

    def fit(self, profile: Profile, sample: Sample) -> FittedScorer | None:
        """Prepare what depends on the baseline alone; None when it has nothing to watch.

        Deterministic: a baseline is fitted anew at every start.
        """
        ...


class RunningOnline(Protocol):
    """An online detector at work; it remembers what it has seen, in `state`."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the `c` columns that it watches."""
        ...

    def fresh(self) -> RunningOnline:
        """The same detector for another stream: it has seen nothing."""
        ...

    def guarantee(self, column: int) -> Guarantee:
        """What an alarm of a column promises; may take a second when asked for the first time."""
        ...

    def update(self, values: NDArray[np.float64]) -> Alarms:
        """Take in records `(n, c)`, oldest first; NaN is skipped.

        Splitting a batch never changes the answer, and no value raises or warns.
        """
        ...

    def state(self) -> dict[str, Any]:
        """Plain data: what `restore` continues from is behind the last record taken in."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue where `state` was taken; the future is the same to the bit."""
        ...


class Online(Protocol):
    """Validated parameters of a detector that reads one record after the other."""

    def fit(self, reference: OnlineReference) -> RunningOnline:
        """A detector that has seen nothing, for a baseline."""
        ...

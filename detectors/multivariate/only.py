"""A scorer that looks at some columns only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from detectors.profile.profile import Profile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from detectors.profile.sample import Sample
    from detectors.protocols import FittedScorer, Scorer, Window
    from detectors.result import Explanation
    from detectors.sequential.budget import Share


@dataclass(frozen=True)
class Only:
    """Parameters: any scorer of several columns, and the names of those that it may see."""

    scorer: Scorer
    columns: tuple[str, ...]

    def fit(self, profile: Profile, sample: Sample) -> FittedScorer | None:
        """Fit as if all other columns were missing in every row."""
        hidden = frozenset(profile.frame.columns) - frozenset(self.columns)
        made = self.scorer.fit(_without(profile, hidden), sample.without(profile.frame, hidden))
        return None if made is None else FittedOnly(made, self.columns, hidden)


@dataclass(frozen=True)
class FittedOnly:
    """A fitted scorer that sees windows without the `hidden` columns."""

    scorer: FittedScorer
    columns: tuple[str, ...]
    hidden: frozenset[str]

    @property
    def name(self) -> str:
        """Registry name and columns: `mmd[age,income]`."""
        return f"{self.scorer.name}[{','.join(self.columns)}]"

    @property
    def share(self) -> Share:
        """That of the scorer."""
        return self.scorer.share

    @property
    def series(self) -> tuple[str, ...]:
        """Those of the scorer."""
        return self.scorer.series

    def measure(self, window: Window) -> NDArray[np.float64]:
        """Scores of what it sees."""
        return self.scorer.measure(self._seen(window))

    def explain(self, window: Window) -> Explanation:
        """Why, of what it sees."""
        return self.scorer.explain(self._seen(window))

    def _seen(self, window: Window) -> Seen:
        return Seen(window.profile, window.sample.without(window.profile.frame, self.hidden))


@dataclass(frozen=True)
class Seen:
    """A window with another sample."""

    profile: Profile
    sample: Sample


def _without(profile: Profile, hidden: frozenset[str]) -> Profile:
    """A copy in which these columns have no values."""
    kept = Profile.restore(profile.frame, profile.state())
    frame = profile.frame
    for j, name in enumerate(frame.numeric.names):
        if name in hidden:
            kept.numeric.missing[j] += kept.numeric.cells[j].sum()
            kept.numeric.cells[j] = 0
    for j, name in enumerate(frame.categorical.names):
        if name in hidden:
            kept.categorical.missing[j] += kept.categorical.codes[j].sum()
            kept.categorical.codes[j] = 0
    return kept

"""The panel of one stream: scorers fitted to its baseline, and what they said of a window."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detectors.sequential.panel import Panel
from monitor.engine import policy
from monitor.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from detectors.profile.profile import Profile
    from detectors.profile.sample import Sample
    from detectors.protocols import Scorer, Window
    from detectors.sequential.budget import Share
    from detectors.sequential.monitor import StepResult
    from monitor.baseline import PanelBaseline, SegmentBaseline
    from monitor.engine.memory import Place, Watch
    from monitor.engine.policy import Standing
    from monitor.model import PolicySpec


def fit_panel(
    scorers: Sequence[Scorer], profile: Profile, sample: Sample
) -> tuple[tuple[str, ...], Panel]:
    """Fit what has something to watch; the first says what that is, parameters included."""
    fitted = [(repr(scorer), scorer.fit(profile, sample)) for scorer in scorers]
    names = tuple(name for name, made in fitted if made is not None)
    return names, Panel(tuple(made for _, made in fitted if made is not None))


@dataclass(frozen=True, slots=True)
class Told:
    """What the panel said of one window; lines and results by entry."""

    panel: Panel
    window: Window
    result: StepResult
    lines: NDArray[np.float64]
    standing: Standing


@dataclass(frozen=True, slots=True)
class PreparedPanel:
    """A panel with its calibration."""

    panel: Panel
    baseline: PanelBaseline

    @classmethod
    def of(cls, baseline: SegmentBaseline, scorers: Sequence[Scorer]) -> PreparedPanel | None:
        """Fit the panel again that the baseline was calibrated with.

        Raises
        ------
        StorageError
            Other scorers are configured now than the baseline was learned with.
        """
        if baseline.panel is None:
            return None
        names, panel = fit_panel(scorers, baseline.profile, baseline.sample)
        if names != baseline.panel.scorers:
            known = ", ".join(baseline.panel.scorers)
            msg = f"the baseline was learned with other detectors ({known}): build it anew"
            raise StorageError(msg)
        return cls(panel, baseline.panel)

    def lines(self, of_kind: Callable[[Share], NDArray[np.float64]]) -> NDArray[np.float64]:
        """`(P,)` the line of every entry, from the lines of each kind."""
        lines = np.empty(self.panel.columns)
        for share in {scorer.share for scorer in self.panel.scorers}:
            lines[self.panel.entries(share)] = of_kind(share)
        return lines

    def judge(
        self,
        watch: Watch,
        window: Window,
        x: NDArray[np.float64],
        lines: NDArray[np.float64],
        place: Place,
        spec: PolicySpec,
    ) -> Told:
        """Take the scores of one window in, under the season `x`."""
        calibration, y = self.baseline.calibration, self.panel.measure(window)
        result = watch.observe(calibration, lines, y, x, place)
        standing = policy.update(watch, calibration, result, spec, self.panel.pooled)
        return Told(self.panel, window, result, lines, standing)

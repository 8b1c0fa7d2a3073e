"""The budget as it comes down to one model: lines for columns, levels for rules.

`detectors.sequential.budget.Ledger` divides the daemon's budget among streams; this adds what only
the daemon knows. The whole stream of a model has four times the importance of all its segments
together. The k-th version of a model gets the share `6 / (pi k)**2` of its stream: these sum to 1
however many versions come, so a new version needs no new budget.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np

from detectors.sequential.budget import Budget, Ledger, Share, Stream
from monitor.model import WHOLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

WHOLE_IMPORTANCE: Final = 4.0
VOLUME_DIRECTIONS: Final = 2
LEAST_WEIGHT: Final = 1e-12
"""Stands for importance 0: a column whose line nothing reaches."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A model as the ledger sees it.

    `windows_per_day` of one stream; `segments` names of all streams, `WHOLE` among them;
    `importance` one weight per column of the frame; `rules` quality rules applied to a window;
    `panel` how many entries of each kind accumulate evidence beside the columns, for the whole
    stream.
    """

    model: str
    windows_per_day: float
    segments: tuple[str, ...]
    importance: tuple[float, ...]
    rules: int
    panel: Mapping[Share, int] = field(default_factory=dict)


def ledger_of(budget: Budget, watched: Sequence[Watched]) -> Ledger:
    """One ledger over all models and segments."""
    return Ledger(budget, [stream for model in watched for stream in _streams(model)])


def stream_key(model: str, segment: str) -> str:
    """The ledger's name of a stream."""
    return f"{model}/{segment}"


def version_share(k: int) -> float:
    """Share of the k-th version seen, k = 1, 2, ...; all of them together have 1."""
    return 6.0 / (math.pi * k) ** 2


@dataclass(frozen=True, slots=True)
class BudgetLines:
    """Lines and levels of one model; implements `monitor.engine.judge.Lines`."""

    ledger: Ledger
    watched: Watched

    def evidence(self, segment: str, version: int) -> NDArray[np.float64]:
        """`(F,)` evidence at which each column alarms; `version` counts versions from 1."""
        lines: NDArray[np.float64] = self.ledger.lines(self._key(segment)) / version_share(version)
        return lines

    def panel(self, segment: str, version: int, share: Share) -> NDArray[np.float64]:
        """Evidence at which each entry of the panel of one kind alarms."""
        lines: NDArray[np.float64] = self.ledger.lines(self._key(segment), share)
        return lines / version_share(version)

    def quality_alpha(self, segment: str) -> float:
        """Probability per rule and window below which a data-quality rule may alarm."""
        return self._alpha(segment, Share.QUALITY, self.watched.rules)

    def volume_alpha(self, segment: str) -> float:
        """Probability per direction below which a window's volume may alarm."""
        return self._alpha(segment, Share.VOLUME, VOLUME_DIRECTIONS)

    def _alpha(self, segment: str, kind: Share, tests: int) -> float:
        total = float(self.ledger.alphas(self._key(segment), kind).sum()) * version_share(1)
        return min(total / max(tests, 1), 0.5)

    def _key(self, segment: str) -> str:
        return stream_key(self.watched.model, segment)


def _streams(watched: Watched) -> list[Stream]:
    weights = np.maximum(np.array(watched.importance, dtype=np.float64), LEAST_WEIGHT)
    others = max(len(watched.segments) - 1, 1)
    return [
        Stream(
            key=stream_key(watched.model, segment),
            windows_per_day=watched.windows_per_day,
            weights=weights,
            importance=WHOLE_IMPORTANCE if segment == WHOLE else 1.0 / others,
            panels={share: np.ones(n) for share, n in watched.panel.items() if segment == WHOLE},
        )
        for segment in watched.segments
    ]

"""Scores of windows that belong to no single column, in the same sequential frame as columns.

A panel is a list of fitted scorers. Each is one entry, as a column is one: its series share a line
and their weights sum to 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from detectors.sequential.series import NORMAL_FREEDOM

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from detectors.protocols import FittedScorer, Window
    from detectors.sequential.budget import Share


@dataclass(frozen=True)
class Panel:
    """Fitted scorers side by side; `columns` is their number `P`, `S` that of all their series."""

    scorers: tuple[FittedScorer, ...]

    @property
    def columns(self) -> int:
        """Number of entries."""
        return len(self.scorers)

    @cached_property
    def column(self) -> NDArray[np.int64]:
        """int64 `(S,)`: entry of each series."""
        return np.repeat(np.arange(self.columns), [len(s.series) for s in self.scorers])

    @cached_property
    def weight(self) -> NDArray[np.float64]:
        """float64 `(S,)`: equal within an entry, sum 1."""
        sizes = np.array([len(s.series) for s in self.scorers], dtype=np.float64)
        return 1 / sizes[self.column]

    @cached_property
    def name(self) -> tuple[str, ...]:
        """What each series says."""
        return tuple(name for scorer in self.scorers for name in scorer.series)

    @cached_property
    def pooled(self) -> NDArray[np.float64]:
        """float64 `(S,)`: the baseline as a whole scores 0."""
        return np.zeros(len(self.column))

    @property
    def freedom(self) -> NDArray[np.float64]:
        """float64 `(S,)`: nothing is known of the tails before the baseline's windows are."""
        return np.full(len(self.column), NORMAL_FREEDOM)

    @property
    def kind(self) -> NDArray[np.int64]:
        """int64 `(S,)`: series of one entry measure the same sort of thing."""
        return self.column

    def entries(self, share: Share) -> NDArray[np.int64]:
        """Indexes of the entries that spend from `share`."""
        return np.array([i for i, s in enumerate(self.scorers) if s.share is share], np.int64)

    def measure(self, window: Window) -> NDArray[np.float64]:
        """Scores of a window, float64 `(S,)`."""
        return _concatenated([scorer.measure(window) for scorer in self.scorers])


def _concatenated(scores: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.concatenate(scores) if scores else np.empty(0)

"""Parameters that univariate detectors share, validated when they are made."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detectors.errors import ParameterError
from detectors.univariate.fitted import Fitted

if TYPE_CHECKING:
    from detectors.result import ColumnStatistics
    from detectors.univariate.comparison import Comparison, Reference


@dataclass(frozen=True)
class Tested(ABC):
    """A statistic whose law without change is known.

    Parameters
    ----------
    alpha
        Share of unchanged windows over the threshold, per column, in (0, 1).
    threshold
        A constant to compare the statistic with instead, positive; it promises nothing.
    """

    alpha: float = 0.05
    threshold: float | None = None

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise ParameterError(f"alpha must be in (0, 1), got {self.alpha}")
        _require_threshold(self.threshold)

    def fit(self, reference: Reference) -> Fitted:
        """Fix the baseline."""
        return Fitted(reference, self._measure, self.threshold)

    @abstractmethod
    def _measure(self, window: Comparison) -> ColumnStatistics: ...


@dataclass(frozen=True)
class Untested(ABC):
    """A distance whose law without change is not known.

    Parameters
    ----------
    threshold
        A constant to compare the statistic with, positive; None for none.
    """

    threshold: float | None = None

    def __post_init__(self) -> None:
        _require_threshold(self.threshold)

    def fit(self, reference: Reference) -> Fitted:
        """Fix the baseline."""
        return Fitted(reference, self._measure, self.threshold)

    @abstractmethod
    def _measure(self, window: Comparison) -> ColumnStatistics: ...


def _require_threshold(value: float | None) -> None:
    if value is not None and not 0 < value < np.inf:
        raise ParameterError(f"threshold must be a positive number, got {value}")

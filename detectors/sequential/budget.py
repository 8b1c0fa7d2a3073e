"""One budget of false alarms for everything that can alarm.

If the one-step evidence of a series has conditional mean at most 1 while nothing changes, the
expected evidence of a column grows by at most 1 per window, and an alarm at line `A` removes at
least `A` of it: at most `n / A` alarms in `n` windows. With a share `s` of a budget `b` and column
weights `w` that sum to 1, lines `n / (b s w)` add up to `b s` alarms at most, under any dependence
between columns, windows and models. Rules with p-values join at `alpha = b s w / n`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from detectors.errors import InputError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray


class Share(StrEnum):
    """Kinds of alarm that divide the budget."""

    COLUMNS = "columns"
    PERFORMANCE = "performance"
    MULTIVARIATE = "multivariate"
    QUALITY = "quality"
    VOLUME = "volume"


EVIDENCE = (Share.COLUMNS, Share.PERFORMANCE, Share.MULTIVARIATE)
"""Kinds that accumulate evidence and alarm at a line; the others are rules with a level."""


@dataclass(frozen=True)
class Budget:
    """How many false alarms people accept.

    Parameters
    ----------
    false_alarms
        Expected false alarms per period over the whole daemon, positive.
    per_days
        Length of the period in days, positive.
    columns, performance, multivariate, quality, volume
        Shares of the kinds of alarm, positive, sum 1. What nothing watches is divided among the
        others.

    Raises
    ------
    ParameterError
        If a value is out of its domain.
    """

    false_alarms: float = 1.0
    per_days: float = 30.0
    columns: float = 0.6
    performance: float = 0.15
    multivariate: float = 0.05
    quality: float = 0.15
    volume: float = 0.05

    def __post_init__(self) -> None:
        for name in ("false_alarms", "per_days", *Share):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise ParameterError(f"{name} must be positive, got {value}")
        total = sum(getattr(self, kind) for kind in Share)
        if not math.isclose(total, 1.0, abs_tol=1e-9):
            raise ParameterError(f"shares must sum to 1, got {total:g}")

    def share(self, kind: Share, used: Collection[Share] = tuple(Share)) -> float:
        """False alarms per period that a kind of alarm may cause when only `used` kinds exist."""
        total = sum(getattr(self, other) for other in used)
        return float(self.false_alarms * getattr(self, kind) / total) if kind in used else 0.0


@dataclass(frozen=True, eq=False)
class Stream:
    """One model, version and segment.

    Parameters
    ----------
    key
        Unique name.
    windows_per_day
        How often it is judged, positive.
    weights
        float64 `(F,)`: importance of its columns, positive; only ratios matter.
    importance
        Importance of the stream beside others; its share grows with this and with its columns.
    panels
        Weights of what else accumulates evidence, float64 `(P,)` by kind, positive; kinds that
        are absent are not watched.

    Raises
    ------
    ParameterError
        If there is no column or a value is not positive.
    """

    key: str
    windows_per_day: float
    weights: NDArray[np.float64]
    importance: float = 1.0
    panels: Mapping[Share, NDArray[np.float64]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not len(self.weights) or not (self.weights > 0).all():
            raise ParameterError(f"stream {self.key}: weights must be positive, one per column")
        if not (self.windows_per_day > 0 and self.importance > 0):
            raise ParameterError(f"stream {self.key}: rate and importance must be positive")

    def weights_of(self, kind: Share) -> NDArray[np.float64]:
        """Weights of what a kind watches; rules watch every column, and empty is nothing."""
        if kind in EVIDENCE and kind is not Share.COLUMNS:
            return self.panels.get(kind, np.empty(0))
        return self.weights


class Ledger:
    """Who may spend how much of the budget.

    Parameters
    ----------
    budget
        The one budget.
    streams
        Everything that is judged, unique keys.

    Raises
    ------
    ParameterError
        If a key repeats.
    """

    def __init__(self, budget: Budget, streams: Sequence[Stream]) -> None:
        self.budget = budget
        self.streams = {stream.key: stream for stream in streams}
        if len(self.streams) != len(streams):
            raise ParameterError("stream keys must be unique")
        self._claims = {
            kind: {s.key: s.importance * len(s.weights_of(kind)) for s in streams} for kind in Share
        }
        self._totals = {kind: sum(claims.values()) for kind, claims in self._claims.items()}
        self.used = tuple(kind for kind in Share if self._totals[kind])

    def lines(self, key: str, kind: Share = Share.COLUMNS) -> NDArray[np.float64]:
        """Evidence at which each column (or panel entry) alarms: `n / (b s w)`, at least 1."""
        return np.maximum(1 / self.alphas(key, kind), 1.0)

    def alphas(self, key: str, kind: Share) -> NDArray[np.float64]:
        """Level `(F,)` at which p-value rules of a kind may reject per column and window.

        `VOLUME` rules judge the stream as a whole and use the sum.
        """
        stream = self._stream(key)
        weights = stream.weights_of(kind)
        if not len(weights):
            return np.empty(0)
        claim = self._claims[kind][key] / self._totals[kind]
        spend = self.budget.share(kind, self.used) * claim
        alphas: NDArray[np.float64] = spend * weights / weights.sum() / self.windows(key)
        return np.minimum(alphas, 1.0)

    def windows(self, key: str) -> float:
        """Windows of a stream per period of the budget."""
        return self._stream(key).windows_per_day * self.budget.per_days

    def expected_false_alarms(self, keys: Collection[str] | None = None) -> float:
        """Bound on false alarms per period over all kinds and streams (or those of `keys`)."""
        spent = 0.0
        for key in self.streams if keys is None else keys:
            for kind in self.used:
                level = 1 / self.lines(key, kind) if kind in EVIDENCE else self.alphas(key, kind)
                spent += self.windows(key) * float(level.sum())
        return spent

    def shares(self) -> dict[str, float]:
        """Part of the budget that each kind in use may spend; sums to 1."""
        return {
            kind.value: self.budget.share(kind, self.used) / self.budget.false_alarms
            for kind in self.used
        }

    def sentence(self, key: str) -> str:
        """Say what a stream's lines are, for people."""
        powers = np.log10(self.lines(key))
        low, high = f"10^{powers.min():.1f}", f"10^{powers.max():.1f}"
        line = low if low == high else f"{low} to {high}"
        budget, columns = self.budget, sum(len(s.weights) for s in self.streams.values())
        alarms = _counted(budget.false_alarms, "false alarm")
        days = _counted(budget.per_days, "day")
        streams = _counted(len(self.streams), "stream")
        return (
            f"line {line} per column: {alarms} per {days} over {streams} with "
            f"{_counted(columns, 'column')}"
        )

    def _stream(self, key: str) -> Stream:
        try:
            return self.streams[key]
        except KeyError:
            raise InputError(f"the ledger has no stream {key!r}") from None


def _counted(number: float, what: str) -> str:
    return f"{number:g} {what}" if number == 1 else f"{number:g} {what}s"

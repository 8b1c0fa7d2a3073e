"""Adaptive windowing (Bifet & Gavalda, Learning from time-changing data, SDM 2007).

The detector keeps a window of everything since the last change, as sums over buckets of 1, 2, 4 ...
records, and every `clock` records looks for a place that cuts it into two parts whose means differ
by more than

    sqrt(2 m v d) + 2 m d / 3      m = 1 / (n0 - s + 1) + 1 / (n1 - s + 1),  d = ln(2 ln(n) / delta)

with `v` the variance of the window and `s` the shortest part. While there is one, the oldest bucket
is dropped. The bound is meant for values in [0, 1], so a column is turned into its baseline ranks.

This is our own, so that its state is plain numbers; it alarms where river's ADWIN does, which it is
tested against: `s + 1` for `s` and a new window after every alarm are river's choices.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from detectors.card import Card
from detectors.errors import ParameterError
from detectors.online.bank import Bank
from detectors.online.reads import Reads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detectors.online.reference import Reference

MAX_LEVELS = 62


@dataclass(frozen=True)
class Adwin:
    """Parameters.

    Parameters
    ----------
    delta
        Confidence, in (0, 1): the smaller, the fewer alarms.
    clock
        Records between two looks, at least 1.
    max_buckets
        Buckets of each size, at least 2.
    min_window_length
        Records that each part of a cut must have, at least 1.
    grace_period
        Records before the first look, not negative.

    Raises
    ------
    ParameterError
        If a value is out of its domain.
    """

    reads: ClassVar[Reads] = Reads.SCORES
    card: ClassVar[Card] = Card(
        input="one stream of 0/1 or in [0, 1]; numeric columns as baseline ranks",
        statistic="largest difference of means over all cuts of an adaptive window",
        guarantee="run length, simulated from the baseline's values; independent records",
        cost="1 µs per column and record",
        memory="about 2 kB per column, growing with the logarithm of the stream",
        reference="Bifet & Gavalda 2007, SIAM Data Mining",
        avoid="records that depend on each other: a season is a change to it",
    )

    delta: float = 0.002
    clock: int = 32
    max_buckets: int = 5
    min_window_length: int = 5
    grace_period: int = 10

    def __post_init__(self) -> None:
        if not 0 < self.delta < 1:
            raise ParameterError(f"delta must be in (0, 1), got {self.delta:g}")
        for name, least in (("clock", 1), ("max_buckets", 2), ("min_window_length", 1)):
            if getattr(self, name) < least:
                raise ParameterError(f"{name} must be at least {least}, got {getattr(self, name)}")
        if self.grace_period < 0:
            raise ParameterError(f"grace_period must not be negative, got {self.grace_period}")

    def fit(self, reference: Reference) -> Bank[AdaptiveWindow]:
        """One window per column."""
        return Bank("adwin", self, reference.ranks())

    def start(self) -> AdaptiveWindow:
        """An empty window."""
        return AdaptiveWindow(self)

    def dump(self, window: AdaptiveWindow) -> dict[str, Any]:
        """The window as plain data."""
        return window.state()

    def load(self, state: Mapping[str, Any]) -> AdaptiveWindow:
        """Inverse of `dump`."""
        return AdaptiveWindow(self, state)


class AdaptiveWindow:
    """The window of one stream.

    `sums[i]` and `spreads[i]` hold, oldest first, the sum and the sum of squared deviations of
    buckets of `2**i` records.
    """

    __slots__ = ("_params", "records", "spread", "spreads", "sums", "ticks", "total")

    def __init__(self, params: Adwin, state: Mapping[str, Any] | None = None) -> None:
        self._params = params
        self.sums: list[list[float]]
        self.spreads: list[list[float]]
        self._clear()
        if state is not None:
            self.records, self.ticks = state["records"], state["ticks"]
            self.total, self.spread = state["total"], state["spread"]
            self.sums = [list(level) for level in state["sums"]]
            self.spreads = [list(level) for level in state["spreads"]]

    def state(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "records": self.records,
            "ticks": self.ticks,
            "total": self.total,
            "spread": self.spread,
            "sums": [list(level) for level in self.sums],
            "spreads": [list(level) for level in self.spreads],
        }

    def run(self, values: list[float]) -> list[int]:
        """Positions of the alarms in `values`; after each the window begins anew."""
        alarms = []
        for position, value in enumerate(values):
            self._insert(value)
            if self.ticks % self._params.clock == 0 and self._changed():
                alarms.append(position)
                self._clear()
        return alarms

    def _clear(self) -> None:
        self.records, self.ticks, self.total, self.spread = 0, 0, 0.0, 0.0
        self.sums, self.spreads = [[]], [[]]

    def _insert(self, value: float) -> None:
        self.ticks += 1
        self.records += 1
        if self.records > 1:
            gap = value - self.total / (self.records - 1)
            self.spread += (self.records - 1) * gap * gap / self.records
        self.total += value
        sums = self.sums[0]
        sums.append(value)
        self.spreads[0].append(0.0)
        if len(sums) > self._params.max_buckets:
            self._merge()

    def _merge(self) -> None:
        """Join the two oldest buckets of every size that has one too many."""
        most, size = self._params.max_buckets, 1
        for level in range(MAX_LEVELS):
            sums, spreads = self.sums[level], self.spreads[level]
            if len(sums) <= most:
                return
            if level + 1 == len(self.sums):
                self.sums.append([])
                self.spreads.append([])
            gap = sums[0] / size - sums[1] / size
            self.sums[level + 1].append(sums[0] + sums[1])
            self.spreads[level + 1].append(spreads[0] + spreads[1] + size * 0.5 * gap * gap)
            del sums[:2], spreads[:2]
            size *= 2

    def _changed(self) -> bool:
        """Drop buckets while there is a cut; whether there was one."""
        changed = False
        if self.records > self._params.grace_period:
            while self._has_cut():
                changed = True
                self._drop()
        return changed

    def _has_cut(self) -> bool:
        least, n = self._params.min_window_length, self.records
        d = math.log(2.0 * math.log(n) / self._params.delta)
        v = self.spread / n
        before, after, sum_before, sum_after = 0, n, 0.0, self.total
        for level in range(len(self.sums) - 1, -1, -1):
            size = 1 << level
            for value in self.sums[level]:
                before += size
                after -= size
                sum_before += value
                sum_after -= value
                if after < least:
                    return False
                if before < least:
                    continue
                m = 1.0 / (before - least + 1) + 1.0 / (after - least + 1)
                bound = math.sqrt(2.0 * m * v * d) + 2.0 / 3.0 * d * m
                if abs(sum_before / before - sum_after / after) > bound:
                    return True
        return False

    def _drop(self) -> None:
        """Forget the oldest bucket."""
        size = 1 << (len(self.sums) - 1)
        total, spread = self.sums[-1].pop(0), self.spreads[-1].pop(0)
        self.records -= size
        self.total -= total
        gap = total / size - self.total / self.records
        self.spread -= spread + size * self.records * gap * gap / (size + self.records)
        if not self.sums[-1]:
            self.sums.pop()
            self.spreads.pop()

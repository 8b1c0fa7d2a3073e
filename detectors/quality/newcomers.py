"""Single new categories, told once: too rare to make a column's rate of new values a finding.

A value that the baseline never had among its `N` values, though its vocabulary was kept whole, and
that a window has several times, is new and not rare: with a rate of `1 / (2 N)` so many would be
improbable. It is told in the first window that shows it and then known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from detectors.quality.rates import Counted, upper_tail
from detectors.quality.wording import percent
from detectors.result import QualityFinding, QualityKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from detectors.profile.profile import Profile
    from detectors.quality.baseline import QualityBaseline

LEAST_SHARE: Final = 0.001
MOST: Final = 200
"""Values that are remembered; more newcomers are a column's nature, and no news."""
LONGEST: Final = 40


@dataclass(slots=True)
class Newcomers:
    """New values of one stream that were told already, by column."""

    known: dict[str, set[str]] = field(default_factory=dict)

    def find(
        self, baseline: QualityBaseline, window: Profile, told: Iterable[str] = ()
    ) -> tuple[QualityFinding, ...]:
        """Find values that are new in this window, and remember them.

        Parameters
        ----------
        baseline, window
            What is usual, and all rows of the window.
        told
            Columns of whose new values something was said in this window: these are remembered
            only.
        """
        silent = set(told)
        found = []
        for column, value, count, share in _new(baseline, window):
            if self._full() or value in self.known.get(column, ()):
                continue
            self.known.setdefault(column, set()).add(value)
            if column not in silent:
                found.append(_finding(column, value, count, share))
        return tuple(found)

    def state(self) -> dict[str, Any]:
        """Plain data that `restore` continues from."""
        return {column: sorted(values) for column, values in sorted(self.known.items())}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Newcomers:
        """Inverse of `state`."""
        return cls({column: set(values) for column, values in state.items()})

    def _full(self) -> bool:
        return sum(map(len, self.known.values())) >= MOST


def _new(baseline: QualityBaseline, window: Profile) -> Iterator[tuple[str, str, int, float]]:
    """Column, value, count and share of values that only a change can explain."""
    frame, valid = baseline.frame.categorical, window.categorical.valid()
    usual = baseline.profile.categorical.valid()
    unseen = window.unseen_values()
    for j, name in enumerate(frame.names):
        if not frame.complete[j] or not usual[j]:
            continue
        for value, count in unseen.get(name, {}).items():
            if count < max(baseline.rule.least, LEAST_SHARE * int(valid[j])):
                continue
            faults = Counted(np.array([count]), valid[j : j + 1])
            never = Counted(np.zeros(1, np.int64), usual[j : j + 1])
            dispersion = np.array([baseline.rule.dispersion])
            if upper_tail(faults, never, dispersion)[0] < baseline.rule.alpha:
                yield name, value, count, count / int(valid[j])


def _finding(column: str, value: str, count: int, share: float) -> QualityFinding:
    shown = value if len(value) <= LONGEST else f"{value[: LONGEST - 1]}…"
    return QualityFinding(
        column=column,
        kind=QualityKind.UNSEEN,
        severity="warning",
        observed=share,
        expected=0.0,
        text=f"{column}: a new value, {shown!r} ({percent(share)} of the values, {count:,} times); "
        "it is told once",
    )

"""How far estimates without labels were off, window by window, once the labels came.

Experience widens the intervals of later estimates; what cannot be trusted is said so.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from detectors.performance.estimate import Estimate
from detectors.performance.measure import Measure
from detectors.performance.metrics import METRICS
from detectors.performance.trust import own_error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from detectors.performance.trust import OwnError
    from monitor.performance import PerformanceRow

WINDOWS: Final = 30
"""Windows that count as experience, the last ones."""
MAX_EXPECTED: Final = 4_096
"""Windows whose estimates wait for labels."""


class OwnErrors:
    """Estimates of one version beside what was measured later."""

    def __init__(self) -> None:
        self._expected: dict[int, list[tuple[str, float, float]]] = {}
        self._seen: dict[str, deque[tuple[float, float, float]]] = {}

    def expect(self, index: int, estimates: Sequence[Estimate]) -> None:
        """Remember the estimates of window `index`."""
        known = [(e.metric, e.value, e.error) for e in estimates if math.isfinite(e.value)]
        self._expected[index] = known
        while len(self._expected) > MAX_EXPECTED:
            del self._expected[next(iter(self._expected))]

    def realise(self, index: int, figures: Sequence[PerformanceRow]) -> None:
        """Compare them with what the labels of the window say."""
        measured = {row.metric: row.value for row in figures if not row.segment}
        for metric, value, error in self._expected.pop(index, ()):
            found = measured.get(metric)
            if found is not None:
                kept = self._seen.setdefault(metric, deque(maxlen=WINDOWS))
                kept.append((value, error, found))

    def known(self) -> dict[str, OwnError]:
        """What the last windows say of every metric."""
        return {metric: _judged(metric, list(seen)) for metric, seen in self._seen.items()}

    def widened(self, estimates: Sequence[Estimate]) -> list[Estimate]:
        """Estimates with intervals as wide as experience says."""
        known = self.known()
        return [known[e.metric].widened(e) if e.metric in known else e for e in estimates]

    def section(self) -> dict[str, dict[str, Any]]:
        """For decisions: by metric how far estimates were off."""
        return {
            metric: {
                "windows": error.windows,
                "bias": error.bias,
                "size": error.size,
                "widen": error.widen,
                "trusted": error.trusted,
                "text": error.text,
            }
            for metric, error in self.known().items()
        }

    def state(self) -> dict[str, Any]:
        """Plain data that `restore` continues from."""
        expected = [[index, rows] for index, rows in self._expected.items()]
        return {"expected": expected, "seen": {m: list(rows) for m, rows in self._seen.items()}}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> OwnErrors:
        """Inverse of `state`."""
        made = cls()
        made._expected = {
            index: [(m, v, e) for m, v, e in rows] for index, rows in state["expected"]
        }
        made._seen = {
            metric: deque(((v, e, r) for v, e, r in rows), maxlen=WINDOWS)
            for metric, rows in state["seen"].items()
        }
        return made


def _judged(metric: str, seen: Sequence[tuple[float, float, float]]) -> OwnError:
    nan, better = math.nan, METRICS[metric].better
    estimates = [Estimate(metric, v, nan, nan, error, 0.0, 0, better) for v, error, _ in seen]
    realised = [Measure(metric, found, nan, nan, 0, "", better) for _, _, found in seen]
    return own_error(estimates, realised)

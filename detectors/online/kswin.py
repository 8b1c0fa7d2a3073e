"""Kolmogorov-Smirnov windowing: river's `KSWIN` (Raab, Heusinger & Schleif 2020).

After every value the newest `stat_size` of the last `window_size` values are compared with as many
drawn at random from the older ones, by the two-sample Kolmogorov-Smirnov test at level `alpha`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from detectors.card import Card
from detectors.errors import ParameterError
from detectors.online.bank import Bank
from detectors.online.reads import Reads
from detectors.online.wrapped import River, Wrapped, read, write

if TYPE_CHECKING:
    from collections.abc import Mapping

    from detectors.online.reference import Reference


@dataclass(frozen=True)
class KolmogorovSmirnovWindowing(River):
    """Parameters.

    Parameters
    ----------
    alpha
        Level of each test, in (0, 1); there is one per value, so small.
    window_size, stat_size
        Values kept and values of them compared, `1 < 2 * stat_size <= window_size`.
    seed
        Of the draws; they are the same in every replay.

    Raises
    ------
    ParameterError
        If a value is out of its domain.
    """

    river: ClassVar[str] = "river.drift:KSWIN"
    kept: ClassVar[tuple[str, ...]] = ("_drift_detected", "n")
    reads: ClassVar[Reads] = Reads.SCORES
    card: ClassVar[Card] = Card(
        input="one stream of numbers of any scale",
        statistic="two-sample Kolmogorov-Smirnov test of the newest values, after every value",
        guarantee="run length, simulated from the baseline's values; independent records",
        cost="0.2 ms per column and record: slow",
        memory="the window and 2.5 kB of random state per column",
        reference="Raab, Heusinger & Schleif 2020, Neurocomputing 416",
        avoid="more than a few thousand records a second, it is a thousand times slower than the "
        "others; wherever false alarms cost anything, there is a test at alpha per record",
    )

    alpha: float = 0.005
    window_size: int = 100
    stat_size: int = 30
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise ParameterError(f"alpha must be in (0, 1), got {self.alpha:g}")
        if not 1 < 2 * self.stat_size <= self.window_size:
            raise ParameterError(
                "stat_size must be at least 1 and at most half of window_size, got "
                f"{self.stat_size} and {self.window_size}"
            )

    def fit(self, reference: Reference) -> Bank[Wrapped]:
        """One detector per column."""
        return Bank("kswin", self, reference.ranks())

    def dump(self, single: Wrapped) -> dict[str, Any]:
        """See `River`; with the window and the state of the random numbers."""
        inner: Any = single.inner
        version, words, spare = inner._rng.getstate()  # noqa: SLF001 - river has no other way
        return {
            **read(inner, self.kept),
            "window": np.array(inner.window, dtype=np.float64),
            "random": [version, np.array(words, dtype=np.uint32), spare],
        }

    def load(self, state: Mapping[str, Any]) -> Wrapped:
        """Inverse of `dump`."""
        single = self.start()
        inner: Any = single.inner
        version, words, spare = state["random"]
        inner._rng.setstate((version, tuple(words.tolist()), spare))  # noqa: SLF001 - as in `dump`
        inner.window = deque(state["window"].tolist(), maxlen=self.window_size)
        write(inner, {path: state[path] for path in self.kept})
        return single

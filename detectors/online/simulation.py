"""Run lengths of detectors that no equation gives: by simulation, with a fixed seed.

A detector that alarmed `a` times in `N` independent records of the baseline's own distribution has
a run length of about `N / a`; the interval is the exact one for a Poisson count (Garwood 1936).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import gammaincinv

from detectors.online.promise import rounded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detectors.online.bank import Kind

SEED = 20_070_415
RECORDS = {"kswin": 4_000, "hddm_a": 50_000, "hddm_w": 50_000}
DEFAULT_RECORDS = 200_000
"""How many records are simulated: about a third of a second of each detector."""
CONTINUOUS = 64
"""A distribution of at least so many ranks counts as continuous, and is simulated once for all."""
LEVEL = 0.95


@dataclass(frozen=True)
class SimulatedRunLength:
    """`alarms` in `simulated` records."""

    alarms: int
    simulated: int

    @property
    def low(self) -> float:
        """Lower end of the 95 % interval of the run length, records."""
        tail = (1 + LEVEL) / 2
        return self.simulated / float(gammaincinv(self.alarms + 1, tail))

    @property
    def high(self) -> float:
        """Upper end of it, inf without an alarm."""
        if not self.alarms:
            return math.inf
        return self.simulated / float(gammaincinv(self.alarms, (1 - LEVEL) / 2))

    @property
    def records(self) -> float:
        """The run length to count with: the estimate, or its lower end without any alarm."""
        return self.simulated / self.alarms if self.alarms else self.low

    @property
    def sentence(self) -> str:
        """What was simulated, for people."""
        said = f"simulated: {self.alarms} in {self.simulated:,} records"
        if not self.alarms:
            return f"{said} (95 %)"
        return f"{said} (95 % interval {rounded(self.low)} to {rounded(self.high)})"


def simulated(
    name: str, kind: Kind[Any], values: NDArray[np.float64], shares: NDArray[np.float64]
) -> SimulatedRunLength:
    """Run length of a detector on independent draws of `values` `(k,)` with `shares` `(k,)`."""
    records = RECORDS.get(name, DEFAULT_RECORDS)
    if len(values) >= CONTINUOUS:
        return _simulated(kind, None, records)
    return _simulated(kind, (tuple(values.tolist()), tuple(shares.tolist())), records)


@lru_cache(maxsize=1_024)
def _simulated(
    kind: Kind[Any], few: tuple[tuple[float, ...], tuple[float, ...]] | None, records: int
) -> SimulatedRunLength:
    generator = np.random.default_rng(SEED)
    if few is None:
        drawn = generator.random(records)
    elif few[0]:
        drawn = generator.choice(np.array(few[0]), records, p=np.array(few[1]) / sum(few[1]))
    else:
        drawn = np.empty(0)
    return SimulatedRunLength(len(kind.start().run(drawn.tolist())), max(records, 1))

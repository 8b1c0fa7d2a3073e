"""What the engine must know of one watched model: plain values, made from the config by `app`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detectors.protocols import Scorer
    from monitor.schema import ColumnSpec

WHOLE = ""
"""Name of the segment that holds every record."""


@dataclass(frozen=True, slots=True)
class WindowSpec:
    """How a stream is cut: by event time (`every`) or by count (`records`); one of them is set.

    `every`, `lateness` and `idle` are microseconds. A time window `[k * every, (k + 1) * every)`
    closes when an event later than its end plus `lateness` has been seen, or when the stream has
    been idle for `idle` of wall time and the wall clock is past that point too.
    """

    every: int | None = None
    records: int | None = None
    lateness: int = 0
    idle: int = 300_000_000


@dataclass(frozen=True, slots=True)
class PolicySpec:
    """When evidence becomes a verdict; see `monitor.engine.policy`."""

    min_effect: float = 0.05
    recover_windows: int = 3


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """One model: what its columns are, how its stream is cut, what counts as enough records.

    `scorers` watch what belongs to no single column; see `detectors.protocols.Scorer`.
    """

    name: str
    columns: tuple[ColumnSpec, ...]
    window: WindowSpec
    min_records: int = 200
    segments: tuple[str, ...] = ()
    policy: PolicySpec = PolicySpec()
    positive: str | None = None
    task: str = "none"
    scorers: tuple[Scorer, ...] = ()

"""Engines whose baseline was replaced: they finish the window that was open, and its labels.

A new baseline is a new frame, so that a half-filled window cannot change over to it. The old engine
keeps the rows before the window's end, the new one begins there. Afterwards the old one only waits
for labels of what it judged, as long as labels are waited for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, Union

from monitor.columnar import take
from monitor.engine.learning import LearningEngine
from monitor.engine.model import ModelEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from monitor.engine.engine import Configuration, Resolver
    from monitor.record import RecordBatch

Follower: TypeAlias = Union[ModelEngine, LearningEngine]  # noqa: UP007 - evaluated at run time
"""Who takes in the records of a key: it judges them, or learns from them."""

MAX_RETIRED = 32
"""Of one key; the oldest are forgotten, and labels of their windows with them."""


@dataclass(frozen=True, slots=True, eq=False)
class Retired:
    """One engine under the configuration that it judged by; `until` ends its last window."""

    key: str
    configuration: Configuration
    engine: Follower
    until: int

    def split(self, batches: list[RecordBatch]) -> tuple[list[RecordBatch], list[RecordBatch]]:
        """Rows that are still this engine's, and the others."""
        earlier, later = [], []
        for batch in batches:
            mine = batch.times < self.until
            if mine.any():
                earlier.append(batch if mine.all() else take(batch, mine))
            if not mine.all():
                later.append(take(batch, ~mine) if mine.any() else batch)
        return earlier, later

    def ripe(self, newest: int) -> bool:
        """Whether its last window takes no more rows when `newest` is the newest event."""
        return newest - self.engine.spec.window.lateness >= self.until

    def past(self, newest: int) -> bool:
        """Whether nothing of it can change any more."""
        waits = isinstance(self.engine, ModelEngine) and self.engine.performance is not None
        horizon = self.engine.spec.performance.horizon if waits else 0
        return self.ripe(newest - horizon)

    def state(self) -> list[Any]:
        """Plain data that `restore` continues from."""
        chosen = self.configuration
        place = [self.key, chosen.config, dict(chosen.baselines), self.until]
        return [*place, self.engine.state()]

    @classmethod
    def restore(
        cls,
        state: list[Any],
        configuration: Callable[[str, Mapping[str, str]], Configuration],
        resolve: Resolver,
        learner: Callable[[str], LearningEngine],
    ) -> Retired:
        """Inverse of `state`."""
        key, config, baselines, until, place = state
        chosen = configuration(config, baselines)
        engine = resolve(chosen).get(key) or learner(key)
        engine.restore(place)
        return cls(key, chosen, engine, until)

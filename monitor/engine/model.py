"""One model inside the engine: its windows and what is known of each of its streams."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from monitor.engine.columns import Framer
from monitor.engine.cutting import windows_for
from monitor.engine.external import ExternalWatch
from monitor.engine.learning import Due
from monitor.engine.online import OnlineWatch, references_of
from monitor.engine.performance import Performance
from monitor.engine.performance_report import Spoken
from monitor.engine.segments import known_segments
from monitor.engine.texts import TextColumns, encoders_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from monitor.baseline import Baseline
    from monitor.engine.decision import Decision
    from monitor.engine.judge import Judge
    from monitor.engine.windows import ClosedWindow
    from monitor.model import ModelSpec
    from monitor.performance import PerformanceRow
    from monitor.record import LabelBatch, RecordBatch


MAX_VERSIONS = 16
"""Versions of a model with streams of their own; a version per record must not cost a profile."""

OTHERS = "(other versions)"
"""The stream of all versions that came after the first `MAX_VERSIONS`."""


class ModelEngine:
    """Cuts a model's records into windows and judges them, stream by stream."""

    def __init__(self, spec: ModelSpec, baseline: Baseline, judge: Judge) -> None:
        self.spec = spec
        self.baseline = baseline
        known = known_segments(baseline.segments)
        dimensions = baseline.whole.dimensions
        encoders = encoders_of(baseline.columns)
        self._framer = Framer(baseline.frame, frozenset(baseline.known), dimensions, encoders)
        self._texts = TextColumns.of(baseline)
        self.windows = windows_for(spec.window, self._framer, known)
        self.last_seq = 0
        self._versions: set[str] = set()
        self._own = frozenset(baseline.versions) - {""}
        self._round: int | None = None
        self._due: Due | None = None
        self._judge = judge
        references = references_of(spec.online, baseline)
        self.online = OnlineWatch(spec.online, references, spec.window)
        self.external = ExternalWatch()
        self.performance = Performance.of(spec, baseline, judge.lines)

    def feed(self, batches: Sequence[RecordBatch], seq: int) -> Iterator[Decision]:
        """Take in the model's part of journal entry `seq`."""
        self.last_seq = seq
        named = (self._framer.named(batch, self.spec.positive) for batch in batches)
        bounded = [self._texts.extended(self._bounded(batch)) for batch in named]
        self.online.feed(bounded)
        yield from self._judged(self.windows.feed(bounded, seq))
        self._renew(seq)

    @property
    def segments(self) -> tuple[str, ...]:
        """Every stream that the baseline knows."""
        return tuple(self.baseline.segments)

    @property
    def baseline_id(self) -> str:
        """Names the baseline's content."""
        return self.baseline.id

    @property
    def config(self) -> str:
        """Digest of the configuration that decides."""
        return self._judge.config

    def takes(self, version: str) -> bool:
        """Whether this baseline is for records of `version`; without a handover for all.

        Where the baseline's rows did not say their version, it is for the first one that comes.
        """
        if self.spec.renewal.handover is None:
            return True
        if not self._own:
            self._own = frozenset({version})
        return version in self._own

    def due(self, key: str) -> Due | None:
        """The next rolling baseline, once it can be learned."""
        return None if self._due is None else replace(self._due, key=key)

    def label(self, batches: Sequence[LabelBatch]) -> None:
        """Take in what a journal entry says is true of the model's records."""
        if self.performance is not None:
            self.performance.label(batches)
            self.online.hear(self.performance.labelled())

    def drain(self) -> list[PerformanceRow]:
        """Performance figures that were stated or restated since the last call."""
        return [] if self.performance is None else self.performance.drain()

    def advance(self, to: int) -> Iterator[Decision]:
        """Close the time windows that end by `to`: the stream was idle."""
        yield from self._judged(self.windows.advance(to))

    def flush(self) -> Iterator[Decision]:
        """Close and judge everything that has rows."""
        yield from self._judged(self.windows.flush())

    def continues_in(self, other: object) -> bool:
        """Whether this state means the same in `other`: same baseline, same way of cutting."""
        return (
            isinstance(other, ModelEngine)
            and self.baseline.id == other.baseline.id
            and self.spec.window == other.spec.window
            and self.spec.segments == other.spec.segments
            and self.spec.scorers == other.spec.scorers
            and self.spec.renewal == other.spec.renewal
        )

    def state(self) -> dict[str, Any]:
        """Plain data that `restore` continues from."""
        return {
            "versions": sorted(self._versions),
            "own": sorted(self._own),
            "round": self._round,
            "due": self._due and [self._due.start, self._due.end, self._due.through],
            "windows": self.windows.state(),
            "judge": self._judge.state(),
            "online": self.online.state(),
            "external": self.external.state(),
            "performance": self.performance and self.performance.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Inverse of `state`."""
        self._versions = set(state["versions"])
        self._own, self._round = frozenset(state["own"]), state["round"]
        self._due = None if state["due"] is None else _rolling(*state["due"])
        self.windows.restore(state["windows"])
        self._judge.restore(state["judge"])
        self.online.restore(state["online"])
        self.external.restore(state["external"])
        if self.performance is not None and state["performance"] is not None:
            self.performance.restore(state["performance"])

    def _bounded(self, batch: RecordBatch) -> RecordBatch:
        """The batch, under a common version if its own would be one too many."""
        if batch.version not in self._versions:
            if len(self._versions) >= MAX_VERSIONS:
                return replace(batch, version=OTHERS)
            self._versions.add(batch.version)
        return batch

    def _renew(self, seq: int) -> None:
        """Notice that event time has come to the next round of a rolling baseline."""
        renewal, newest = self.spec.renewal, self.windows.newest
        every = self.spec.window.every
        if renewal.rolling is None or renewal.refresh is None or newest is None or every is None:
            return
        current = (newest - self.spec.window.lateness) // renewal.refresh
        if self._round is not None and current > self._round:
            end = current * renewal.refresh // every * every
            self._due = _rolling(end - renewal.rolling, end, seq)
        self._round = current if self._round is None else max(self._round, current)

    def _judged(self, closed: Iterable[ClosedWindow]) -> Iterator[Decision]:
        for window in closed:
            # What a window has too few records to tell waits for one that has enough.
            enough = window.profile.rows >= self.spec.min_records
            said = self._said(window)
            more = (
                (*self.online.take(window), *self.external.take(window), *said.findings)
                if enough
                else ()
            )
            yield self._judge.judge(window, more, said.section)
        if self.performance is not None:
            self.performance.settle(self.windows.settled())
            self.online.hear(self.performance.labelled())

    def _said(self, window: ClosedWindow) -> Spoken:
        return Spoken() if self.performance is None else self.performance.closed(window)


def _rolling(start: int, end: int, through: int) -> Due:
    return Due("", start, end, through, rolling=True)

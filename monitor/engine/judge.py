"""Judging closed windows of one model: data quality, statistics, sequential evidence, a verdict.

The judge measures; `policy` decides. What it must remember of a stream from window to window is a
`StreamMemory`, part of the engine's state.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from detectors.quality import (
    FaultHistory,
    QualityBaseline,
    Volume,
    find_silence,
    judge_quality,
)
from detectors.quality.rates import RateRule
from detectors.quality.schema import one_schema_change, unknown_column
from monitor.engine import policy, report
from monitor.engine.decision import decide
from monitor.engine.memory import Place, StreamMemory
from monitor.engine.panel import PreparedPanel
from monitor.engine.phase import phases
from monitor.engine.power import Powers, with_power
from monitor.engine.seasonal import Matching
from monitor.engine.univariate import Measurement, Statistics, detectors_of
from monitor.engine.windows import Stream, middle, span_of
from monitor.model import WHOLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from detectors.result import QualityFinding
    from detectors.sequential.budget import Share
    from detectors.sequential.monitor import StepResult
    from monitor.baseline import Baseline, SegmentBaseline
    from monitor.engine.decision import Decision, Finding, Verdicts
    from monitor.engine.panel import Told
    from monitor.engine.windows import ClosedWindow
    from monitor.model import ModelSpec


class Lines(Protocol):
    """The budget as it comes down to one model; see `detectors.sequential.budget`."""

    def evidence(self, segment: str, version: int) -> NDArray[np.float64]:
        """`(F,)` evidence at which each column alarms; `version` counts versions from 1."""
        ...

    def panel(self, segment: str, version: int, share: Share) -> NDArray[np.float64]:
        """The same for the entries of the panel that spend from `share`."""
        ...

    def quality_alpha(self, segment: str) -> float:
        """Probability per rule and window below which a quality rule may alarm."""
        ...

    def volume_alpha(self, segment: str) -> float:
        """The same for the number of records."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """One segment's baseline, prepared for judging."""

    baseline: SegmentBaseline
    statistics: Statistics
    matching: Matching
    quality: QualityBaseline
    volume: Volume | None
    panel: PreparedPanel | None

    @classmethod
    def of(cls, baseline: SegmentBaseline, spec: ModelSpec, lines: Lines, segment: str) -> Part:
        """Prepare `baseline`; what has no real history has no usual volume."""
        history = baseline.history
        rule = RateRule(alpha=lines.quality_alpha(segment))
        quality = QualityBaseline.of(
            baseline.profile,
            FaultHistory(history.rows, history.faults),
            rule,
            sample=baseline.sample,
            rules=spec.quality,
        )
        volume = None
        if spec.window.every is not None and len(history.all_mid) > 1:
            phase = phases(history.all_mid, history.all_mid, spec.window.every)
            volume = Volume.of(history.all_rows, phase, lines.volume_alpha(segment))
        panel = PreparedPanel.of(baseline, spec.scorers)
        statistics = Statistics.of(baseline, spec)
        matching = Matching(
            statistics.pooled, baseline.phases, history.mid, spec.window.every, detectors_of(spec)
        )
        return cls(baseline, statistics, matching, quality, volume, panel)


class Judge:
    """Judges every stream of one model against its baseline."""

    def __init__(self, spec: ModelSpec, baseline: Baseline, config: str, lines: Lines) -> None:
        self._spec = spec
        self._baseline = baseline
        self._config = config
        self._lines = lines
        self._parts = {
            name: Part.of(segment, spec, lines, name) for name, segment in baseline.segments.items()
        }
        self._versions: list[str] = []
        self._memories: dict[Stream, StreamMemory] = {}
        self._powers = Powers()

    def judge(
        self,
        window: ClosedWindow,
        more: Sequence[Finding] = (),
        performance: Mapping[str, Any] | None = None,
    ) -> Decision:
        """The decision on a closed window; remembers what the next one needs.

        `more` was found by others; a window with too few records does not tell it. `performance`
        is what labels say by now.
        """
        part = self._parts[window.stream.segment]
        memory = self._memory(window.stream, part)
        quality = self._quality(part, memory, window)
        if window.profile.rows < self._spec.min_records:
            rows, least = window.profile.rows, self._spec.min_records
            verdicts = report.too_few(self._reporter(part, window), quality, rows, least)
        else:
            verdicts = self._judged(part, memory, window, quality)
            verdicts = report.with_more(verdicts, more, window.profile.rows)
        stage = part.baseline.stage.value
        verdicts = replace(verdicts, stage=stage, performance=performance or {})
        return decide(self._spec.name, window, self._baseline.id, self._config, verdicts)

    @property
    def config(self) -> str:
        """Digest of the configuration that decides."""
        return self._config

    @property
    def lines(self) -> Lines:
        """The model's part of the budget."""
        return self._lines

    def state(self) -> dict[str, Any]:
        """Plain data that `restore` continues from."""
        memories = [[*stream, memory.state()] for stream, memory in self._memories.items()]
        return {"versions": list(self._versions), "streams": memories}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Inverse of `state`."""
        self._versions = list(state["versions"])
        self._memories = {}
        for version, segment, memory in state["streams"]:
            baseline = self._baseline.segments[segment]
            self._memories[Stream(version, segment)] = StreamMemory.restore(baseline, memory)

    def _memory(self, stream: Stream, part: Part) -> StreamMemory:
        if stream.version not in self._versions:
            self._versions.append(stream.version)
        if stream not in self._memories:
            self._memories[stream] = StreamMemory.start(part.baseline)
        return self._memories[stream]

    def _quality(
        self, part: Part, memory: StreamMemory, window: ClosedWindow
    ) -> tuple[QualityFinding, ...]:
        found: tuple[QualityFinding, ...] = ()
        every = self._spec.window.every
        if part.volume is not None and every is not None and not window.partial:
            mid = np.array([middle(window)])
            phase = phases(mid, part.baseline.history.all_mid, every)
            found = part.volume.find(window.profile.rows, int(phase[0]))
        if window.last_event is not None:
            found += find_silence(window.last_event, window.end, self._baseline.gaps)
        if window.profile.rows >= self._spec.min_records:
            hashes = window.profile.row_hashes
            found += judge_quality(
                part.quality,
                window.profile,
                window.sample,
                span=span_of(window, self._spec.window),
                recurring=memory.recent.compare(hashes),
            )
            if window.stream.segment == WHOLE:
                memory.recent.add(window.start, hashes)
                told = [finding.column for finding in found]
                found += memory.newcomers.find(part.quality, window.profile, told)
        found += tuple(map(unknown_column, sorted(window.appeared)))
        return one_schema_change(self._spec.quality.told(found))

    def _judged(
        self,
        part: Part,
        memory: StreamMemory,
        window: ClosedWindow,
        quality: tuple[QualityFinding, ...],
    ) -> Verdicts:
        compared = part.matching.of(middle(window))
        measured = Measurement(part.statistics, window, compared)
        broken = frozenset(
            name for f in quality if f.severity == "broken" for name in (f.column, *f.columns)
        )
        x = part.baseline.season.design(np.array([middle(window)]))[0]
        place = Place(window.index, window.start, window.profile.rows)
        result, lines = self._columns(part, memory, window, x, place, broken)
        baseline, spec = part.baseline, self._spec.policy
        drifts = policy.update(
            memory.columns, baseline.calibration, result, spec, baseline.bank.pooled
        )
        told = self._panel(part, memory, window, x, place, broken)
        memory.saw(window)
        reporter = report.Reporter(self._spec, baseline, window, compared.pictures)
        verdicts = reporter.verdicts(memory, result, lines, drifts, quality, measured, told)
        verdicts = replace(verdicts, reference=compared.reference)
        power = self._powers.of(window.stream, baseline, lines)
        return with_power(verdicts, baseline, power, window.profile, result.z, spec.min_effect)

    def _columns(
        self,
        part: Part,
        memory: StreamMemory,
        window: ClosedWindow,
        x: NDArray[np.float64],
        place: Place,
        broken: frozenset[str],
    ) -> tuple[StepResult, NDArray[np.float64]]:
        """Sequential evidence; what is broken in this window is not observed by it."""
        baseline = part.baseline
        y = baseline.bank.measure(window.profile)
        columns = window.profile.frame.columns
        ignored = np.array([name in broken for name in columns], dtype=np.bool_)
        y = np.where(ignored[baseline.bank.column], np.nan, y)
        lines = self._lines.evidence(window.stream.segment, self._number(window.stream))
        return memory.columns.observe(baseline.calibration, lines, y, x, place), lines

    def _panel(
        self,
        part: Part,
        memory: StreamMemory,
        window: ClosedWindow,
        x: NDArray[np.float64],
        place: Place,
        broken: frozenset[str],
    ) -> Told | None:
        """Evidence of what belongs to no single column.

        Columns that are broken, or are known to have drifted by themselves, count as missing: what
        they do to the others' company has been told.
        """
        panel, stream = part.panel, window.stream
        if panel is None or memory.panel is None:
            return None
        number = self._number(stream)
        lines = panel.lines(lambda share: self._lines.panel(stream.segment, number, share))
        frame = window.profile.frame
        drifted = {frame.columns[column] for column in memory.columns.drifts}
        whole = replace(window, sample=window.sample.without(frame, broken))
        seen = replace(window, sample=whole.sample.without(frame, drifted))
        told = panel.judge(memory.panel, seen, x, lines, place, self._spec.policy)
        return replace(told, window=whole)  # a drift is explained by all that can be seen

    def _number(self, stream: Stream) -> int:
        """Which version of the model this is, counted from 1."""
        return self._versions.index(stream.version) + 1

    def _reporter(self, part: Part, window: ClosedWindow) -> report.Reporter:
        return report.Reporter(self._spec, part.baseline, window)

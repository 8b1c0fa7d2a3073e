"""Back-test: history through the very engine that runs live, and what it would have said.

Nothing is written. Batches go into the engine as journal entries would, decisions come out, alerts
live by the same rules, with the end of a window as the time at which people would have heard.
Memory holds what the engine holds, a few numbers per stream and column, and the alerts.
"""

from __future__ import annotations

import json
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from alerts.alert import AlertKey, State
from alerts.life import LifePolicy, advance
from monitor.columnar import encode_block
from monitor.drivers.signals import reference, signals
from monitor.engine.decision import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from alerts.alert import Alert
    from monitor.engine.decision import Decision
    from monitor.engine.engine import Engine
    from monitor.record import LabelBatch, RecordBatch

NEAR_LOG10: Final = 1.0
"""A column within this many powers of ten below its line is near it."""
REMEMBERED: Final = 1_000
"""Window starts per stream that a delay is counted in."""


@dataclass(frozen=True, slots=True)
class Fired:
    """One alert that people would have heard of.

    `fired`, `resolved` and `since` are microseconds: the ends of the windows that fired and
    resolved it (None: still firing at the end), and where the change is dated. `windows` counts
    from the one that the change began in to the one that fired, 0 when nothing dates it.
    """

    model: str
    segment: str
    column: str
    kind: str
    severity: str
    fired: int
    resolved: int | None
    since: int | None
    windows: int
    text: str


@dataclass(slots=True)
class Reach:
    """How close one column came to its line: windows judged, near it and over it."""

    line_log10: float = 0.0
    most_log10: float = float("-inf")
    windows: int = 0
    near: int = 0
    over: int = 0

    def see(self, evidence: float, line: float) -> None:
        """Count one window."""
        self.line_log10 = line
        self.most_log10 = max(self.most_log10, evidence)
        self.windows += 1
        self.over += evidence >= line
        self.near += line - NEAR_LOG10 <= evidence < line

    @property
    def restless(self) -> float:
        """Share of its windows that were near the line or over it."""
        return (self.near + self.over) / max(self.windows, 1)


@dataclass(slots=True)
class StreamOutcome:
    """What came of one model and segment, all versions: verdicts, and how close columns came."""

    verdicts: Counter[str] = field(default_factory=Counter)
    columns: dict[str, Reach] = field(default_factory=dict)
    stage: str = ""
    power: Mapping[str, Any] = field(default_factory=dict)
    starts: deque[int] = field(default_factory=lambda: deque(maxlen=REMEMBERED))

    def see(self, decision: Decision, body: Mapping[str, Any]) -> None:
        """Count one decision."""
        self.verdicts[decision.verdict.value] += 1
        self.stage = body["stage"]
        if decision.verdict is Verdict.INSUFFICIENT:
            return
        self.power = body["power"] or self.power
        self.starts.append(decision.window.start)
        for name, column in body["columns"].items():
            line, evidence = column.get("line_log10"), column.get("evidence_log10")
            if line is not None and evidence is not None:
                self.columns.setdefault(name, Reach()).see(evidence, line)

    def counted(self, since: int | None) -> int:
        """Windows judged from `since` on, the last one included."""
        return 0 if since is None else sum(start >= since for start in self.starts)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a back-test found; `streams` by model and segment, `late` records by model.

    `start` and `end` are the first and last window's bounds in microseconds, None without any.
    """

    fired: tuple[Fired, ...]
    streams: Mapping[tuple[str, str], StreamOutcome]
    records: int
    late: int
    start: int | None
    end: int | None

    @property
    def days(self) -> float:
        """Length of the judged span."""
        if self.start is None or self.end is None:
            return 0.0
        return (self.end - self.start) / 86_400_000_000


class BackTest:
    """Runs batches through an engine and keeps what people would have heard.

    Parameters
    ----------
    engine : configured already.
    life : how alerts live, by model.
    """

    def __init__(self, engine: Engine, life: Mapping[str, LifePolicy]) -> None:
        self._engine = engine
        self._life = life
        self._open: dict[AlertKey, Alert] = {}
        self._heard: dict[str, Fired] = {}
        self._streams: dict[tuple[str, str], StreamOutcome] = {}
        self._records = 0
        self._span: tuple[int, int] | None = None

    def feed(self, records: Sequence[RecordBatch], labels: Sequence[LabelBatch] = ()) -> None:
        """Take one delivery in, as the journal would hold it."""
        self._records += sum(map(len, records))
        if records or labels:
            payload = encode_block(records, labels)
            seq = self._engine.cursor + 1
            self._see(self._engine.steps(seq, "records", payload))

    def finish(self) -> Outcome:
        """Judge what is open, and sum up."""
        late = sum(model.windows.late for model in self._engine.models.values())
        for model in self._engine.models.values():
            self._see(model.flush())
        start, end = self._span or (None, None)
        fired = tuple(sorted(self._heard.values(), key=lambda one: (one.fired, one.model)))
        return Outcome(fired, self._streams, self._records, late, start, end)

    def _see(self, made: Iterable[Decision]) -> None:
        for decision in made:
            window = decision.window
            low, high = self._span or (window.start, window.end)
            self._span = min(low, window.start), max(high, window.end)
            key = (decision.model, window.stream.segment)
            stream = self._streams.setdefault(key, StreamOutcome())
            stream.see(decision, json.loads(decision.body))
            self._tell(decision, stream)

    def _tell(self, decision: Decision, stream: StreamOutcome) -> None:
        now, policy = decision.window.end, self._life.get(decision.model, LifePolicy())
        step = advance(self._open, signals(decision), reference(decision), now, policy)
        for alert in step.alerts:
            if alert.state is State.RESOLVED:
                self._open.pop(alert.key, None)
            else:
                self._open[alert.key] = alert
            if alert.fired_at is not None:
                self._hear(alert, stream)

    def _hear(self, alert: Alert, stream: StreamOutcome) -> None:
        """Keep the alert as it was when it fired, and when it was over."""
        before = self._heard.get(alert.id)
        self._heard[alert.id] = Fired(
            model=alert.key.model,
            segment=alert.key.segment,
            column=alert.key.column,
            kind=alert.key.kind,
            severity=alert.severity.value,
            fired=alert.fired_at or 0,
            resolved=alert.resolved_at,
            since=before.since if before else alert.since,
            windows=before.windows if before else stream.counted(alert.since),
            text=before.text if before else alert.summary,
        )

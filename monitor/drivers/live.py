"""The engine at work: journal to decisions, decisions to disk, messages to the outbox.

One thread reads the journal from the engine's cursor and commits what comes out. A decision, its
evidence and profile, the engine's state, the alerts it changed and the messages it causes are one
transaction (promises P2 and P5): after a crash the same entries are read again and give the same.
Between decisions the state is saved now and then, which only shortens the way after a crash.
"""

from __future__ import annotations

import json
import threading
from bisect import bisect_left
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import structlog

from alerts.life import LifePolicy, advance
from alerts.outbox import rows_for
from alerts.render import render_message
from detectors.profile.profile import Profile
from detectors.profile.sample import Sample
from monitor.archive import (
    alerts_sql,
    decisions,
    engine_state,
    journal,
    outbox_sql,
    performance_sql,
)
from monitor.archive.decisions import DecisionRow
from monitor.archive.engine_state import EngineState
from monitor.archive.journal import Entry
from monitor.drivers.idle import advance_to
from monitor.drivers.promises import Promises
from monitor.drivers.signals import reference, signals
from monitor.engine.engine import control
from monitor.errors import DriftdError
from monitor.model import model_of
from monitor.packing import compress, pack

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sqlalchemy import Connection

    from detectors.profile.frame import Frame
    from monitor.archive.archive import Archive
    from monitor.clock import Clock
    from monitor.engine.decision import Decision
    from monitor.engine.engine import Engine
    from monitor.performance import PerformanceRow

READ_ENTRIES = 64
READ_BYTES = 32 << 20
SAVE_RECORDS = 500_000
SAVE_SECONDS = 10.0
"""Without a decision the state is saved this often: what a crash costs is to read so much again."""

SNAPSHOT_DECISIONS = 32
MAX_SNAPSHOTS = 64
POLL_SECONDS = 1.0
RETRY_SECONDS = 2.0

logger = structlog.get_logger("driftd.engine")


@dataclass(frozen=True, slots=True)
class Notify:
    """Where messages go and how alerts live; see `alerts`."""

    channels: Callable[[str, str], Sequence[str]] = lambda _model, _severity: ()
    life: Mapping[str, LifePolicy] = field(default_factory=dict)
    source: str = "/driftd"
    link: Callable[[str], str] = lambda _decision: ""


@dataclass(frozen=True, slots=True)
class Made:
    """A decision to be stored: its window's `records`, and the packed `profile` in its place."""

    decision: Decision
    records: int
    profile: bytes


class Durations:
    """How long it took to take an entry in and commit its decisions, as a histogram."""

    BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

    def __init__(self) -> None:
        self.counts = [0] * (len(self.BOUNDS) + 1)
        self.total = 0.0

    def observe(self, seconds: float) -> None:
        """Add one measurement."""
        self.counts[bisect_left(self.BOUNDS, seconds)] += 1
        self.total += seconds

    def cumulated(self) -> list[tuple[float, int]]:
        """Counts of everything at most as long as each bound."""
        return list(zip(self.BOUNDS, accumulate(self.counts), strict=False))


class LiveDriver:
    """Runs the engine behind the journal until it is stopped.

    Attributes
    ----------
    taken : number of the last entry that was taken in and whose decisions are on disk; the
        engine's own cursor runs ahead of it while they are written.
    failing : why the engine stands still, "" when it is well.

    Parameters
    ----------
    build : makes the engine from the saved state, or a new one; called again after an error,
        because an engine that raised has an undefined state.
    on_decisions : hears of committed decisions, on the driver's thread.
    idle : by model, the silence (microseconds) after which its windows are closed. It decides
        nothing, so the archived configuration that the engine runs on does not say it.
    on_made : hears of a decision as soon as it is made, with its window's rows; it may be made
        again after a crash.
    attend : looks after every entry whether the engine has something due, and writes control
        entries that take effect at once; see `drivers.teach`.
    """

    def __init__(
        self,
        archive: Archive,
        build: Callable[[], Engine],
        clock: Clock,
        notify: Notify,
        on_decisions: Callable[[Sequence[Decision]], None] = lambda _made: None,
        idle: Mapping[str, int] | None = None,
        attend: Callable[[Engine], Sequence[Entry]] = lambda _engine: (),
        on_made: Callable[[Decision], None] = lambda _made: None,
    ) -> None:
        self.engine = build()
        self.taken = self.engine.cursor
        self.failing = ""
        self.durations = Durations()
        self._archive = archive
        self._build = build
        self._clock = clock
        self._notify = notify
        self._on_decisions = on_decisions
        self._on_made = on_made
        self._idle = idle or {}
        self._attend = attend
        self._promises = Promises(archive.reader)
        self._unsaved = 0
        self._arrived: dict[str, int] = {}
        self._started = clock.now()
        self._saved = clock.monotonic()
        self._since_snapshot = SNAPSHOT_DECISIONS
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._progress = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)

    def start(self) -> None:
        """Begin to follow the journal."""
        self._thread.start()

    def wake(self) -> None:
        """There are new entries; without this they are found within `POLL_SECONDS`."""
        self._wake.set()

    def retune(self, notify: Notify, idle: Mapping[str, int]) -> None:
        """Take over another `Notify` and `idle` from the next entry on."""
        self._notify = notify
        self._idle = idle

    @property
    def alive(self) -> bool:
        """Whether the thread still follows the journal."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Finish the batch under way, save the state, end the thread."""
        self._stop.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()

    def wait_for(self, seq: int, seconds: float) -> bool:
        """Wait until entry `seq` has been taken in and its decisions are on disk."""
        with self._progress:
            return self._progress.wait_for(lambda: self.taken >= seq, seconds)

    def run_once(self) -> int:
        """Take in what the journal has now, one batch; the number of entries."""
        cursor = self.engine.cursor
        entries = self._archive.reader.run(
            # Blocks have a checksum of their own; replay compares with the SHA-256.
            lambda link: journal.read(link, cursor, READ_ENTRIES, READ_BYTES, verify=False)
        )
        for entry in entries:
            self._keep_promises()
            self._take_in(entry)
        self._keep_promises()
        return len(entries)

    def save(self) -> None:
        """Write the engine's state without a decision."""
        if self._unsaved:
            self._commit(())

    def close_idle(self) -> None:
        """Write into the journal which silent streams are to be closed (see `idle`)."""
        now = self._clock.now()
        for name, model in (*self.engine.models.items(), *self.engine.unfinished()):
            arrived = self._arrived.get(name, self._started)
            to = advance_to(model, arrived, now, self._idle.get(model_of(name)))
            if to is not None:
                self.append_control(control("advance", model=name, to=to))

    def append_control(self, payload: bytes) -> int:
        """Journal an instruction to the engine; its number, once it is on disk."""
        entry = Entry("control", payload, 0, 0, self._clock.now())
        seq = self._archive.writer.submit(lambda link: journal.append(link, entry)).result()
        self.wake()
        return seq

    def _run(self) -> None:
        while not self._stop.is_set():
            self._wake.clear()
            try:
                if not self.run_once():
                    self._save_now_and_then()
                    self.close_idle()
                    self._wake.wait(POLL_SECONDS)
                self.failing = ""
            except DriftdError as error:
                self._recover(error)
            except Exception as error:  # noqa: BLE001 - the thread must outlive whatever it meets
                self._recover(error)
        if not self.failing:
            self.save()

    def _save_now_and_then(self) -> None:
        """Saving after every small delivery would write the whole state for a few records."""
        if self._clock.monotonic() - self._saved >= SAVE_SECONDS:
            self.save()

    def _recover(self, error: Exception) -> None:
        """Say so, wait, and begin again from the last saved state, as soon as that can be had.

        The engine that raised is never asked again: it may have taken in a part of an entry.
        """
        self.failing = f"{type(error).__name__}: {error}"
        logger.error("engine_failed", error=self.failing, exc_info=error)
        while not self._stop.wait(RETRY_SECONDS):
            try:
                self.engine = self._build()
            except Exception as again:  # noqa: BLE001 - as in `_run`
                self.failing = f"{type(again).__name__}: {again}"
            else:
                self._unsaved, self.taken = 0, self.engine.cursor
                self._promises = Promises(self._archive.reader)
                return

    def _take_in(self, entry: Entry) -> None:
        started = self._clock.monotonic()
        steps = self.engine.steps(entry.seq, entry.kind, entry.payload)
        made = [packed(self._heard(decision)) for decision in steps]
        self._unsaved += entry.records + entry.labels + 1
        for name, model in self.engine.models.items():
            if model.last_seq == entry.seq:
                self._arrived[name] = entry.appended_at
        if made or self._unsaved >= SAVE_RECORDS:
            self._commit(made)
        self.durations.observe(self._clock.monotonic() - started)
        with self._progress:
            self.taken = entry.seq
            self._progress.notify_all()

    def _keep_promises(self) -> None:
        """Apply what takes effect behind the last entry: written before a crash, or now."""
        made = [packed(decision) for decision in self._promises.keep(self.engine)]
        for entry in self._attend(self.engine):
            self._unsaved += 1
            made += map(packed, self.engine.keep(entry.seq, entry.payload))
        if made:
            self._commit(made)

    def _heard(self, decision: Decision) -> Decision:
        self._on_made(decision)
        return decision

    def _commit(self, made: Sequence[Made]) -> None:
        now = self._clock.now()
        figures = self.engine.drain()
        state = EngineState(self.engine.cursor, compress(pack(self.engine.state())), now)
        self._since_snapshot += len(made)
        snapshot = self._since_snapshot >= SNAPSHOT_DECISIONS
        size = len(state.state) + sum(len(one.profile) for one in made)
        self._archive.writer.submit(
            lambda link: self._store(link, made, figures, state, snapshot=snapshot), size=size
        ).result()
        self._unsaved, self._saved = 0, self._clock.monotonic()
        if snapshot:
            self._since_snapshot = 0
        if made:
            self._on_decisions([one.decision for one in made])

    def _store(
        self,
        link: Connection,
        made: Sequence[Made],
        figures: Sequence[PerformanceRow],
        state: EngineState,
        *,
        snapshot: bool,
    ) -> None:
        for one in made:
            decisions.add(link, row(one, state), one.decision.evidence, one.profile)
            self._tell(link, one.decision, state.saved_at)
        performance_sql.save(link, figures, state.saved_at)
        engine_state.save(link, state)
        if snapshot:
            engine_state.keep_snapshot(link, state, MAX_SNAPSHOTS)

    def _tell(self, link: Connection, decision: Decision, now: int) -> None:
        speaker = reference(decision)
        before = alerts_sql.open_alerts(link, decision.model, speaker.segment)
        policy = self._notify.life.get(decision.model, LifePolicy())
        step = advance(before, signals(decision), speaker, now, policy)
        alerts_sql.save(link, step.alerts, now)
        for notification in step.notifications:
            body: Mapping[str, Any] = json.loads(decision.body)
            message = render_message(
                notification,
                body,
                source=self._notify.source,
                link=self._notify.link(decision.id),
            )
            names = self._notify.channels(decision.model, notification.severity.value)
            outbox_sql.add(link, rows_for(message, names, now))


def packed(decision: Decision) -> Made:
    """The decision without its window's profile, which is many times larger than its bytes.

    One delivery may close thousands of windows, and all of them are committed together.
    """
    window = decision.window
    profile = compress(pack(window.profile.state()))
    frame = window.profile.frame
    bare = replace(window, profile=_blank(frame), sample=Sample.empty(frame))
    return Made(replace(decision, window=bare), window.profile.rows, profile)


@lru_cache(maxsize=64)
def _blank(frame: Frame) -> Profile:
    return Profile(frame)


def row(made: Made, state: EngineState) -> DecisionRow:
    """The decision as the archive keeps it; an empty window stands on the entry that closed it."""
    decision, window = made.decision, made.decision.window
    return DecisionRow(
        decision_id=decision.id,
        model=decision.model,
        version=window.stream.version,
        segment=window.stream.segment,
        window_start=window.start,
        window_end=window.end,
        window_index=window.index,
        verdict=decision.verdict.value,
        baseline=decision.baseline,
        config=decision.config,
        records=made.records,
        journal_from=window.first or state.cursor,
        journal_to=window.last or state.cursor,
        made_at=state.saved_at,
        body=decision.body,
    )

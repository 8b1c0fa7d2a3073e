"""One daemon: built in order, started in order, stopped in reverse; can run inside a test."""

from __future__ import annotations

import os
import secrets
import socket
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np
import structlog

from alerts.life import LifePolicy
from alerts.worker import DeliveryWorker
from monitor.app import housekeeping
from monitor.app.baselines import build_from_journal, settle
from monitor.app.deliveries import DeliveryCounts
from monitor.app.measures import Measures
from monitor.app.models import ArchiveResolver, ledger_for
from monitor.app.plugins import offer, workers_of
from monitor.app.queries import ArchiveQueries
from monitor.app.rows import decoder_for, layout_of
from monitor.app.services import DaemonCommands, DaemonHealth, HttpIngest
from monitor.app.settings import (
    Routes,
    channels_of,
    file_source,
    limits_of,
    reading_of,
    source_name,
    web_settings,
)
from monitor.archive import baselines as stored
from monitor.archive import engine_state, journal, keys
from monitor.archive.archive import Archive
from monitor.archive.connection import wal_reset_bug
from monitor.archive.outbox_sql import SqlOutbox
from monitor.archive.quarantine import QuarantineBounds
from monitor.archive.writer import WriterBounds
from monitor.clock import MICROS
from monitor.config.digest import canonical_decision_config, decision_config, decision_digest
from monitor.config.load import load
from monitor.config.secrets import read_secret
from monitor.config.sources import FilesSource
from monitor.drivers.live import LiveDriver, Notify
from monitor.drivers.pump import Pump
from monitor.drivers.teach import Teacher
from monitor.engine.engine import Configuration, Engine
from monitor.errors import ConfigError
from monitor.intake.dedup import Dedup
from monitor.intake.intake import Intake, load_dedup
from monitor.model import model_of
from monitor.packing import decompress, unpack
from monitor.plugins.judging import PluginThread
from monitor.telemetry import Telemetry
from monitor.web.app import create_app
from monitor.web.server import WebServer, listen
from monitor.web.services import Services

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from detectors.sequential.budget import Ledger
    from monitor.archive.journal import Entry
    from monitor.baseline import Baseline
    from monitor.clock import Clock
    from monitor.config.model import Config
    from monitor.engine.decision import Decision
    from monitor.record import LabelBatch, Limits, RecordBatch

KEY_BYTES = 32
DELIVERY_STOP_SECONDS = 5.0

logger = structlog.get_logger("driftd")


class Daemon:
    """The running daemon of one configuration file.

    Parameters
    ----------
    path : the configuration file; read again by `reload`.

    Raises
    ------
    ConfigError, InputError, StorageError, UsageError
        The daemon cannot be built; nothing stays open.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self.config = load(path)
        self._path = path
        self._directory = path.absolute().parent
        self._clock = clock
        self._started = clock.now()
        self._reloading = threading.Lock()
        with ExitStack() as stack:
            self._build(stack)
            self._parts = stack.pop_all()

    @property
    def address(self) -> str:
        """Where pages and API answer."""
        return self._web.address

    def start(self) -> None:
        """Start what was built: engine, delivery, housekeeping, web, and at last the sources."""
        self._plugins.start()
        self._driver.start()
        self._worker.start()
        self._housekeeping.start()
        self._web.start()
        for pump in self._pumps:
            pump.start()
        logger.info("started", address=self.address, archive=self.config.archive.url)
        if wal_reset_bug():
            effect = "none: one connection alone writes and checkpoints"
            logger.info("sqlite_wal_reset_bug", effect=effect)

    def stop(self) -> None:
        """Take nothing new, finish what was begun, close; harmless when called twice."""
        self._parts.close()

    def reload(self) -> None:
        """Read the configuration again: all of it is taken, or nothing and an error says why.

        Models, budget and routes change at once; what is bound to the process (address, archive,
        sources, channels, limits) needs a restart and is refused.
        """
        with self._reloading:
            self._reload()

    def _reload(self) -> None:
        try:
            fresh = load(self._path)
            _same_process(self.config, fresh)
            configuration = self._activate(fresh)
        except Exception:
            self._measures.reload_successful = False
            raise
        self._configure(configuration)
        self.config = self._routes.config = self._queries.config = fresh
        self._tell_budget()
        self._driver.retune(self._notify(fresh), _idle(fresh))
        self._intake.rates = _rates(fresh)
        self._measures.reload_successful = True
        self._measures.reload_time = self._clock.now()
        logger.info("reloaded", config=configuration.config)

    def _build(self, stack: ExitStack) -> None:
        config, clock = self.config, self._clock
        limits = limits_of(config.limits)
        bounds = WriterBounds(queued_bytes=config.limits.queue_bytes)
        self._archive = stack.enter_context(Archive(config.archive.url, clock, bounds=bounds))
        self._resolver = ArchiveResolver(self._archive.reader)
        self._outbox = SqlOutbox(self._archive.writer, self._archive.reader)
        self._build_engine(stack)
        self._build_intake(limits)
        self._build_delivery(stack)
        self._housekeeping = housekeeping.Housekeeping(
            self._archive, config.archive.retention_days, clock
        )
        stack.callback(self._housekeeping.stop)
        self._build_web(stack, limits)
        self._pumps = [
            self._pump(source, limits)
            for source in config.sources
            if isinstance(source, FilesSource)
        ]
        for pump in self._pumps:
            stack.callback(pump.stop)

    def _build_engine(self, stack: ExitStack) -> None:
        configuration = self._activate(self.config)
        self._routes = Routes(self.config)
        self._teacher = Teacher(self._archive, self._clock, self._learned)
        self._driver = LiveDriver(
            self._archive,
            self._restored,
            self._clock,
            self._notify(self.config),
            self._on_decisions,
            _idle(self.config),
            self._attend,
            self._offer,
        )
        stack.callback(self._driver.stop)
        self._plugins = PluginThread(
            workers_of(self.config.plugins, self._clock), self._driver.append_control
        )
        stack.callback(self._plugins.stop)
        self._configure(configuration)

    def _offer(self, decision: Decision) -> None:
        """Let workers judge what was just decided."""
        offer(self._plugins, self._driver.engine, decision)

    def _attend(self, engine: Engine) -> Sequence[Entry]:
        """Learn what is due; pages and metrics then speak of another budget."""
        written = self._teacher.attend(engine)
        if written:
            self._tell_budget()
        return written

    def _learned(
        self, key: str, records: Sequence[RecordBatch], labels: Sequence[LabelBatch]
    ) -> Baseline:
        """A baseline of live records, as the configuration in force describes the model."""
        model = next(m for m in self.config.models if m.name == model_of(key))
        return build_from_journal(model, records, labels)

    def _notify(self, config: Config) -> Notify:
        return Notify(
            channels=self._routes.channels,
            life={
                model.name: LifePolicy(model.policy.for_windows, model.policy.recover_windows)
                for model in config.models
            },
            link=lambda decision: f"{public(self.address)}/decisions/{decision}",
        )

    def _activate(self, config: Config) -> Configuration:
        """Archive configuration and baselines, so that replay finds them."""
        digest, body = decision_digest(config), canonical_decision_config(config)
        chosen = settle(config, self._archive, self._clock)
        now = self._clock.now()
        self._archive.writer.submit(
            lambda link: stored.add_config(link, digest, body, now)
        ).result()
        return Configuration(digest, chosen)

    def _configure(self, configuration: Configuration) -> None:
        """Journal a change of configuration; the engine takes it over at that place."""
        pending = self._archive.reader.run(journal.last_seq) > self._driver.engine.cursor
        if pending or configuration != self._driver.engine.configuration:
            self._driver.append_control(configuration.control())

    def _restored(self) -> Engine:
        saved = self._archive.reader.run(engine_state.load)
        if saved is None:
            return Engine(self._resolver)
        return Engine.restore(unpack(decompress(saved.state)), self._resolver)

    def _build_intake(self, limits: Limits) -> None:
        config, archive = self.config, self._archive
        dedup = Dedup(config.limits.dedup_ids)
        archive.reader.run(
            lambda link: load_dedup(
                dedup,
                config.limits.dedup_ids,
                (block.hashes for block in journal.tail_backwards(link)),
            )
        )
        quarantine = QuarantineBounds(config.limits.quarantine_rows, config.limits.quarantine_bytes)
        key = self._hash_key()
        self._intake = Intake(
            _rates(config), key, archive.writer, dedup, self._clock, quarantine, self._driver.wake
        )
        self._limits = limits

    def _hash_key(self) -> bytes:
        """The secret of the keyed hash: from its file, or made once and kept in the archive."""
        path = self.config.privacy.key_file
        if path is not None:
            return read_secret(path).encode()[:64]
        fresh = secrets.token_hex(KEY_BYTES)
        return (
            self._archive.writer.submit(lambda link: keys.once(link, "hash_key", fresh))
            .result()
            .encode()
        )

    def _build_delivery(self, stack: ExitStack) -> None:
        channels = channels_of(self.config, self._clock)
        self._deliveries = DeliveryCounts()
        seed = int.from_bytes(os.urandom(8))
        self._worker = DeliveryWorker(
            self._outbox,
            channels,
            self._clock,
            np.random.default_rng(seed),
            observer=self._deliveries,
        )
        stack.callback(self._worker.stop, DELIVERY_STOP_SECONDS)

    def _build_web(self, stack: ExitStack, limits: Limits) -> None:
        config, clock = self.config, self._clock
        self._measures = Measures(
            self._archive,
            self._driver,
            self._outbox,
            self._deliveries,
            channels=[channel.name for channel in config.alerts.channels],
            sources=[source_name(source, self._directory) for source in config.sources],
        )
        telemetry = Telemetry(self._measures, max_series=config.limits.series)
        ingest = HttpIngest(self._intake, limits, config.limits.batch_records, clock)
        stack.callback(ingest.stop)
        self._queries = ArchiveQueries(
            self._archive, self._driver, self._resolver, config, self._started
        )
        self._tell_budget()
        services = Services(
            ingest=ingest,
            queries=self._queries,
            commands=DaemonCommands(
                self._archive, self._driver, self._intake, limits, clock, self.reload
            ),
            health=DaemonHealth(self._archive, self._driver),
            render_metrics=telemetry.render,
            clock=clock,
        )
        app = create_app(services, web_settings(config))
        self._web = WebServer(app, listen(config.server.host, config.server.port))
        stack.callback(self._web.stop)

    def _tell_budget(self) -> None:
        """Let pages and metrics say what the budget comes to."""
        ledger = self._ledger()
        expected = ledger.expected_false_alarms()
        self._measures.expected_ratio = expected / self.config.budget.false_alarms
        self._queries.budget = in_words(ledger)
        self._queries.shares = ledger.shares()

    def _ledger(self) -> Ledger:
        """The one budget, divided; see `detectors.sequential.budget`."""
        config = decision_config(self.config)
        names = {model.name for model in config.models}
        chosen = self._archive.reader.run(stored.active)
        loaded = {
            key: self._resolver.baseline(id_)
            for key, id_ in chosen.items()
            if model_of(key) in names
        }
        return ledger_for(config, loaded)

    def _pump(self, source: FilesSource, limits: Limits) -> Pump:
        layout = layout_of(source.model or "-", source.table)
        decoder = decoder_for(reading_of(source), layout, limits)
        files = file_source(source, self._directory)
        files.check()
        return Pump(files, decoder, self._intake, self._archive.reader, self._clock)

    def _on_decisions(self, made: Sequence[Decision]) -> None:
        for decision in made:
            logger.info(
                "decision",
                decision=decision.id,
                model=decision.model,
                segment=decision.window.stream.segment,
                verdict=decision.verdict.value,
                summary=decision.summary,
            )
        self._worker.wake()


def public(address: str) -> str:
    """The address as others may know it: this machine's name where we listen on all of its own."""
    for every in ("//0.0.0.0:", "//[::]:"):
        address = address.replace(every, f"//{socket.gethostname()}:")
    return address


def in_words(ledger: Ledger) -> str:
    """What the budget means for each stream, for people."""
    return "; ".join(f"{key.rstrip('/')}: {ledger.sentence(key)}" for key in ledger.streams)


def _idle(config: Config) -> dict[str, int]:
    return {model.name: model.window.idle * MICROS for model in config.models}


def _rates(config: Config) -> dict[str, float]:
    return {model.name: model.sampling.rate for model in config.models}


def _same_process(old: Config, new: Config) -> None:
    """Refuse what a reload cannot change."""
    fixed = ("server", "archive", "limits", "sources", "privacy", "plugins")
    changed = [name for name in fixed if getattr(old, name) != getattr(new, name)]
    if old.alerts.channels != new.alerts.channels:
        changed.append("alerts.channels")
    if changed:
        raise ConfigError([f"{', '.join(changed)}: changed; restart driftd to take that over"])

"""A back-test put together: configuration, baselines, history, and the engine that judges it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alerts.life import LifePolicy
from monitor.app.baselines import load_or_build, named_files, watched_columns
from monitor.app.models import DAY, build_engines, check_baseline, ledger_for, spec_of
from monitor.archive import journal
from monitor.columnar import decode_block, take
from monitor.config.digest import decision_config, decision_digest
from monitor.drivers.backtest import BackTest
from monitor.drivers.learn import build_baseline
from monitor.engine.engine import Configuration, Engine
from monitor.errors import InputError
from monitor.record import Decoded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from detectors.sequential.budget import Ledger
    from monitor.archive.journal import Entry
    from monitor.archive.reader import Reader
    from monitor.baseline import Baseline
    from monitor.config.digest import DecisionConfig
    from monitor.config.model import Config
    from monitor.config.watched import ModelConfig
    from monitor.drivers.backtest import Outcome
    from monitor.record import LabelBatch, RecordBatch

READ_ENTRIES = 64
READ_BYTES = 32 << 20


@dataclass(frozen=True, slots=True)
class Report:
    """What a back-test found, and the budget it was found under.

    `expected` bounds the false alarms of the models that had records, over the judged span.
    """

    outcome: Outcome
    baselines: Mapping[str, Baseline]
    ledger: Ledger
    expected: float


def run(
    config: Config,
    pieces: Iterable[Decoded],
    baselines: Mapping[str, Baseline],
    learn_days: float | None = None,
) -> Report:
    """Judge all `pieces` of history, oldest first.

    Parameters
    ----------
    baselines
        By model; what is missing there is learned from the first `learn_days` days of its records,
        which must fit in memory and are not judged.

    Raises
    ------
    ConfigError
        A baseline does not fit its model.
    InputError
        There is nothing to learn a baseline from, or no record of a configured model.
    """
    rest = iter(pieces)
    learned, left = _learned(config, rest, learn_days) if learn_days else ({}, [])
    known = {**baselines, **learned}
    watched = [model for model in config.models if model.name in known]
    if not watched:
        raise InputError("the logs hold no records of a model in the configuration")
    for model in watched:
        check_baseline(model, known[model.name])
    decisive = _without(decision_config(config), known)
    test = BackTest(_engine(config, decisive, known), _life(config))
    for piece in (*left, *rest):
        _feed(test, piece, known)
    outcome = test.finish()
    ledger = ledger_for(decisive, known)
    seen = {model for model, _ in outcome.streams}
    keys = [key for key in ledger.streams if key.partition("/")[0] in seen]
    periods = outcome.days / config.budget.per_days
    return Report(outcome, known, ledger, ledger.expected_false_alarms(keys) * periods)


def configured(models: Iterable[ModelConfig], now: int) -> dict[str, Baseline]:
    """The baselines that the configuration names, built where they are files of rows."""
    return {
        key: load_or_build(model, path, now)
        for model in models
        for key, path in named_files(model).items()
    }


def journalled(reader: Reader, start: int | None, end: int | None) -> Iterator[Decoded]:
    """What the archive's journal holds of records in `[start, end)` (microseconds)."""
    cursor = 0
    while entries := _following(reader, cursor):
        cursor = entries[-1].seq
        for entry in entries:
            if entry.kind == "records":
                records, labels = decode_block(entry.payload)
                yield Decoded([_within(batch, start, end) for batch in records], labels)


def _following(reader: Reader, cursor: int) -> tuple[Entry, ...]:
    return reader.run(lambda link: journal.read(link, cursor, READ_ENTRIES, READ_BYTES))


def _feed(test: BackTest, piece: Decoded, known: Mapping[str, Baseline]) -> None:
    records = [batch for batch in piece.records if batch.model in known and len(batch)]
    labels = [batch for batch in piece.labels if batch.model in known]
    test.feed(records, labels)


def _engine(config: Config, decisive: DecisionConfig, known: Mapping[str, Baseline]) -> Engine:
    """An engine that is configured, as an archive would do it, out of memory."""
    digest = decision_digest(config)
    chosen = Configuration(digest, {name: baseline.id for name, baseline in known.items()})
    engine = Engine(lambda _: build_engines(decisive, digest, known))
    for _ in engine.steps(0, "control", chosen.control()):
        pass
    return engine


def _without(decisive: DecisionConfig, known: Mapping[str, Baseline]) -> DecisionConfig:
    """The configuration with only the models that have a baseline."""
    kept = tuple(model for model in decisive.models if model.name in known)
    return decisive.model_copy(update={"models": kept})


def _life(config: Config) -> dict[str, LifePolicy]:
    return {
        model.name: LifePolicy(model.policy.for_windows, model.policy.recover_windows)
        for model in config.models
    }


def _learned(
    config: Config, pieces: Iterator[Decoded], days: float
) -> tuple[dict[str, Baseline], list[Decoded]]:
    """Baselines of the first `days` of each model, and what was read beyond them."""
    models = {model.name: model for model in config.models}
    rows: dict[str, list[RecordBatch]] = {}
    ends: dict[str, int] = {}
    newest: dict[str, int] = {}
    labels: list[LabelBatch] = []
    for piece in pieces:
        labels += piece.labels
        for batch in piece.records:
            name = batch.model
            if name in models and len(batch):
                rows.setdefault(name, []).append(batch)
                begin = _begin(models[name], int(batch.times.min()))
                ends[name] = min(ends.get(name, begin + int(days * DAY)), begin + int(days * DAY))
                newest[name] = max(newest.get(name, 0), int(batch.times.max()))
        if newest and all(newest[name] >= ends[name] + DAY for name in newest):
            break
    learned, left = {}, []
    for name, batches in rows.items():
        first = [_within(batch, None, ends[name]) for batch in batches]
        left += [_within(batch, ends[name], None) for batch in batches]
        first = [batch for batch in first if len(batch)]
        spec = spec_of(models[name], watched_columns(models[name], first))
        known = [batch for batch in labels if batch.model == name]
        learned[name] = build_baseline(first, spec, labels=known)
    return learned, [Decoded([batch for batch in left if len(batch)], labels)]


def _begin(model: ModelConfig, time: int) -> int:
    """Start of the time window that `time` lies in, so that learning ends where a window does."""
    every = model.window.every
    return time if every is None else time // (every * 1_000_000) * every * 1_000_000


def _within(batch: RecordBatch, start: int | None, end: int | None) -> RecordBatch:
    """The rows of a span, all of them where it has no bound."""
    low = -np.inf if start is None else start
    high = np.inf if end is None else end
    inside = (batch.times >= low) & (batch.times < high)
    return batch if inside.all() else take(batch, inside)

"""Which baseline a model is judged by: its file, built if it holds rows, or a later activation."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from hashlib import file_digest, sha256
from typing import TYPE_CHECKING

import structlog

from monitor import __version__
from monitor.app.columns import inferred_columns
from monitor.app.models import IGNORED, check_baseline, described, renewal_of, spec_of
from monitor.app.rows import read_rows
from monitor.archive import baselines as stored
from monitor.archive import keys
from monitor.archive.baselines import Activation, StoredBaseline
from monitor.baseline import MAGIC, Baseline, is_baseline
from monitor.drivers.learn import build_baseline
from monitor.errors import ConfigError, InputError, NotFoundError, StorageError
from monitor.model import key_of, model_of
from monitor.progress import unheard
from monitor.record import Limits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from monitor.archive.archive import Archive
    from monitor.clock import Clock
    from monitor.config.model import Config
    from monitor.config.watched import ModelConfig
    from monitor.model import ModelSpec
    from monitor.progress import Progress
    from monitor.record import LabelBatch, RecordBatch
    from monitor.schema import ColumnSpec

CONFIGURED = "configuration"
"""Reason of an activation that the configuration asked for."""

logger = structlog.get_logger("driftd.baselines")


def build_from_rows(
    model: ModelConfig,
    path: Path,
    now: int,
    progress: Progress = unheard,
) -> Baseline:
    """Learn a model's baseline from a file of rows.

    Raises
    ------
    InputError
        The file cannot be read, or has too few records.
    """
    decoded = read_rows(path, model.name, model.table, Limits(max_future_seconds=1e12), now)
    batches = [batch for batch in decoded.records if batch.model == model.name]
    if decoded.problems:
        first = decoded.problems[0]
        logger.warning(
            "baseline_rows_rejected",
            path=str(path),
            rejected=len(decoded.problems),
            first=f"line {first.line}: {first.detail}",
        )
    columns = watched_columns(model, batches)
    if not columns:
        raise InputError(f"{path}: no column to watch; see models[].columns in the configuration")
    labels = [batch for batch in decoded.labels if batch.model == model.name]
    return build_baseline(batches, learning_spec(model, columns), progress, labels)


def build_from_journal(
    model: ModelConfig, records: Sequence[RecordBatch], labels: Sequence[LabelBatch]
) -> Baseline:
    """Learn a model's baseline (or that of one version) from records of the live log.

    Raises
    ------
    InputError
        There are too few records, or none with a column to watch.
    """
    columns = watched_columns(model, records) if records else ()
    if not columns:
        raise InputError(f"model {model.name!r}: the live log has no column to watch yet")
    return build_baseline(records, learning_spec(model, columns), labels=labels)


def learning_spec(model: ModelConfig, columns: Sequence[ColumnSpec]) -> ModelSpec:
    """What the learner needs to know of a model."""
    return replace(spec_of(model, columns), renewal=renewal_of(model.baseline))


def watched_columns(model: ModelConfig, batches: Sequence[RecordBatch]) -> tuple[ColumnSpec, ...]:
    """The columns of the rows, as inferred and as the configuration describes them."""
    inferred = inferred_columns(batches, model.positive)
    columns = [described(column, model.columns) for column in inferred]
    return tuple(column for column in columns if column.kind != IGNORED)


def load_or_build(model: ModelConfig, path: Path, now: int) -> Baseline:
    """The baseline of a file: as it was built, or built now from its rows."""
    if not is_baseline(path):
        return build_from_rows(model, path, now)
    return Baseline.from_bytes(path.read_bytes())


def _known_or_built(archive: Archive, model: ModelConfig, path: Path, now: int) -> Baseline:
    """As `load_or_build`, but rows that were learned from before are not learned from again.

    Their digest and the configuration's name what was learned; the archive remembers under it.
    """
    if is_baseline(path):
        return Baseline.from_bytes(path.read_bytes())
    key = f"learned:{_learning_digest(model, path)}"
    known = archive.reader.run(lambda link: keys.known(link, key))
    if known is not None:
        with suppress(NotFoundError, StorageError):
            found = archive.reader.run(lambda link: stored.get(link, known))
            return Baseline.from_bytes(found.body)
    baseline = build_from_rows(model, path, now)
    row = StoredBaseline(baseline.id, baseline.model, now, baseline.to_bytes())

    def unit(link: Connection) -> None:
        _add(link, row)
        keys.replace(link, key, baseline.id)

    archive.writer.submit(unit, size=len(row.body)).result()
    return baseline


def _learning_digest(model: ModelConfig, path: Path) -> str:
    """Names everything that a baseline of a file of rows depends on, this driftd included."""
    settings = model.judged().model_dump(mode="json")
    policy = model.baseline.policy.model_dump(mode="json")
    table = None if model.table is None else model.table.model_dump(mode="json")
    said = json.dumps([__version__, MAGIC.hex(), settings, policy, table], sort_keys=True)
    digest = sha256(said.encode())
    try:
        with path.open("rb") as file:
            digest.update(file_digest(file, sha256).digest())
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    return digest.hexdigest()


def named_files(model: ModelConfig) -> dict[str, Path]:
    """The files that a model's configuration names, by the key of what they are normal for."""
    files = {key_of(model.name, version): path for version, path in model.baseline.versions.items()}
    return files if model.baseline.path is None else {model.name: model.baseline.path, **files}


def settle(config: Config, archive: Archive, clock: Clock) -> dict[str, str]:
    """The baseline id of every model; new ones are stored and activated.

    A file that was not activated before wins; else the newest activation does, so that
    `driftd baseline activate` outlives a restart. All models are settled, or none.

    Raises
    ------
    ConfigError
        A baseline does not fit its model.
    """
    models = {model.name: model for model in config.models}
    named = {
        key: _known_or_built(archive, model, path, clock.now())
        for model in config.models
        for key, path in named_files(model).items()
    }
    for key, baseline in named.items():
        check_named(models[model_of(key)], baseline)
    return archive.writer.submit(lambda link: _settled(link, models, named, clock.now())).result()


def check_named(model: ModelConfig, baseline: Baseline) -> None:
    """Refuse a baseline that a configuration names and that does not fit it.

    Raises
    ------
    ConfigError
        Says what differs and what to do.
    """
    check_baseline(model, baseline)
    if model.baseline.season and not baseline.season:
        again = f"build it anew with: driftd baseline build {model.name} ROWS"
        problem = f"model {model.name!r}: its baseline was learned without 'season'; {again}"
        raise ConfigError([problem])


def _settled(
    link: Connection, models: Mapping[str, ModelConfig], named: Mapping[str, Baseline], now: int
) -> dict[str, str]:
    """What every key is judged by: what was named or activated, and what was learned live."""
    chosen = {
        key: _activate(link, models[model_of(key)], key, baseline, now)
        for key, baseline in named.items()
    }
    for key, active in stored.active(link).items():
        model = models.get(model_of(key))
        if model is not None and key not in chosen and _may_learn(model, key):
            try:
                check_baseline(model, Baseline.from_bytes(stored.get(link, active).body))
            except ConfigError as error:
                # It was learned for other windows or columns: learn again.
                logger.warning("baseline_left", model=key, baseline=active, reason=str(error))
            else:
                chosen[key] = active
    return chosen


def _may_learn(model: ModelConfig, key: str) -> bool:
    """Whether the configuration lets this key have a baseline that nobody named."""
    alone = model.baseline.learn if key == model.name else model.baseline.handover
    return alone is not None


def _activate(link: Connection, model: ModelConfig, key: str, baseline: Baseline, now: int) -> str:
    _add(link, StoredBaseline(baseline.id, baseline.model, now, baseline.to_bytes()))
    past = stored.history(link, key)
    configured = next((seen.baseline for seen in past if seen.reason == CONFIGURED), None)
    if configured != baseline.id:
        asked = Activation(key, baseline.id, now, CONFIGURED)
        stored.activate(link, asked, again=True)
    active = stored.active(link)[key]
    if active != baseline.id:
        check_baseline(model, Baseline.from_bytes(stored.get(link, active).body))
    return active


def _add(link: Connection, row: StoredBaseline) -> None:
    """Store a baseline that is not there yet."""
    try:
        stored.get(link, row.id)
    except NotFoundError:
        stored.add(link, row)

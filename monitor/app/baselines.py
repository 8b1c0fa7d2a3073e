"""Which baseline a model is judged by: its file, built if it holds rows, or a later activation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from monitor.app.columns import inferred_columns
from monitor.app.models import IGNORED, check_baseline, described, spec_of
from monitor.app.rows import read_rows
from monitor.archive import baselines as stored
from monitor.archive.baselines import Activation, StoredBaseline
from monitor.baseline import Baseline, is_baseline
from monitor.drivers.learn import build_baseline
from monitor.errors import InputError, NotFoundError
from monitor.progress import unheard
from monitor.record import Limits

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sqlalchemy import Connection

    from monitor.archive.archive import Archive
    from monitor.clock import Clock
    from monitor.config.model import Config
    from monitor.config.watched import ModelConfig
    from monitor.progress import Progress
    from monitor.record import RecordBatch
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
    return build_baseline(batches, spec_of(model, columns), progress)


def watched_columns(model: ModelConfig, batches: Sequence[RecordBatch]) -> tuple[ColumnSpec, ...]:
    """The columns of the rows, as inferred and as the configuration describes them."""
    inferred = inferred_columns(batches, model.positive)
    columns = [described(column, model.columns) for column in inferred]
    return tuple(column for column in columns if column.kind != IGNORED)


def load_or_build(model: ModelConfig, now: int) -> Baseline:
    """The baseline that a model's configuration names."""
    if not is_baseline(model.baseline):
        return build_from_rows(model, model.baseline, now)
    return Baseline.from_bytes(model.baseline.read_bytes())


def settle(config: Config, archive: Archive, clock: Clock) -> dict[str, str]:
    """The baseline id of every model; new ones are stored and activated.

    A file that was not activated before wins; else the newest activation does, so that
    `driftd baseline activate` outlives a restart. All models are settled, or none.

    Raises
    ------
    ConfigError
        A baseline does not fit its model.
    """
    named = [(model, load_or_build(model, clock.now())) for model in config.models]
    for model, baseline in named:
        check_baseline(model, baseline)
    return archive.writer.submit(
        lambda link: {
            model.name: _activate(link, model, baseline, clock.now()) for model, baseline in named
        }
    ).result()


def _activate(link: Connection, model: ModelConfig, baseline: Baseline, now: int) -> str:
    row = StoredBaseline(baseline.id, baseline.model, now, baseline.to_bytes())
    try:
        stored.get(link, baseline.id)
    except NotFoundError:
        stored.add(link, row)
    past = stored.history(link, baseline.model)
    configured = next((seen.baseline for seen in past if seen.reason == CONFIGURED), None)
    if configured != baseline.id:
        asked = Activation(baseline.model, baseline.id, now, CONFIGURED)
        stored.activate(link, asked, again=True)
    active = stored.active(link)[baseline.model]
    if active != baseline.id:
        check_baseline(model, Baseline.from_bytes(stored.get(link, active).body))
    return active

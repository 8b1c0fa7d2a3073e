"""`driftd labels import`: truths from a file, sent to the running daemon."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.app.rows import decoder_for, format_of
from monitor.app.settings import limits_of
from monitor.cli.daemon import send
from monitor.cli.options import config_file
from monitor.cli.output import say
from monitor.clock import SystemClock
from monitor.config.load import load
from monitor.config.tables import TableConfig
from monitor.decoders.layout import TableLayout
from monitor.errors import InputError, UsageError
from monitor.intake.lines import label_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monitor.config.model import Config
    from monitor.config.watched import ModelConfig
    from monitor.record import Decoded

BATCH = 5_000
SHOWN = 10


@click.group(name="labels", epilog="Example: driftd labels import truths.csv")
def command() -> None:
    """Tell the daemon what turned out to be true."""


@command.command(name="import", epilog="Example: driftd labels import truths.csv --label defaulted")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--model", "name", help="Whose predictions they speak of, if there are several.")
@click.option("--id", "id_", help="Column with the id of the prediction.")
@click.option("--label", help="Column with the truth.")
@click.option("--time", help="Column that says when the truth was known; now without one.")
@config_file
def import_(
    path: Path, file: Path, name: str | None, id_: str | None, label: str | None, time: str | None
) -> None:
    """Send the labels of FILE (Parquet, CSV, NDJSON) to the daemon.

    Columns are found by their usual names or by `table` of the model's configuration. Labels join
    predictions by id, in any order; one that is sent again changes nothing, a later one corrects.
    """
    config = load(path)
    model = _model(config, name)
    layout = _layout(model, id_, label, time)
    decoded = _read(file, layout, config)
    if not decoded.labels:
        first = f": {decoded.problems[0].detail}" if decoded.problems else ""
        raise InputError(f"{file}: no row has an id and a label{first}")
    doors: Counter[str] = Counter()
    for payload in _payloads(decoded):
        answer = send(config, payload)
        doors.update({door: answer[door] for door in ("accepted", "duplicate", "rejected")})
        for problem in answer["problems"][:SHOWN]:
            click.echo(f"{problem['reason']}: {problem['detail']}", err=True)
    for problem in decoded.problems[:SHOWN]:
        click.echo(f"line {problem.line}: {problem.detail}", err=True)
    rejected = doors["rejected"] + len(decoded.problems)
    say(
        f"{doors['accepted']:,} labels were accepted, {doors['duplicate']:,} were known, "
        f"{rejected:,} were rejected."
    )


def _model(config: Config, name: str | None) -> ModelConfig:
    models = {model.name: model for model in config.models}
    if name is None and len(models) == 1:
        return config.models[0]
    if name not in models:
        raise UsageError(f"say which model with --model: {', '.join(models)}")
    return models[name]


def _layout(
    model: ModelConfig, id_: str | None, label: str | None, time: str | None
) -> TableLayout:
    """Roles of a file of labels: whatever else it has is of no interest."""
    table = model.table or TableConfig()
    return TableLayout(
        model=model.name,
        id=id_ or table.id,
        label=label or table.label,
        label_time=time or table.label_time,
        prediction="",
        score="",
        scores={},
        segments=(),
        features=(),
        timezone=table.timezone,
        time_unit=table.time_unit,
    )


def _read(file: Path, layout: TableLayout, config: Config) -> Decoded:
    kind = format_of(file)
    try:
        payload = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from error
    if b'"label"' in payload[:BATCH] and b'"type"' in payload[:BATCH] and kind == "ndjson":
        kind = "native"
    decoder = decoder_for(kind, layout, limits_of(config.limits))
    return decoder.decode(payload, SystemClock().now())


def _payloads(decoded: Decoded) -> Iterator[bytes]:
    """Native lines, `BATCH` to a request."""
    lines: Sequence[bytes] = [line for batch in decoded.labels for line in label_lines(batch)]
    for start in range(0, len(lines), BATCH):
        yield b"\n".join(lines[start : start + BATCH])

"""`driftd baseline`: what normal looks like, built, listed, shown, activated."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from monitor.archive import baselines as stored
from monitor.archive.archive import Archive
from monitor.archive.baselines import Activation
from monitor.archive.reader import Reader
from monitor.baseline import Baseline, is_baseline
from monitor.cli.options import as_json, config_file
from monitor.cli.output import print_json, print_table, say
from monitor.clock import SystemClock
from monitor.config.load import load
from monitor.engine.decision import rfc3339
from monitor.errors import NotFoundError, UsageError
from monitor.progress import unheard

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.config.watched import ModelConfig
    from monitor.progress import Progress


WITHOUT_ROWS: Final = (
    "Without its row sample the baseline says nothing of several columns together, of performance "
    "and of single rows (units, sentinels, replays); columns are watched as before."
)


@click.group(name="baseline", epilog="Example: driftd baseline build flights rows.parquet")
def command() -> None:
    """Build, list, show and activate baselines."""


@command.command(epilog="Example: driftd baseline build flights q1.parquet -o flights.baseline")
@click.argument("model")
@click.argument("rows", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Default: MODEL.baseline")
@click.option("--no-rows", is_flag=True, help="Leave the row sample out: no single row is kept.")
@config_file
def build(model: str, rows: Path, output: Path | None, path: Path, *, no_rows: bool) -> None:
    """Learn a baseline for MODEL from a file of ROWS (Parquet, CSV, NDJSON or native records).

    The rows are cut into windows as `models[].window` in the configuration says.
    """
    from monitor.app.baselines import build_from_rows  # noqa: PLC0415 - imports all detectors

    config = _model(path, model)
    target = output or Path(f"{model}.baseline")
    with _progress("learning") as progress:
        baseline = build_from_rows(config, rows, SystemClock().now(), progress)
    if no_rows:
        baseline = baseline.without_rows()
        say(WITHOUT_ROWS)
    target.write_bytes(baseline.to_bytes())
    say(f"{target}: {baseline.rows:,} records in {len(baseline.whole.history.rows)} windows.")
    say(f"Guarantee: {baseline.whole.calibration.guarantee.text}.")
    click.echo(baseline.id)


@command.command(name="list", epilog="Example: driftd baseline list --json")
@config_file
@as_json
def list_(path: Path, *, as_json: bool) -> None:
    """List the baselines of the archive, newest first; the active ones are marked."""
    with Reader(load(path).archive.url) as reader:
        heads = reader.run(stored.heads)
    if as_json:
        print_json([_plain(head) for head in heads])
        return
    rows = [
        (head.id[:12], head.model, rfc3339(head.created_at), "active" if head.active else "")
        for head in heads
    ]
    print_table(("id", "model", "stored", ""), rows)


@command.command(epilog="Example: driftd baseline show flights.baseline")
@click.argument("which")
@config_file
@as_json
def show(which: str, path: Path, *, as_json: bool) -> None:
    """Show a baseline: WHICH is a file, or an id (or its beginning) in the archive."""
    about = _about(_find(which, path))
    if as_json:
        print_json(about)
        return
    columns = about.pop("columns")
    for name, value in about.items():
        click.echo(f"{name}: {value}")
    click.echo()
    print_table(("column", "kind", "unit"), [(c["name"], c["kind"], c["unit"]) for c in columns])


@command.command(epilog="Example: driftd baseline activate 3f2a91c0")
@click.argument("baseline")
@config_file
def activate(baseline: str, path: Path) -> None:
    """Judge its model by BASELINE (an id or its beginning) from the next start on.

    The daemon must not be running on the archive; what was decided before stays as it is.
    """
    clock = SystemClock()
    with Archive(load(path).archive.url, clock) as archive:
        found = archive.reader.run(lambda link: stored.get(link, baseline))
        change = Activation(found.model, found.id, clock.now(), "driftd baseline activate")
        archive.writer.submit(lambda link: stored.activate(link, change)).result()
    say(f"model {found.model} is judged by baseline {found.id[:12]} from the next start on.")


def _model(path: Path, name: str) -> ModelConfig:
    config = load(path)
    for model in config.models:
        if model.name == name:
            return model
    known = ", ".join(model.name for model in config.models)
    raise UsageError(f"there is no model {name!r} in {path}; models: {known}")


def _find(which: str, path: Path) -> Baseline:
    file = Path(which)
    if file.exists():
        if not is_baseline(file):
            raise UsageError(f"{file} holds rows, not a built baseline")
        return Baseline.from_bytes(file.read_bytes())
    with Reader(load(path).archive.url) as reader:
        try:
            return Baseline.from_bytes(reader.run(lambda link: stored.get(link, which)).body)
        except NotFoundError:
            raise NotFoundError(f"there is no file and no baseline {which!r}") from None


def _about(baseline: Baseline) -> dict[str, Any]:
    whole = baseline.whole
    return {
        "id": baseline.id,
        "model": baseline.model,
        "records": baseline.rows,
        "from": rfc3339(baseline.start),
        "to": rfc3339(baseline.end),
        "windows": len(whole.history.rows),
        "season": whole.season.describe(),
        "segments": ", ".join(name for name in baseline.segments if name) or "none",
        "stage": whole.stage.value,
        "guarantee": whole.calibration.guarantee.text,
        "row sample": f"{len(whole.sample):,} rows" if len(whole.sample) else "none",
        "columns": [
            {"name": column.name, "kind": column.kind, "unit": column.unit}
            for column in baseline.columns
        ],
    }


def _plain(head: stored.BaselineHead) -> dict[str, Any]:
    return {
        "id": head.id,
        "model": head.model,
        "stored": rfc3339(head.created_at),
        "active": head.active,
    }


@contextmanager
def _progress(what: str) -> Iterator[Progress]:
    """A bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield unheard
        return
    with click.progressbar(length=100, label=what, file=sys.stderr) as bar:
        yield lambda done, total: bar.update(int(100 * done / max(total, 1)) - bar.pos)

"""`driftd init`: from a log that driftd has never seen to a configuration that runs unedited."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import numpy as np

from monitor.app.baselines import build_from_rows
from monitor.baseline import SUFFIX
from monitor.cli.init_log import name_of, read_log
from monitor.cli.init_rules import rules_for
from monitor.cli.init_text import SEGMENT_VALUES, Plan, compose, task_of
from monitor.cli.init_window import choose
from monitor.cli.output import progress, say
from monitor.clock import SystemClock
from monitor.config.load import parse_config
from monitor.engine.columns import as_texts
from monitor.errors import UsageError
from monitor.record import PREDICTION, SCORE_PREFIX
from monitor.schema import ColumnSpec, Guess, guess, sample_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.cli.init_log import Log
    from monitor.cli.init_text import Task
    from monitor.record import Column

SHOWN_PROBLEMS: Final = 3


@click.command(name="init", epilog="Example: driftd init january.parquet -o driftd.yaml")
@click.argument("data", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("-o", "--output", default="driftd.yaml", show_default=True,
              type=click.Path(dir_okay=False, path_type=Path),
              help="The configuration to write; the baseline goes beside it.")  # fmt: skip
@click.option("--model", help="Name of the model; from the records or the file's name if left out.")
@click.option("--force", is_flag=True, help="Overwrite what is there.")
def command(data: Path, *, output: Path, model: str | None, force: bool) -> None:
    """Look at DATA and write a configuration and a baseline for it.

    DATA is a log of predictions: Parquet, CSV or NDJSON, as a table or as driftd's own records.
    The configuration says behind each choice why it was made.
    """
    now = SystemClock().now()
    log = read_log(data, name_of(Path(model)) if model else None, now)
    target = output.parent / f"{log.model}{SUFFIX}"
    _refuse_to_overwrite(output, target, force=force)
    _tell_problems(log)
    plan = _plan(log, target.name)
    text = compose(plan)
    (configured,) = parse_config(
        text.encode(), name=str(output), base=output.absolute().parent, environ={}
    ).models
    with progress("learning what is normal") as advance:
        baseline = build_from_rows(configured, data, now, advance)
    target.write_bytes(baseline.to_bytes())
    output.write_text(text, encoding="utf-8")
    windows = len(baseline.whole.history.rows)
    say(f"wrote {output} and {target} ({baseline.rows:,} records, {windows:,} windows)")
    say(f"next: read {output}, then start the daemon with: driftd run -c {output}")


def _refuse_to_overwrite(*paths: Path, force: bool) -> None:
    for folder in {path.absolute().parent for path in paths}:
        if not folder.is_dir():
            raise UsageError(f"{folder} is not a directory")
    existing = [str(path) for path in paths if path.exists()]
    if existing and not force:
        verb = "exists" if len(existing) == 1 else "exist"
        raise UsageError(f"{' and '.join(existing)} {verb}; overwrite with --force")


def _tell_problems(log: Log) -> None:
    if log.problems:
        say(f"{log.path}: {len(log.problems):,} of {log.received:,} rows cannot be read")
    for problem in log.problems[:SHOWN_PROBLEMS]:
        say(problem)


def _plan(log: Log, baseline: str) -> Plan:
    sample = sample_columns(log.batches)
    guesses = [guess(name, column) for name, column in sample.items()]
    task = task_of(guesses, _values(sample, PREDICTION))
    times = np.concatenate([batch.times for batch in log.batches])
    return Plan(
        log=log,
        guesses=[_one_score(found, task) for found in guesses],
        task=task,
        window=choose(times, timed=log.timed),
        span=(int(times.min()), int(times.max())),
        baseline=baseline,
        rules=_rules(guesses, sample),
        segment=next(
            (
                found.spec.name
                for found in guesses
                if found.spec.kind == "categorical"
                and found.spec.name != PREDICTION
                and len(_values(sample, found.spec.name)) in SEGMENT_VALUES
            ),
            "",
        ),
    )


def _rules(
    guesses: Sequence[Guess], sample: Mapping[str, Column]
) -> dict[str, tuple[dict[str, Any], str]]:
    return {found.spec.name: rules_for(found, sample[found.spec.name]) for found in guesses}


def _values(sample: Mapping[str, Column], name: str) -> tuple[str, ...]:
    return as_texts(sample[name]).vocabulary if name in sample else ()


def _one_score(found: Guess, task: Task) -> Guess:
    """In binary models the scores of the two classes say the same; one of them is enough."""
    name = found.spec.name
    if task.positive is None or name in {PREDICTION, SCORE_PREFIX + task.positive}:
        return found
    if not name.startswith(SCORE_PREFIX):
        return found
    why = f"says the same as {SCORE_PREFIX}{task.positive}"
    return Guess(ColumnSpec(name, "ignore"), why, "")

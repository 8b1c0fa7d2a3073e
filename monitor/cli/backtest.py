"""`driftd backtest`: what would have fired on history, under this configuration."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from detectors.sequential.budget import Share
from monitor.cli.options import as_json, config_file
from monitor.cli.output import print_json, print_table, progress, say
from monitor.cli.replay import micros_of
from monitor.clock import SystemClock
from monitor.config.load import load
from monitor.engine.decision import rfc3339
from monitor.engine.sentences import moment, number
from monitor.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from monitor.app.backtest import Report
    from monitor.config.model import Config
    from monitor.config.watched import ModelConfig
    from monitor.drivers.backtest import Fired, Reach, StreamOutcome
    from monitor.record import Decoded

VERDICTS: Final = ("stable", "warning", "drift", "broken", "insufficient")
RESTLESS: Final = 0.2
"""Share of windows near the line from which a column is called always near it."""
FEW_WINDOWS: Final = 5
DAY: Final = 86_400
ACCUMULATED: Final = frozenset(Share) | {"drift", "missing", "wrong_type"}
"""Kinds that say something new each time: evidence had to grow again."""

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_DAYS = click.FloatRange(0, 36_500, min_open=True)


@click.command(
    epilog="Example: driftd backtest 2025-*.parquet --baseline-days 90, or --from 2026-06-01"
)
@click.argument("logs", nargs=-1, type=_FILE)
@click.option("--baseline-days", type=_DAYS, help="Learn the baseline from the first so many days.")
@click.option("--model", help="The model that tables are of, where the configuration has several.")
@click.option("--from", "from_", metavar="TIME",
              help="Without LOGS: records of the journal from this RFC 3339 time on.")  # fmt: skip
@click.option("--to", metavar="TIME", help="Without LOGS: records before this time.")
@config_file
@as_json
def command(
    logs: tuple[Path, ...],
    baseline_days: float | None,
    model: str | None,
    from_: str | None,
    to: str | None,
    path: Path,
    *,
    as_json: bool,
) -> None:
    """Run history through the engine and show what would have fired, and when.

    LOGS are files as the daemon would read them (Parquet, CSV, NDJSON, native records), oldest
    first; without them it is what the archive's journal holds. Nothing is written. Memory stays
    bounded, but for the rows of --baseline-days.
    """
    config = load(path)
    if logs and (from_ or to):
        raise UsageError("--from and --to are for the archive's journal; leave LOGS out")
    if logs:
        found = _of_files(config, logs, model, baseline_days)
    else:
        found = _of_journal(config, micros_of(from_), micros_of(to), baseline_days)
    if as_json:
        print_json(_plain(found))
    else:
        _tell(found)


def _of_files(
    config: Config, logs: tuple[Path, ...], name: str | None, days: float | None
) -> Report:
    from monitor.app.backtest import configured, run  # noqa: PLC0415 - imports all detectors
    from monitor.app.reading import LogFiles  # noqa: PLC0415 - as above
    from monitor.app.rows import layout_of  # noqa: PLC0415 - as above
    from monitor.app.settings import limits_of  # noqa: PLC0415 - as above

    model, now = _chosen(config, name), SystemClock().now()
    if days is None and model.baseline.learn is not None:
        days = model.baseline.learn / DAY
    files = LogFiles(logs, layout_of(model.name, model.table), limits_of(config.limits), now)
    baselines = {} if days else configured(config.models, now)
    with progress("judging") as show:
        found = run(config, _shown(files.pieces(), lambda: show(files.done, files.total)),
                    baselines, days)  # fmt: skip
    if files.rejected:
        say(f"{files.rejected:,} rows cannot be read and were left out; {files.first}")
    return found


def _of_journal(config: Config, start: int | None, end: int | None, days: float | None) -> Report:
    from monitor.app.backtest import configured, journalled, run  # noqa: PLC0415 - as above
    from monitor.app.models import ArchiveResolver  # noqa: PLC0415 - as above
    from monitor.archive import baselines as stored  # noqa: PLC0415 - as above
    from monitor.archive.reader import Reader  # noqa: PLC0415 - as above

    with Reader(config.archive.url) as reader:
        resolver, active = ArchiveResolver(reader), reader.run(stored.active)
        baselines = {} if days else {name: resolver.baseline(id_) for name, id_ in active.items()}
        if not days:
            missing = [model for model in config.models if model.name not in baselines]
            baselines |= configured(missing, SystemClock().now())
        return run(config, journalled(reader, start, end), baselines, days)


def _shown(pieces: Iterator[Decoded], show: Callable[[], None]) -> Iterator[Decoded]:
    for piece in pieces:
        yield piece
        show()


def _chosen(config: Config, name: str | None) -> ModelConfig:
    for model in config.models:
        if name in {None, model.name}:
            return model
    raise UsageError(f"there is no model {name!r} in the configuration")


def _tell(found: Report) -> None:
    outcome = found.outcome
    if outcome.start is None or outcome.end is None:
        click.echo("No window was closed: the logs hold too little, or nothing of these models.")
        return
    budget, count = found.ledger.budget, len(outcome.fired)
    click.echo(
        f"{outcome.records:,} records in {outcome.days:.0f} days, "
        f"{moment(outcome.start)} to {moment(outcome.end)}."
    )
    for model, baseline in found.baselines.items():
        windows = _counted(len(baseline.whole.history.rows), "window")
        click.echo(f"Baseline of {model}: {baseline.rows:,} records in {windows}; "
                   f"{baseline.whole.calibration.guarantee.text}.")  # fmt: skip
    click.echo(
        f"Alerts: {count} fired. False ones: {number(found.expected)} at most are to be expected "
        f"in this time ({budget.false_alarms:g} per {budget.per_days:g} days)."
    )
    if outcome.late:
        click.echo(f"{outcome.late:,} records were late for their window: sort the logs by time.")
    if outcome.fired:
        click.echo()
        print_table(
            ("fired", "resolved", "found after", "severity", "segment", "what"),
            list(map(_alert_row, *_grouped(outcome.fired))),
        )
    click.echo("\nVerdicts")
    print_table(("stream", "stage", *VERDICTS), list(map(_verdict_row, outcome.streams.items())))
    for (model, segment), stream in outcome.streams.items():
        if not segment:
            _tell_columns(model, stream)


def _tell_columns(model: str, stream: StreamOutcome) -> None:
    if stream.power:
        click.echo(f"\n{model}: {stream.power['text']} (typical column, nine times in ten).")
    click.echo(f"\nColumns of {model}, all records; evidence and line as powers of ten")
    columns = sorted(stream.columns.items(), key=lambda item: -item[1].restless)
    print_table(
        ("column", "line", "most", "windows", "near", "over"),
        [_reach_row(name, reach) for name, reach in columns],
    )
    restless = [name for name, reach in columns if _is_restless(reach)]
    if restless:
        click.echo(
            f"\nOften near the line or over it: {', '.join(restless)}. If that is normal for them, "
            "a longer or more recent baseline, `baseline: {season: true}` or less importance helps."
        )


def _is_restless(reach: Reach) -> bool:
    return reach.windows >= FEW_WINDOWS and reach.restless >= RESTLESS


def _grouped(fired: Sequence[Fired]) -> tuple[list[Fired], list[int]]:
    """Alerts to show and how often each fired: a rule that fires every week is told once."""
    groups: dict[tuple[str, ...], list[Fired]] = {}
    for alert in fired:
        key: tuple[str, ...] = (alert.model, alert.segment, alert.column, alert.kind)
        if alert.kind in ACCUMULATED:
            key = (*key, str(alert.fired))
        groups.setdefault(key, []).append(alert)
    shown = [replace(found[0], resolved=found[-1].resolved) for found in groups.values()]
    return shown, [len(found) for found in groups.values()]


def _alert_row(alert: Fired, times: int) -> tuple[str, ...]:
    again = f" (fired {times} times, last resolution shown)" if times > 1 else ""
    return (
        moment(alert.fired),
        "still firing" if alert.resolved is None else moment(alert.resolved),
        _counted(alert.windows, "window") if alert.windows else "",
        alert.severity,
        alert.segment or "all",
        alert.text + again,
    )


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _verdict_row(item: tuple[tuple[str, str], StreamOutcome]) -> tuple[str, ...]:
    (model, segment), stream = item
    counts = (str(stream.verdicts[verdict]) for verdict in VERDICTS)
    return (f"{model} {segment}".rstrip(), stream.stage, *counts)


def _reach_row(name: str, reach: Reach) -> tuple[str, ...]:
    most = f"{reach.most_log10:.1f}" if math.isfinite(reach.most_log10) else ""
    counts = (reach.windows, reach.near, reach.over)
    return (name, f"{reach.line_log10:.1f}", most, *map(str, counts))


def _plain(found: Report) -> dict[str, Any]:
    outcome = found.outcome
    return {
        "records": outcome.records,
        "late": outcome.late,
        "days": outcome.days,
        "from": None if outcome.start is None else rfc3339(outcome.start),
        "to": None if outcome.end is None else rfc3339(outcome.end),
        "expected_false_alarms": found.expected,
        "shares": found.ledger.shares(),
        "baselines": {name: baseline.id for name, baseline in found.baselines.items()},
        "alerts": [_plain_alert(alert) for alert in outcome.fired],
        "streams": [
            {
                "model": model,
                "segment": segment,
                "stage": stream.stage,
                "verdicts": dict(stream.verdicts),
                "power": stream.power,
                "columns": {name: _plain_reach(reach) for name, reach in stream.columns.items()},
            }
            for (model, segment), stream in outcome.streams.items()
        ],
    }


def _plain_alert(alert: Fired) -> dict[str, Any]:
    times = {name: getattr(alert, name) for name in ("fired", "resolved", "since")}
    return {
        **asdict(alert),
        **{name: None if time is None else rfc3339(time) for name, time in times.items()},
    }


def _plain_reach(reach: Reach) -> dict[str, Any]:
    return {
        "line_log10": reach.line_log10,
        "most_log10": reach.most_log10 if math.isfinite(reach.most_log10) else None,
        "windows": reach.windows,
        "near": reach.near,
        "over": reach.over,
    }

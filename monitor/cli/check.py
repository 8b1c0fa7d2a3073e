"""`driftd check`: two files, one comparison, an exit code that CI understands."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from monitor.app.rows import decoder_for, format_of
from monitor.cli.check_compare import Rule, compare
from monitor.cli.check_report import HEADER, document, html, table_rows
from monitor.cli.output import print_json, print_table, say
from monitor.clock import SystemClock
from monitor.decoders.layout import TableLayout
from monitor.errors import InputError
from monitor.record import Limits
from monitor.schema import infer_columns, sample_columns

if TYPE_CHECKING:
    from monitor.record import RecordBatch

EXIT: Final = {"stable": 0, "warning": 0, "drift": 1, "broken": 1, "insufficient": 3}
ALPHA: Final = 1 / 30
"""The default budget, one false alarm in 30 days, for one check a day."""
SHOWN_PROBLEMS: Final = 3
NO_ROLES: Final = TableLayout(model="-", id="", time="", version="", label="", label_time="")
"""Every column is compared, those with the names of ids and times included."""

_SHARE = click.FloatRange(0, 1, min_open=True, max_open=True)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(
    name="check", epilog="Example: driftd check january.parquet today.csv --html report.html"
)
@click.argument("reference", type=_FILE)
@click.argument("current", type=_FILE)
@click.option("--html", "page", type=click.Path(dir_okay=False, path_type=Path),
              help="Write a report: one HTML file that needs nothing else.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
@click.option("--model", help="The model to compare, where native records hold several.")
@click.option("--alpha", default=ALPHA, show_default="1/30", type=_SHARE,
              help="Probability of a false 'drift', all columns together.")  # fmt: skip
@click.option("--min-effect", default=0.05, show_default=True, type=click.FloatRange(0, 1),
              help="Share of rows that must be distributed differently.")  # fmt: skip
@click.option("--min-records", default=200, show_default=True, type=click.IntRange(1),
              help="Fewer rows than this are too few to say anything.")  # fmt: skip
@click.pass_context
def command(
    context: click.Context,
    reference: Path,
    current: Path,
    *,
    page: Path | None,
    as_json: bool,
    model: str | None,
    alpha: float,
    min_effect: float,
    min_records: int,
) -> None:
    """Compare the rows of CURRENT with those of REFERENCE, column by column.

    Both are Parquet, CSV or NDJSON (tables, or driftd's own records). A column has drifted when a
    test says so beyond chance, corrected for the number of columns, and at least --min-effect of
    its rows are distributed differently. Tests on rows assume that rows are independent.

    Exit code 0: stable. 1: drift, or broken data. 2: wrong call or unreadable input. 3: too
    little data.
    """
    before, now = _read(reference, model), _read(current, model)
    columns = infer_columns(sample_columns(before))
    checked = compare(before, now, columns, Rule(alpha, min_effect, min_records))
    if page is not None:
        page.write_text(html(checked, reference.name, current.name), encoding="utf-8")
        say(f"wrote {page}")
    if as_json:
        print_json(document(checked, str(reference), str(current)))
    else:
        click.echo(f"{checked.verdict}: {checked.summary}\n")
        print_table(HEADER, table_rows(checked))
        for finding in checked.findings:
            click.echo(f"{finding.severity}: {finding.text}")
        say(checked.guarantee)
    context.exit(EXIT[checked.verdict])


def _read(path: Path, model: str | None) -> list[RecordBatch]:
    """All records of a file; rows that cannot be read are told and left out."""
    decoder = decoder_for(format_of(path), NO_ROLES, Limits(max_future_seconds=math.inf))
    try:
        payload = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    decoded = decoder.decode(payload, SystemClock().now())
    if decoded.problems:
        say(f"{path}: {len(decoded.problems)} of {decoded.received} rows cannot be read")
    for problem in decoded.problems[:SHOWN_PROBLEMS]:
        say(f"{path}:{problem.line}: {problem.detail}")
    records = [batch for batch in decoded.records if model in {None, batch.model}]
    names = sorted({batch.model for batch in records})
    if len(names) > 1:
        raise InputError(f"{path}: holds records of {', '.join(names)}; choose one with --model")
    if not records:
        wanted = f" of model {model!r}" if model else ""
        raise InputError(f"{path}: holds no records{wanted}")
    return records

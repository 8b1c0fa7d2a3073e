"""`driftd replay`: archived decisions, made again from the archived records and compared."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from monitor.app.models import ArchiveResolver
from monitor.archive import decisions
from monitor.archive.reader import Reader
from monitor.cli.options import as_json, config_file
from monitor.cli.output import print_json, say
from monitor.config.load import load
from monitor.drivers.replay import Comparison, Replay, replay
from monitor.engine.decision import rfc3339
from monitor.errors import UsageError
from monitor.progress import unheard

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.archive.decisions import DecisionRow

DIFFERENT = 1
_EPOCH = datetime.fromtimestamp(0, UTC)


@click.command(epilog="Example: driftd replay 3f2a91c0, or driftd replay --from 2026-06-01")
@click.argument("decision", required=False)
@click.option("--from", "from_", metavar="TIME", help="Windows that end after this RFC 3339 time.")
@click.option("--to", metavar="TIME", help="Windows that begin before this RFC 3339 time.")
@config_file
@as_json
def command(
    decision: str | None, from_: str | None, to: str | None, path: Path, *, as_json: bool
) -> None:
    """Make archived decisions again from the archived records, and compare the bytes.

    One DECISION (its id, or the first 8 digits or more), those of a time span, or all of them.
    Needs the archive only, and may run beside the daemon. Exit code 0: identical, 1: different.
    """
    with Reader(load(path).archive.url) as reader:
        wanted = _wanted(reader, decision, from_, to)
        everything = decision is None and from_ is None and to is None
        found = replay(
            reader,
            ArchiveResolver(reader),
            wanted,
            complete=everything,
            progress=_show if sys.stderr.isatty() else unheard,
        )
    if as_json:
        print_json(_plain(found))
    else:
        _tell(found)
    if not found.identical:
        sys.exit(DIFFERENT)


def _wanted(
    reader: Reader, decision: str | None, from_: str | None, to: str | None
) -> tuple[DecisionRow, ...]:
    if decision is not None:
        if from_ or to:
            raise UsageError("name a decision or a time span, not both")
        return (reader.run(lambda link: decisions.get(link, decision)),)
    query = decisions.Query(start=micros_of(from_), end=micros_of(to))
    found: list[DecisionRow] = []
    while rows := _following(reader, query, found[-1].seq if found else 0):
        found += rows
    return tuple(found)


def _following(reader: Reader, query: decisions.Query, after: int) -> tuple[DecisionRow, ...]:
    return reader.run(lambda link: decisions.following(link, query, after, decisions.MAX_PAGE))


def micros_of(text: str | None) -> int | None:
    """Microseconds of an RFC 3339 time; `UsageError` for anything else."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a time such as 2026-06-01T00:00:00Z") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(microseconds=1)


def _tell(found: Replay) -> None:
    for compared in found.compared:
        if not compared.identical:
            click.echo(_difference(compared))
    for decision_id in found.extra:
        click.echo(f"{decision_id}: made by replay, not in the archive")
    same = sum(compared.identical for compared in found.compared)
    for name in found.wrong:
        click.echo(f"{name}: replay states it otherwise")
    say(f"{same} of {len(found.compared)} decisions are identical.")
    if found.figures:
        equal = found.figures - len(found.wrong)
        say(f"{equal} of {found.figures} performance figures are identical.")


def _difference(compared: Comparison) -> str:
    archived = compared.archived
    place = f"{archived.decision_id}: window {rfc3339(archived.window_start)} of {archived.model}"
    if compared.replayed is None:
        return f"{place}: replay did not come to this decision"
    if compared.replayed == archived.body:
        return f"{place}: same decision, other evidence"
    old, new = json.loads(archived.body), json.loads(compared.replayed)
    changed = [name for name in old if old[name] != new.get(name)]
    return f"{place}: differs in {', '.join(changed)}"


def _show(done: int, total: int) -> None:
    click.echo(f"\rreplayed {done:,} of {total:,}", nl=done == total, err=True)


def _plain(found: Replay) -> dict[str, Any]:
    return {
        "identical": found.identical,
        "extra": list(found.extra),
        "figures": {"compared": found.figures, "different": list(found.wrong)},
        "decisions": [
            {"decision_id": compared.archived.decision_id, "identical": compared.identical}
            for compared in found.compared
        ],
    }

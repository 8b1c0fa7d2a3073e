"""`driftd quarantine`: rejected lines that were kept, and a second try for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from monitor.archive import quarantine
from monitor.archive.reader import Reader
from monitor.cli.daemon import call
from monitor.cli.options import as_json, config_file
from monitor.cli.output import print_json, print_table, say
from monitor.config.load import load
from monitor.engine.decision import rfc3339
from monitor.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

PREVIEW = 60


@click.group(name="quarantine", epilog="Example: driftd quarantine list --reason not_json")
def command() -> None:
    """List rejected lines, and send them through intake again."""


@command.command(name="list", epilog="Example: driftd quarantine list --limit 20 --json")
@click.option("--reason", help="Only lines rejected for this reason.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000))
@config_file
@as_json
def list_(path: Path, reason: str | None, limit: int, *, as_json: bool) -> None:
    """List the newest rejected lines."""
    with Reader(load(path).archive.url) as reader:
        page = reader.run(lambda link: quarantine.page(link, limit, reason=reason))
        size = reader.run(quarantine.size)
    if as_json:
        print_json([_plain(line) for line in page.lines])
        return
    print_table(
        ("id", "received", "source", "line", "reason", "detail", "payload"),
        [
            (
                str(line.id),
                rfc3339(line.received_at),
                line.source,
                str(line.line),
                line.reason,
                line.detail,
                line.payload[:PREVIEW].decode("utf-8", "replace"),
            )
            for line in page.lines
        ],
    )
    say(f"{len(page.lines)} of {size.rows} lines; {size.dropped} were dropped to keep the bounds.")


@command.command(epilog="Example: driftd quarantine reingest 17 18")
@click.argument("ids", nargs=-1, type=int)
@click.option("--all", "everything", is_flag=True, help="All lines that were not accepted yet.")
@config_file
def reingest(path: Path, ids: tuple[int, ...], *, everything: bool) -> None:
    """Send lines through the intake of the running daemon again.

    A line that is accepted now is marked; one that is rejected again stays as it is.
    """
    config = load(path)
    if bool(ids) == everything:
        raise UsageError("name the lines to send again, or --all of them")
    if everything:
        with Reader(config.archive.url) as reader:
            ids = tuple(reader.run(_waiting))
    if not ids:
        say("no line waits in the quarantine.")
        return
    answer = call(config, "POST", "/v1/quarantine/reingest", {"ids": list(ids)})
    say(f"{answer['accepted']} of {answer['received']} lines were accepted.")
    for problem in answer["problems"]:
        click.echo(f"{problem['reason']}: {problem['detail']}")


def _waiting(link: Any) -> list[int]:
    found: list[int] = []
    cursor: str | None = None
    while True:
        page = quarantine.page(link, quarantine.MAX_PAGE, cursor)
        found += [line.id for line in page.lines if line.reingested_at is None]
        cursor = page.cursor
        if cursor is None:
            return found


def _plain(line: quarantine.Rejected) -> dict[str, Any]:
    return {
        "id": line.id,
        "received": rfc3339(line.received_at),
        "source": line.source,
        "model": line.model,
        "line": line.line,
        "reason": line.reason,
        "detail": line.detail,
        "payload": line.payload.decode("utf-8", "replace"),
    }

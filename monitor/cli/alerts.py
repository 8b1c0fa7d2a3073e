"""`driftd alerts`: open questions, and messages that could not be delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from monitor.archive import alerts_sql
from monitor.archive.archive import Archive
from monitor.archive.outbox_sql import SqlOutbox, dead_letters
from monitor.archive.reader import Reader
from monitor.cli.options import as_json, config_file
from monitor.cli.output import print_json, print_table, say
from monitor.clock import SystemClock
from monitor.config.load import load
from monitor.engine.decision import rfc3339
from monitor.errors import NotFoundError

if TYPE_CHECKING:
    from pathlib import Path

    from alerts.alert import Alert
    from alerts.store import OutboxRow


@click.group(name="alerts", epilog="Example: driftd alerts list")
def command() -> None:
    """List alerts, and messages that could not be delivered."""


@command.command(name="list", epilog="Example: driftd alerts list --all --json")
@click.option("--all", "everything", is_flag=True, help="Resolved ones too.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
@config_file
@as_json
def list_(path: Path, limit: int, *, everything: bool, as_json: bool) -> None:
    """List alerts, newest first."""
    with Reader(load(path).archive.url) as reader:
        if everything:
            found = list(reader.run(lambda link: alerts_sql.newest(link, limit)))
        else:
            opened = reader.run(alerts_sql.open_alerts).values()
            found = sorted(opened, key=lambda alert: (-alert.opened_at, alert.id))[:limit]
    if as_json:
        print_json([_alert(alert) for alert in found])
        return
    print_table(
        ("opened", "state", "severity", "model", "segment", "what"),
        [
            (
                rfc3339(alert.opened_at),
                alert.state.value,
                alert.severity.value,
                alert.key.model,
                alert.key.segment,
                alert.summary,
            )
            for alert in found
        ],
    )


@command.command(name="dead-letters", epilog="Example: driftd alerts dead-letters")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
@config_file
@as_json
def dead_letters_(path: Path, limit: int, *, as_json: bool) -> None:
    """List messages that were given up, and why."""
    with Reader(load(path).archive.url) as reader:
        found = reader.run(lambda link: dead_letters(link, limit))
    if as_json:
        print_json([_letter(row) for row in found])
        return
    print_table(
        ("id", "channel", "attempts", "reason", "subject"),
        [(r.id, r.channel, str(r.attempts), r.last_reason, r.subject) for r in found],
    )


@command.command(epilog="Example: driftd alerts redeliver msg_0123 ops")
@click.argument("message")
@click.argument("channel")
@config_file
def redeliver(message: str, channel: str, path: Path) -> None:
    """Put a dead letter back into the outbox; the next start of the daemon delivers it.

    The daemon must not be running on the archive.
    """
    clock = SystemClock()
    with Archive(load(path).archive.url, clock) as archive:
        outbox = SqlOutbox(archive.writer, archive.reader)
        if not outbox.replay(message, channel, clock.now()):
            raise NotFoundError(f"there is no dead letter {message} for channel {channel}")
    say(f"{message} waits for its delivery to {channel} again.")


def _alert(alert: Alert) -> dict[str, Any]:
    return alert.as_dict()


def _letter(row: OutboxRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "channel": row.channel,
        "subject": row.subject,
        "attempts": row.attempts,
        "reason": row.last_reason,
        "created": rfc3339(row.created_at),
    }

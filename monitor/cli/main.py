"""`driftd`: the command line. Sub-commands are imported when they are asked for.

Exit codes: 0 done, 2 wrong call, configuration or input (one sentence says which), 130
interrupted, 141 the reader of our output went away, 70 a bug in driftd. `check` and `replay` use 1
for "different", `check` 3 for "too little data".
"""

from __future__ import annotations

import os
import sys
import traceback
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Final

import click

from monitor import __version__
from monitor.cli.output import print_json, say
from monitor.cli.tuning import one_thread
from monitor.errors import ConfigError, DriftdError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COMMANDS: Final[Mapping[str, tuple[str, str]]] = {
    "demo": ("monitor.cli.demo:command", "Watch a real year of flights, from log to alert."),
    "init": ("monitor.cli.init:command", "Write a configuration and a baseline for your logs."),
    "run": ("monitor.cli.run:command", "Run the daemon."),
    "check": ("monitor.cli.check:command", "Compare two files once, for notebooks and CI."),
    "backtest": ("monitor.cli.backtest:command", "Show what would have fired on history."),
    "baseline": ("monitor.cli.baseline:command", "Build, list, show and activate baselines."),
    "config": ("monitor.cli.config:command", "Check, show and describe the configuration."),
    "replay": ("monitor.cli.replay:command", "Recompute archived decisions, compare bytes."),
    "quarantine": ("monitor.cli.quarantine:command", "List and re-ingest rejected lines."),
    "labels": ("monitor.cli.labels:command", "Import what turned out to be true."),
    "alerts": ("monitor.cli.alerts:command", "List alerts and undelivered messages."),
    "version": ("monitor.cli.main:version", "Print the version."),
}
"""Command -> where it lives, and its line in `driftd --help`."""

USAGE: Final = 2
BUG: Final = 70
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports one only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of a first day with driftd."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command; None when there is no such name."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = resolve_name(COMMANDS[cmd_name][0])
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(
    cls=LazyGroup,
    name="driftd",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: driftd init logs.parquet -o driftd.yaml && driftd run -c driftd.yaml",
)
@click.version_option(__version__, prog_name="driftd", message="%(prog)s %(version)s")
def driftd() -> None:
    """Watch model services for drift, under a budget of false alarms."""


@click.command(name="version", epilog="Example: driftd version --json")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def version(*, as_json: bool) -> None:
    """Print the version."""
    if as_json:
        print_json({"version": __version__})
    else:
        click.echo(f"driftd {__version__}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; never raises."""
    try:
        code = _run(sys.argv[1:] if arguments is None else list(arguments))
        sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter flushes once more when it ends; that must find an open file.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return BROKEN_PIPE
    return code


def _run(arguments: list[str]) -> int:
    one_thread()
    try:
        with driftd.make_context("driftd", arguments) as context:
            driftd.invoke(context)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    except click.ClickException as error:
        error.show()
        return USAGE
    except DriftdError as error:
        _complain(error)
        return USAGE
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        raise
    except Exception:  # noqa: BLE001 - the last resort: whatever it was, its exit code is ours
        traceback.print_exc()
        say("driftd: this is a bug in driftd; please report it with the lines above")
        return BUG
    return 0


def _complain(error: DriftdError) -> None:
    if not isinstance(error, ConfigError):
        say(f"driftd: {error}")
        return
    for problem in error.problems:
        say(problem)
    count = len(error.problems)
    say(f"driftd: {count} problem{'s' if count != 1 else ''} in the configuration")


if __name__ == "__main__":
    sys.exit(main())

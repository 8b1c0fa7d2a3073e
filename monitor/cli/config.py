"""`driftd config`: is it right, what does it come to, what may be in it."""

from __future__ import annotations

from pathlib import Path

import click
import yaml

from monitor.cli.output import print_json
from monitor.config.describe import (
    budget_sentence,
    effective,
    json_schema,
    summary,
    unreadable_files,
)
from monitor.config.digest import decision_digest
from monitor.config.load import load
from monitor.errors import ConfigError

_file = click.option(
    "-c",
    "--config",
    "path",
    default="driftd.yaml",
    show_default=True,
    type=click.Path(path_type=Path),
    help="The configuration file.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Write JSON.")


@click.group(name="config", epilog="Example: driftd config check -c driftd.yaml")
def command() -> None:
    """Check, show and describe the configuration."""


@command.command(epilog="Example: driftd config check -c driftd.yaml --syntax-only")
@_file
@click.option("--syntax-only", is_flag=True, help="Do not look for the files that it names.")
@_json
def check(path: Path, *, syntax_only: bool, as_json: bool) -> None:
    """Say whether the daemon would accept the file, and what its budget means.

    Exit code 0: it would. 2: it has problems; all of them are listed.
    """
    config = load(path)
    problems = [] if syntax_only else [f"{path}: {line}" for line in unreadable_files(config)]
    if problems:
        raise ConfigError(problems)
    if as_json:
        digest = decision_digest(config)
        print_json({"ok": True, "digest": digest, "budget": budget_sentence(config)})
        return
    click.echo(f"{path}: OK: {summary(config)}.")
    click.echo(f"{budget_sentence(config)}.")


@command.command(epilog="Example: driftd config show --json | jq .server.port")
@_file
@_json
def show(path: Path, *, as_json: bool) -> None:
    """Print the configuration with all defaults, the environment applied and secrets masked."""
    values = effective(load(path))
    if as_json:
        print_json(values)
    else:
        click.echo(yaml.safe_dump(values, sort_keys=False, allow_unicode=True), nl=False)


@command.command(epilog="Example: driftd config schema > driftd.schema.json")
def schema() -> None:
    """Print the JSON Schema of the configuration, for editors."""
    print_json(json_schema())

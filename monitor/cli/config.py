"""`driftd config`: is it right, what does it come to, what may be in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import yaml

from monitor.app.models import check_baseline, ledger_for
from monitor.baseline import Baseline, is_baseline
from monitor.cli.options import as_json, config_file
from monitor.cli.output import print_json
from monitor.config.describe import (
    budget_sentence,
    effective,
    json_schema,
    summary,
    unreadable_files,
)
from monitor.config.digest import decision_config, decision_digest
from monitor.config.load import load
from monitor.engine.lines import stream_key
from monitor.errors import ConfigError
from monitor.model import WHOLE

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.config.model import Config


@click.group(name="config", epilog="Example: driftd config check -c driftd.yaml")
def command() -> None:
    """Check, show and describe the configuration."""


@command.command(epilog="Example: driftd config check -c driftd.yaml --syntax-only")
@config_file
@click.option("--syntax-only", is_flag=True, help="Do not look for the files that it names.")
@as_json
def check(path: Path, *, syntax_only: bool, as_json: bool) -> None:
    """Say whether the daemon would accept the file, and what its budget means.

    Exit code 0: it would. 2: it has problems; all of them are listed.
    """
    config = load(path)
    problems = [] if syntax_only else [f"{path}: {line}" for line in unreadable_files(config)]
    if problems:
        raise ConfigError(problems)
    lines = [] if syntax_only else _evidence_lines(config)
    if as_json:
        digest, budget = decision_digest(config), budget_sentence(config)
        print_json({"ok": True, "digest": digest, "budget": budget, "lines": lines})
        return
    click.echo(f"{path}: OK: {summary(config)}.")
    click.echo(f"{budget_sentence(config)}.")
    for line in lines:
        click.echo(line)


def _evidence_lines(config: Config) -> list[str]:
    """What the budget comes to for each model, if all baselines are built.

    Raises
    ------
    ConfigError, StorageError
        A baseline was learned for another configuration, or cannot be read.
    """
    baselines: dict[str, Baseline] = {}
    for model in config.models:
        if not is_baseline(model.baseline):
            return []
        baselines[model.name] = Baseline.from_bytes(model.baseline.read_bytes())
        check_baseline(model, baselines[model.name])
    ledger = ledger_for(decision_config(config), baselines)
    return [
        f"{model.name}: {ledger.sentence(stream_key(model.name, WHOLE))}" for model in config.models
    ]


@command.command(epilog="Example: driftd config show --json | jq .server.port")
@config_file
@as_json
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

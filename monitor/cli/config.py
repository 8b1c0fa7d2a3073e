"""`driftd config`: is it right, what does it come to, what may be in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
import yaml

from detectors.result import GuaranteeKind
from monitor.app.models import DAY, check_baseline, ledger_for, windows_per_day
from monitor.app.settings import channels_of, web_settings
from monitor.baseline import Baseline, is_baseline
from monitor.cli.options import as_json, config_file
from monitor.cli.output import print_json
from monitor.clock import SystemClock
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
    from monitor.config.watched import ModelConfig


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
    if not syntax_only:
        _check_files(path, config)
    lines = [] if syntax_only else _evidence_lines(config)
    if as_json:
        digest, budget = decision_digest(config), budget_sentence(config)
        print_json({"ok": True, "digest": digest, "budget": budget, "lines": lines})
        return
    click.echo(f"{path}: OK: {summary(config)}.")
    click.echo(f"{budget_sentence(config)}.")
    for line in lines:
        click.echo(line)


def _check_files(path: Path, config: Config) -> None:
    """What the daemon would find out at its start about the files that the configuration names."""
    problems = [f"{path}: {line}" for line in unreadable_files(config)]
    if problems:
        raise ConfigError(problems)
    web_settings(config)
    channels_of(config, SystemClock())


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
    lines: list[str] = []
    for model in config.models:
        lines.append(f"{model.name}: {ledger.sentence(stream_key(model.name, WHOLE))}")
        lines += _caveats(model, baselines[model.name])
    return lines


def _caveats(model: ModelConfig, baseline: Baseline) -> list[str]:
    """Where the budget's sentence promises too much for this baseline."""
    guarantee, caveats = baseline.whole.calibration.guarantee, []
    if guarantee.kind is GuaranteeKind.NONE:
        caveats.append(f"{model.name}: no guarantee: {guarantee.text}")
    days = max((baseline.end - baseline.start) / DAY, 1.0)
    usual = baseline.rows / days / windows_per_day(model, baseline)
    if usual < model.min_records:
        caveats.append(
            f"{model.name}: about {usual:.0f} records in a window, fewer than min_records "
            f"({model.min_records}): most windows will be insufficient; make window longer"
        )
    return caveats


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

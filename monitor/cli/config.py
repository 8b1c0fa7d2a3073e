"""`driftd config`: is it right, what does it come to, what may be in it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import click
import yaml

from monitor.app.models import check_baseline, ledger_for
from monitor.app.promises import promises, shares_in_words
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
from monitor.config.units import duration_text
from monitor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from monitor.app.promises import Promise
    from monitor.config.model import Config


UNBUILT: Final = (
    "its baseline is a file of rows, learned at the start; to see what the budget means, build it "
    "with `driftd baseline build`"
)


UNLEARNED: Final = (
    "learns what is normal from {} of its log; until then nothing is judged, and what the budget "
    "means is known when it has learned"
)


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
    meaning = None if syntax_only else _meaning(config)
    if as_json:
        digest, budget = decision_digest(config), budget_sentence(config)
        told = {"ok": True, "digest": digest, "budget": budget}
        print_json(told if meaning is None else told | meaning.plain())
        return
    click.echo(f"{path}: OK: {summary(config)}.")
    click.echo(f"{budget_sentence(config)}.")
    for line in meaning.sentences() if meaning else ():
        click.echo(line)


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What the budget comes to; `missing` says why it cannot be said, model by model."""

    missing: tuple[str, ...]
    promises: tuple[Promise, ...] = ()
    shares: str = ""

    def sentences(self) -> Iterator[str]:
        yield from self.missing
        if self.shares:
            yield f"{self.shares[:1].upper()}{self.shares[1:]}."
        for promise in self.promises:
            yield from promise.sentences()

    def plain(self) -> dict[str, Any]:
        streams = [
            {**asdict(one), "windows": {f"{shift:g}": n for shift, n in one.windows.items()}}
            for one in self.promises
        ]
        return {"missing": self.missing, "shares": self.shares, "streams": streams}


def _check_files(path: Path, config: Config) -> None:
    """What the daemon would find out at its start about the files that the configuration names."""
    problems = [f"{path}: {line}" for line in unreadable_files(config)]
    if problems:
        raise ConfigError(problems)
    web_settings(config)
    channels_of(config, SystemClock())


def _meaning(config: Config) -> _Meaning:
    """What the budget comes to for each model, if all baselines are built.

    Raises
    ------
    ConfigError, StorageError
        A baseline was learned for another configuration, or cannot be read.
    """
    baselines: dict[str, Baseline] = {}
    missing: list[str] = []
    for model in config.models:
        path, learn = model.baseline.path, model.baseline.learn
        if path is None:
            missing.append(f"{model.name}: {UNLEARNED.format(duration_text(learn or 0))}")
        elif is_baseline(path):
            baselines[model.name] = Baseline.from_bytes(path.read_bytes())
            check_baseline(model, baselines[model.name])
        else:
            missing.append(f"{model.name}: {UNBUILT}")
    if missing:
        return _Meaning(tuple(missing))
    decisive = decision_config(config)
    ledger = ledger_for(decisive, baselines)
    models = {model.name: model for model in decisive.models}
    found = promises(models, baselines, ledger)
    return _Meaning((), tuple(found), shares_in_words(ledger))


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

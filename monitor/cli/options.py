"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

config_file = click.option(
    "-c",
    "--config",
    "path",
    default="driftd.yaml",
    show_default=True,
    type=click.Path(path_type=Path),
    help="The configuration file.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Write JSON.")

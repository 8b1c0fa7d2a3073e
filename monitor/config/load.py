"""From a file to a `Config`, or to all of its problems at once.

In this order: YAML with `${NAME}` filled in, `DRIFTD_SECTION__KEY` from the environment over it,
then shape and rules. A rule between fields is checked where the fields themselves are right, so
that no problem is reported that only follows from another. Secrets stay in their files until
somebody uses them.
"""

from __future__ import annotations

import json
import os
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from monitor.config.document import Trouble, parse
from monitor.config.environment import References, override
from monitor.config.messages import troubles_of
from monitor.config.model import Config
from monitor.config.units import BASE
from monitor.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from monitor.config.document import Document

MAX_BYTES: Final = 4 * 2**20

SMALLEST: Final = "models: [{name: flights, baseline: flights.parquet}]"


def load(path: Path, environ: Mapping[str, str] | None = None) -> Config:
    """Read and check a configuration file.

    Parameters
    ----------
    path
        The YAML file; relative paths in it start from its directory.
    environ
        Environment to use instead of the process's own.

    Raises
    ------
    ConfigError
        The file cannot be read or has problems; one line for each, `file:line: path: what`.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None
    if len(data) > MAX_BYTES:
        raise ConfigError([f"{path}: is larger than {MAX_BYTES} bytes; this is no configuration"])
    return parse_config(data, name=str(path), base=path.absolute().parent, environ=environ)


def parse_config(
    data: bytes, *, name: str, base: Path, environ: Mapping[str, str] | None = None
) -> Config:
    """Check a configuration that is not (or no longer) in a file; otherwise as `load`."""
    environ = os.environ if environ is None else environ
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ConfigError([f"{name}:{line}: is not UTF-8 text"]) from None
    document = parse(text, name, References(environ))
    override(document, environ)
    config = _validated(document, base)
    if config is None or document.troubles:
        ordered = sorted(document.troubles, key=_line)
        raise ConfigError(list(dict.fromkeys(map(str, ordered))))
    return config


def _line(trouble: Trouble) -> int:
    line = trouble.place.rpartition(":")[2]
    return int(line) if line.isdecimal() else 0


def _validated(document: Document, base: Path) -> Config | None:
    """The configuration, or None and troubles in the document."""
    tree = document.tree
    if document.troubles and not isinstance(tree, dict):
        return None
    if tree is None:
        text = f"is empty; the smallest configuration is: {SMALLEST}"
        document.troubles.append(Trouble(document.name, "", text))
        return None
    if not isinstance(tree, dict):
        text = f"expected sections such as 'models:'; the smallest configuration is: {SMALLEST}"
        document.troubles.append(Trouble(document.place(()), "", text))
        return None
    # Spelled out, so that its default path starts from the file's directory like any other.
    tree.setdefault("archive", {})
    try:
        return Config.model_validate_json(json.dumps(tree), context={BASE: base})
    except ValidationError as error:
        found = troubles_of(error.errors(include_url=False), document, _schema())
        silenced = {trouble.path for trouble in document.troubles}
        document.troubles += [trouble for trouble in found if trouble.path not in silenced]
        return None


@cache
def _schema() -> Mapping[str, Any]:
    return Config.model_json_schema()

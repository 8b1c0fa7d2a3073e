"""The environment in the configuration: `${NAME}` in values, `DRIFTD_SECTION__KEY` over them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from monitor.config.document import Document, Trouble, parse, path_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from monitor.config.section import Path

PREFIX: Final = "DRIFTD_"
SEPARATOR: Final = "__"

_REFERENCE: Final = re.compile(
    r"\$(?:\$|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>[^}]*))?\})"
)


class References:
    """Fills `${NAME}` and `${NAME:-default}`; `$$` stands for one dollar sign."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def __call__(self, text: str) -> tuple[str, list[str]]:
        """The text with references filled in, and one sentence per variable that is not set."""
        missing: list[str] = []

        def value(match: re.Match[str]) -> str:
            name = match["name"]
            if name is None:
                return "$"
            found = self._environ.get(name, match["default"])
            if found is None:
                missing.append(f"the environment variable {name} is not set")
            return found or ""

        return _REFERENCE.sub(value, text), missing


def override(document: Document, environ: Mapping[str, str]) -> None:
    """Put `DRIFTD_SERVER__PORT=9000` and the like over the document; lists go by index.

    Only names with a double underscore are looked at. Keys are matched whatever their case; a
    value is read as YAML, so numbers, lists and `null` can be given.
    """
    for name, text in _ours(environ):
        found = parse(text, name, lambda written: (written, []))
        document.troubles += found.troubles
        if not found.troubles:
            steps = name.removeprefix(PREFIX).split(SEPARATOR)
            _put(document, name, steps, found.tree)


def _ours(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in sorted(environ):
        if name.startswith(PREFIX) and SEPARATOR in name:
            yield name, environ[name]


def _put(document: Document, name: str, steps: list[str], value: Any) -> None:
    if document.tree is None:
        document.tree = {}
    node: Any = document.tree
    path: Path = ()
    for step in steps:
        key = _key(node, step)
        if key is None:
            above = path_text(path) or "the configuration"
            text = f"there is no place {step.lower()!r} under {above}"
            document.troubles.append(Trouble(name, "", text))
            return
        path = (*path, key)
        document.places.setdefault(path, name)
        node = _set(node, key, value) if len(path) == len(steps) else _enter(node, key)
    for below in [known for known in document.places if known[: len(path)] == path]:
        document.places[below] = name
    document.hidden.add(path)


def _key(node: Any, step: str) -> str | int | None:
    """Key or index that `step` means in `node`; None when there is no such place."""
    if isinstance(node, list):
        return int(step) if step.isdecimal() and int(step) <= len(node) else None
    if isinstance(node, dict) and step:
        return next((key for key in node if key.lower() == step.lower()), step.lower())
    return None


def _set(node: Any, key: Any, value: Any) -> Any:
    if isinstance(node, list) and key == len(node):
        node.append(value)
    node[key] = value
    return value


def _enter(node: Any, key: Any) -> Any:
    """What stands at `key`; a new mapping where nothing does."""
    missing = key == len(node) if isinstance(node, list) else node.get(key) is None
    return _set(node, key, {}) if missing else node[key]

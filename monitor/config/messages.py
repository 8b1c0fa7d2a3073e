"""Pydantic's findings in words for people: what stands there, what was expected, what was meant.

Values are quoted only where that cannot show a secret: nothing that came from the environment and
nothing under a key that may hold one.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from monitor.config.document import Document, Trouble, path_text
from monitor.config.section import RuleError, not_built

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pydantic_core import ErrorDetails

    from monitor.config.section import Path

LATER: Final[Mapping[str, str]] = {
    "group_by": "grouping of notifications",
    "repeat": "repeated notifications",
    "mute": "muting by time of day",
    "silences": "silences in the configuration",
    "telemetry": "choices for telemetry",
    "labels": "alert labels",
}
"""Keys of the public shape, or asked for often, that no section of this version has."""

_SECRET_WORDS: Final = ("url", "secret", "token", "password", "key")
_SHOWN: Final = 40
_KNOWN_SHOWN: Final = 12


def troubles_of(
    errors: Sequence[ErrorDetails], document: Document, schema: Mapping[str, Any]
) -> Iterator[Trouble]:
    """One `Trouble` per finding, broken rules of a section unfolded."""
    for error in errors:
        path = _real_path(error["loc"], document.tree)
        broken = error.get("ctx", {}).get("error")
        if isinstance(broken, RuleError):
            for relative, text in broken.broken:
                yield _trouble(document, (*path, *relative), text)
            continue
        yield _trouble(document, path, _sentence(error, path, document, schema))


def _trouble(document: Document, path: Path, text: str) -> Trouble:
    return Trouble(document.place(path), path_text(path), text)


def _real_path(location: Path, tree: Any) -> Path:
    """The path without the names of union members that pydantic puts into it."""
    path: list[str | int] = []
    node = tree
    for step in location:
        if _has(node, step):
            node = node[step]
        elif not isinstance(node, dict) or step != location[-1] or _is_tag(step, node):
            continue
        path.append(step)
    return tuple(path)


def _has(node: Any, step: str | int) -> bool:
    if isinstance(node, list):
        return isinstance(step, int) and step < len(node)
    return isinstance(node, dict) and step in node


def _is_tag(step: str | int, node: Mapping[str, Any]) -> bool:
    return step in {"auto", "list"} or node.get("type") == step


def _sentence(
    error: ErrorDetails, path: Path, document: Document, schema: Mapping[str, Any]
) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown_key(path, schema)
    if kind == "missing":
        return _missing(path, schema)
    expected = _EXPECTED.get(kind)
    if expected is None:
        return str(error["msg"])
    return expected(context) + _got(error.get("input"), path, document)


def _unknown_key(path: Path, schema: Mapping[str, Any]) -> str:
    key = str(path[-1])
    known = sorted(_properties(path[:-1], schema))
    if near := get_close_matches(key.lower(), known, n=1, cutoff=0.6):
        return f"unknown key, did you mean {near[0]!r}?"
    if key in LATER:
        return not_built(LATER[key])
    if len(known) > _KNOWN_SHOWN:
        return "unknown key"
    return f"unknown key; known here: {', '.join(known)}"


def _missing(path: Path, schema: Mapping[str, Any]) -> str:
    found = _properties(path[:-1], schema).get(str(path[-1]), {})
    about = str(found.get("description", "")).partition("\n")[0].rstrip(".")
    return f"is missing: {about[0].lower()}{about[1:]}" if about else "is missing"


def _properties(path: Path, schema: Mapping[str, Any]) -> dict[str, Any]:
    """Keys that a JSON Schema knows at `path`, with their schemas; union members are joined."""
    nodes = _members(schema, schema)
    for step in path:
        below = [_below(node, step) for node in nodes]
        nodes = [member for node in below if node for member in _members(node, schema)]
    return {key: value for node in nodes for key, value in node.get("properties", {}).items()}


def _below(node: Mapping[str, Any], step: str | int) -> Any:
    if isinstance(step, int):
        return node.get("items")
    return node.get("properties", {}).get(step) or node.get("additionalProperties")


def _members(node: Mapping[str, Any], schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if "$ref" in node:
        return _members(schema["$defs"][node["$ref"].rpartition("/")[2]], schema)
    members = node.get("anyOf") or node.get("oneOf")
    if members is None:
        return [node]
    return [found for member in members for found in _members(member, schema)]


def _got(value: Any, path: Path, document: Document) -> str:
    if path in document.hidden or any(
        word in str(step).lower() for step in path[-2:] for word in _SECRET_WORDS
    ):
        return ""
    return f", got {_shown(value)}"


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if value is None:
        return "nothing"
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _limit(words: str, name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda context: f"must be {words} {context[name]:g}"


def _length(what: str, name: str, words: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda context: f"must have {words} {context[name]} {what}"


def _plain(text: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda _: text


def _pattern(context: Mapping[str, Any]) -> str:
    del context  # the pattern itself is no help to people
    return "must be a name of letters, digits, '_', '-' and '.', at most 64, letter or digit first"


_EXPECTED: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "string_type": _plain("expected text"),
    "string_sub_type": _plain("expected text"),
    "int_type": _plain("expected a whole number"),
    "int_from_float": _plain("expected a whole number"),
    "float_type": _plain("expected a number"),
    "finite_number": _plain("expected a finite number"),
    "bool_type": _plain("expected true or false"),
    "tuple_type": _plain("expected a list"),
    "list_type": _plain("expected a list"),
    "dict_type": _plain("expected a mapping"),
    "model_type": _plain("expected a mapping"),
    "model_attributes_type": _plain("expected a mapping"),
    "literal_error": lambda context: f"expected {context['expected']}",
    "greater_than": _limit("more than", "gt"),
    "greater_than_equal": _limit("at least", "ge"),
    "less_than": _limit("less than", "lt"),
    "less_than_equal": _limit("at most", "le"),
    "too_short": _length("entries", "min_length", "at least"),
    "too_long": _length("entries", "max_length", "at most"),
    "string_too_short": _plain("must not be empty"),
    "string_too_long": _length("characters", "max_length", "at most"),
    "string_pattern_mismatch": _pattern,
    "duration": _plain("expected a duration such as 30s, 10m, 1h or 1d"),
    "size": _plain("expected a number of bytes or a size such as 8MiB"),
    "path": _plain("expected the path of a file"),
    "baseline": _plain("expected the path of a file, or a mapping"),
    "handover": _plain("expected 'keep', or such as 'learn 3d'"),
}

"""YAML to plain values that remember where they stood.

PyYAML parses to nodes; values are made here, by YAML 1.2's core rules: only `true` and `false` are
booleans (`on:` stays a key), dates stay text, and no tag makes an object. A repeated key is a
problem, where PyYAML would let the last one win.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.config.section import Path

MAX_VALUES: Final = 100_000
"""Values in one document, repetitions of aliases counted."""

_INT: Final = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT: Final = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][-+]?[0-9]+)?")
_WORDS: Final = {"": None, "~": None, "null": None, "true": True, "false": False}
_PLAIN_TAGS: Final = frozenset(
    f"tag:yaml.org,2002:{kind}"
    for kind in ("null", "bool", "int", "float", "str", "seq", "map", "timestamp", "merge", "value")
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something wrong with the document: where it stands and what it is.

    `place` is `file:line` or the name of an environment variable, `path` the path in words.
    """

    place: str
    path: str
    text: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.place, self.path, self.text) if part)


@dataclass(slots=True)
class Document:
    """A parsed document.

    Attributes
    ----------
    tree
        Plain dicts, lists and scalars.
    places
        `file:line` of every path; of a mapping's entry, the line of its key.
    hidden
        Paths whose value came from the environment and is not to be quoted.
    troubles
        What was wrong so far.
    """

    name: str
    tree: Any = None
    places: dict[Path, str] = field(default_factory=dict)
    hidden: set[Path] = field(default_factory=set)
    troubles: list[Trouble] = field(default_factory=list)

    def place(self, path: Path) -> str:
        """Where `path` stands, or its nearest ancestor that stands anywhere."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, self.name)


def scalar_of(text: str) -> str | int | float | bool | None:
    """Value of a plain scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def path_text(path: Path) -> str:
    """`models[0].window.every` for `("models", 0, "window", "every")`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return "".join(steps).removeprefix(".")


def parse(text: str, name: str, fill: Callable[[str], tuple[str, list[str]]]) -> Document:
    """Read one YAML document.

    Parameters
    ----------
    name
        What the document is called in messages.
    fill
        Fills references such as `${NAME}` into a scalar; the text and what went wrong.
    """
    document = Document(name)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        document.troubles.append(_syntax(error, name))
        return document
    if node is not None:
        _Builder(document, fill).build(node)
    return document


class _Builder:
    """Turns nodes into values, depth first, noting where each stood."""

    def __init__(self, document: Document, fill: Callable[[str], tuple[str, list[str]]]) -> None:
        self._document = document
        self._fill = fill
        self._left = MAX_VALUES
        self._above: list[yaml.Node] = []

    def build(self, node: yaml.Node) -> None:
        self._document.places[()] = self._place(node)
        self._document.tree = self._value(node, ())

    def _value(self, node: yaml.Node, path: Path) -> Any:
        self._left -= 1
        if node in self._above or self._left < 0:
            why = "refers to itself" if self._left >= 0 else f"more than {MAX_VALUES} values"
            self._trouble(node, path, f"{why}; write it out")
            return None
        if node.tag not in _PLAIN_TAGS:
            self._trouble(node, path, f"the tag {_tag_text(node.tag)} is not allowed")
            return None
        self._above.append(node)
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, path)
            if isinstance(node, yaml.SequenceNode):
                return self._sequence(node, path)
            return self._scalar(node, path)
        finally:
            self._above.pop()

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._trouble(key_node, path, "a key must be a word, not a list or mapping")
                continue
            key = key_node.value
            entry = (*path, key)
            if key in values:
                first = self._document.places[entry].rpartition(":")[2]
                self._trouble(key_node, entry, f"is given twice, first in line {first}")
                continue
            self._document.places[entry] = self._place(key_node)
            values[key] = self._value(value_node, entry)
        return values

    def _sequence(self, node: yaml.SequenceNode, path: Path) -> list[Any]:
        values = []
        for index, item in enumerate(node.value):
            self._document.places[*path, index] = self._place(item)
            values.append(self._value(item, (*path, index)))
        return values

    def _scalar(self, node: yaml.Node, path: Path) -> Any:
        written: str = node.value
        text, missing = self._fill(written)
        for problem in missing:
            self._trouble(node, path, problem)
        if text != written:
            self._document.hidden.add(path)
        plain = getattr(node, "style", None) is None
        return scalar_of(text) if plain else text

    def _place(self, node: yaml.Node) -> str:
        return f"{self._document.name}:{node.start_mark.line + 1}"

    def _trouble(self, node: yaml.Node, path: Path, text: str) -> None:
        self._document.troubles.append(Trouble(self._place(node), path_text(path), text))


def _tag_text(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")


def _syntax(error: yaml.YAMLError, name: str) -> Trouble:
    """One sentence for a document that is not YAML."""
    mark = getattr(error, "problem_mark", None)
    place = f"{name}:{mark.line + 1}" if mark is not None else name
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be read"
    if "'\\t'" in problem:
        return Trouble(place, "", "is indented with a tab; YAML takes spaces only")
    if isinstance(error, yaml.reader.ReaderError):
        return Trouble(place, "", f"is not text: {problem}")
    context, begun = getattr(error, "context", None), getattr(error, "context_mark", None)
    if context and begun and context.startswith("while"):
        problem = f"{context} that begins in line {begun.line + 1}: {problem}"
    elif context:
        problem = f"{context}, {problem}"
    return Trouble(place, "", f"is not valid YAML: {problem}")

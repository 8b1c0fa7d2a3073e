"""What all sections of the configuration share, and rules between their fields.

Shape is pydantic's work. Rules between fields are generators of `(path, text)` pairs, so that one
section can break several of them and each is reported at its own line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, model_validator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Path: TypeAlias = tuple[str | int, ...]
"""Where a value stands: keys and list indexes from the root (or from a section)."""

Rule: TypeAlias = tuple[Path, str]
"""A broken rule: where, relative to its section, and one sentence."""


class RuleError(ValueError):
    """Rules that one section breaks."""

    def __init__(self, broken: Sequence[Rule]) -> None:
        super().__init__("; ".join(text for _, text in broken))
        self.broken = tuple(broken)


class Section(BaseModel):
    """A frozen mapping of the configuration that knows all its keys."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    def rules(self) -> Iterator[Rule]:
        """Rules between fields that these values break; the shape is right already."""
        yield from ()

    @model_validator(mode="after")
    def _obey(self) -> Self:
        broken = tuple(self.rules())
        if broken:
            raise RuleError(broken)
        return self


def not_built(what: str, instead: str = "") -> str:
    """Say that a key of the public shape has nothing behind it in this version."""
    advice = f"; {instead}" if instead else "; remove it"
    return f"not built yet: {what}{advice}"


def repeated(names: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Index and name of every name that stood earlier in the list already."""
    seen: set[str] = set()
    for index, name in enumerate(names):
        if name in seen:
            yield index, name
        seen.add(name)

"""What a column of a model is: its kind, its unit, what counts as a valid value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

Kind: TypeAlias = Literal[
    "numeric", "categorical", "boolean", "datetime", "text", "embedding", "id", "ignore"
]
Meaning: TypeAlias = Literal["probability", "ratio", "count", "currency"]
Privacy: TypeAlias = Literal["keep", "hash", "drop"]

KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
MEANINGS: Final[tuple[Meaning, ...]] = get_args(Meaning)
PRIVACY_CLASSES: Final[tuple[Privacy, ...]] = get_args(Privacy)


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """One column of a model.

    Attributes
    ----------
    name
        As in `RecordBatch.columns`: a feature, `prediction`, `score` or `score.<class>`.
    kind
        What is measured on it; `ignore` measures nothing.
    unit
        Unit of the values in words, for sentences; "" when there is none.
    range
        Lowest and highest valid value of a numeric column, both inclusive; -inf and inf leave a
        side open, None declares nothing.
    importance
        Weight in the ranking of findings relative to other columns, at least 0.
    privacy
        What may be kept of the values.
    meaning
        What the numbers speak of, which brings its own range check.
    """

    name: str
    kind: Kind
    unit: str = ""
    range: tuple[float, float] | None = None
    importance: float = 1.0
    privacy: Privacy = "keep"
    meaning: Meaning | None = None

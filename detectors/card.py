"""What a user should know of a detector before using it, kept beside its code.

Every detector class has `card: ClassVar[Card]`. The reference table (`docs/detectors.md`) is
generated from these by `detectors.reference`; a test requires one for every name of the registry.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from detectors.errors import ParameterError


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One row of the reference table; each field is a phrase without a full stop at its end.

    Attributes
    ----------
    input
        What it looks at: "numeric columns, on cells", "rows of the sample", "one 0/1 stream".
    statistic
        What it computes, with the formula where that is short.
    guarantee
        What it promises of false alarms and under which assumption, or "none: ...".
    cost
        Time per column and record, or per window, with the unit: "nothing per record, 2 µs per
        column and window". Figures come from a bench, not from a guess.
    memory
        What is kept beyond the profile, with the unit: "nothing", "8 kB per stream".
    reference
        Authors, year and where it was published: "Smirnov 1939, Bull. Math. Univ. Moscou 2".
    avoid
        When not to use it.
    """

    input: str
    statistic: str
    guarantee: str
    cost: str
    memory: str
    reference: str
    avoid: str

    def __post_init__(self) -> None:
        for field in fields(self):
            text = getattr(self, field.name)
            if not text.strip() or text.endswith(".") or "\n" in text:
                raise ParameterError(f"card.{field.name} must be one phrase, got {text!r}")

"""What a worker is asked to prepare."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from detectors.errors import ParameterError

if TYPE_CHECKING:
    from collections.abc import Mapping

Params: TypeAlias = "Mapping[str, Any]"

ALIBI = "alibi_detect"
"""Name of the plug-in, as the section `plugins` of the configuration has it."""

INPUT = "rows of the sample: numbers standardised, categories as zeros and ones"
"""What a worker gets of a window, in words for the detectors' cards."""


@dataclass(frozen=True, slots=True)
class Order:
    """One detector of a worker.

    Attributes
    ----------
    plugin
        Name of the plug-in that has it.
    detector
        Its name there.
    params
        Plain values by name, as they are sent.
    rows
        Rows of a baseline or window that it gets at most: a uniform sample.
    """

    plugin: str
    detector: str
    params: Params
    rows: int


def require_level(value: float) -> None:
    """Refuse a level that is none.

    Raises
    ------
    ParameterError
        Names the domain.
    """
    if not 0 < value < 1:
        raise ParameterError(f"p_value must be in (0, 1), got {value:g}")


def require_whole(name: str, value: int, least: int, most: int) -> None:
    """Refuse a count out of bounds.

    Raises
    ------
    ParameterError
        Names the domain.
    """
    if not least <= value <= most:
        raise ParameterError(f"{name} must be in [{least}, {most}], got {value}")


def require_permutations(permutations: int, level: float) -> None:
    """Refuse fewer permutations than the level of a test needs.

    Raises
    ------
    ParameterError
        Names the domain.
    """
    require_whole("permutations", permutations, math.ceil(1 / level), 10_000)

"""Cells of a CSV file to values: one rule per cell, whatever its neighbours are.

A column's kind must not depend on which rows a chunk happens to hold, so each cell is read by
itself: a spelling of "missing" is missing, a number is a number, `true` and `false` (also `True`,
`TRUE`) are booleans, everything else is text. A number with leading zeros (`007`, a postal code)
is text. A column of one kind is stored as that kind; a column with several kinds is `Mixed`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import numpy as np

from monitor.columnar import column_of
from monitor.record import Numbers

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from monitor.record import Column

    Cell = float | int | str | bool | None

_NUMBER: Final = re.compile(r"[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NUMBERS: Final = re.compile(rf"(?:(?:{_NUMBER.pattern})?\n)*")
_INTEGER: Final = re.compile(r"-?[0-9]{1,18}")
_INFINITY: Final = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE)
_BOOLEANS: Final = {"true": True, "True": True, "TRUE": True,
                    "false": False, "False": False, "FALSE": False}  # fmt: skip


def cell(text: str, missing: Container[str]) -> Cell:
    """Read one cell; integers stay integers as far as 18 digits."""
    if text in missing:
        return None
    if _NUMBER.fullmatch(text):
        return int(text) if _INTEGER.fullmatch(text) else float(text)
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    return float(text) if _INFINITY.fullmatch(text) else text


def cells(texts: Sequence[str], missing: Container[str]) -> Column:
    """Read one column."""
    joined = "\n".join(texts)
    if _NUMBERS.fullmatch(f"{joined}\n") and "" in missing:
        return Numbers(np.array([float(text) if text else np.nan for text in texts]))
    read = {text: cell(text, missing) for text in dict.fromkeys(texts)}
    return column_of([read[text] for text in texts])

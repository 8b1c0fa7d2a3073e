"""Limits of tables, checked a column at a time; faults are kept per row, the first one wins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from monitor.decoders.base import Fault
from monitor.record import Mixed, Reason, Texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from monitor.record import Column, Limits

    Faults = dict[int, Fault]

_SHOWN: Final = 40


def shape_fault(names: Sequence[str], limits: Limits) -> Fault | None:
    """Check the names of a table's columns; a fault here refuses the whole table."""
    if len(names) > limits.max_keys:
        detail = f"{len(names)} columns, more than the {limits.max_keys} allowed"
        return Fault(Reason.TOO_MANY_KEYS, detail)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        return Fault(Reason.DUPLICATE_KEY, f"column {twice[:_SHOWN]!a} occurs twice")
    return next((fault for name in names if (fault := text_fault(name, limits))), None)


def text_fault(text: str, limits: Limits) -> Fault | None:
    """Check one text."""
    if "\0" in text:
        return Fault(Reason.NUL, f"{text[:_SHOWN]!a} contains NUL")
    if len(text) > limits.max_string:
        detail = f"a text of {len(text)} characters, more than the {limits.max_string} allowed"
        return Fault(Reason.STRING_TOO_LONG, detail)
    return None


def mark_rows(rows: NDArray[np.bool_], fault: Fault, faults: Faults) -> None:
    """Give the rows of a mask a fault unless they have one."""
    for row in np.flatnonzero(rows).tolist():
        faults.setdefault(row, fault)


def mark_column(column: Column, limits: Limits, faults: Faults) -> None:
    """Give rows a fault whose text in this column has NUL in it or is too long."""
    if isinstance(column, Texts):
        bad = text_faults(column.vocabulary, limits)
        for row, fault in spread(column.codes, bad).items():
            faults.setdefault(row, fault)
    elif isinstance(column, Mixed):
        faults.update(text_faults(column.values, limits) | faults)


def text_faults(values: Sequence[Any], limits: Limits) -> Faults:
    """Check texts, and texts in lists, one value per row; other values pass."""
    try:
        joined = "".join(values)
    except TypeError:
        joined = "\0"
    if "\0" not in joined and len(max(values, key=len, default="")) <= limits.max_string:
        return {}
    found = ((row, _first_fault(value, limits)) for row, value in enumerate(values))
    return {row: fault for row, fault in found if fault}


def spread(codes: NDArray[np.int32], bad: Faults) -> Faults:
    """Faults of words become faults of the rows that hold them."""
    rows = np.flatnonzero(np.isin(codes, list(bad))).tolist() if bad else []
    return {row: bad[int(codes[row])] for row in rows}


def _first_fault(value: object, limits: Limits) -> Fault | None:
    if isinstance(value, str):
        return text_fault(value, limits)
    if isinstance(value, list):
        return next((fault for item in value if (fault := _first_fault(item, limits))), None)
    return None

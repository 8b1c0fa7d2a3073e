"""Rules that `driftd init` reads off a log: what is never missing, and what stands for missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from detectors.quality.atoms import known_placeholders
from monitor.engine.columns import as_numbers, as_presence
from monitor.record import Texts

if TYPE_CHECKING:
    from monitor.record import Column
    from monitor.schema import Guess

ENOUGH: Final = 1_000
"""Rows of a sample without a missing value from which on a column is taken to be always there."""
MOST_MISSING: Final = 0.01
"""Share that may be missing of a column that never was: one broken client is no alarm."""


def rules_for(found: Guess, column: Column) -> tuple[dict[str, Any], str]:
    """Rules of one column as they are written, and the reason in words, "" without any.

    Parameters
    ----------
    found
        What the column is taken for.
    column
        A sample of it.
    """
    rows = len(column.codes if isinstance(column, Texts) else column.values)
    if found.personal or found.spec.kind == "ignore":
        return {}, ""
    rules: dict[str, Any] = {}
    reasons = []
    if rows >= ENOUGH and not as_presence(column, rows):
        rules["missing"] = {"max": MOST_MISSING}
        reasons.append(f"never missing in {rows:,} records")
    if found.spec.kind == "numeric":
        values, _ = as_numbers(column, rows)
        known = known_placeholders(values[np.isfinite(values)]).tolist()
        if known:
            rules["sentinels"] = [int(value) if value.is_integer() else value for value in known]
            shown = " and ".join(f"{value:g}" for value in known)
            reasons.append(f"{shown} {'seems' if len(known) == 1 else 'seem'} to stand for missing")
    return rules, "; ".join(reasons)

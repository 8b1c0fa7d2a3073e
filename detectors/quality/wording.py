"""How findings put numbers into words."""

from __future__ import annotations

import math


def percent(share: float) -> str:
    """`54.3 %`, `0.02 %`; `100 %` and `0 %` only when exactly so; `unknown` for NaN."""
    if math.isnan(share):
        return "unknown"
    text = f"{100 * share:.3g}"
    if text == "100" and share < 1:
        return "over 99.9 %"
    return f"{text} %"


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3.5 h`, `2.1 days`."""
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds:.3g} s"


def plain(value: float) -> str:
    """A number as people write it: at most six significant digits, no trailing zeros."""
    return f"{value:.6g}"

"""From data to positions, and round numbers for axes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_FLAT = 0.05
_NEARLY = 1e-3
_MOST_PLACES = 6
_EXPONENT = 1e6
_MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True, slots=True)
class Scale:
    """Linear map of `[low, high]` to `[start, stop]`; values outside are held at the ends."""

    low: float
    high: float
    start: float
    stop: float

    def __call__(self, value: float) -> float:
        """Position of `value`, to a tenth of a unit."""
        share = (value - self.low) / (self.high - self.low)
        share = min(1.0, max(0.0, share))
        return round(self.start + share * (self.stop - self.start), 1)


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled position on an axis."""

    at: float
    label: str


def domain(values: Iterable[float], *, zero: bool = False) -> tuple[float, float]:
    """Finite range of `values` with a little air, never empty; `zero` includes zero without air."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return 0.0, 1.0
    low, high = min(finite), max(finite)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
        return low, high if high > low else low + 1.0
    air = 0.08 * (high - low) or _FLAT * abs(high) or 1.0
    return low - air, high + air


def round_values(low: float, high: float, count: int) -> list[float]:
    """About `count` round values inside `[low, high]`."""
    raw = (high - low) / max(1, count)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(s * power for s in _STEPS if s * power >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [index * step for index in range(first, last + 1)]


def labels(values: Sequence[float]) -> list[str]:
    """`values` with as many decimals as tell them apart: `0.20 0.25 0.30`, `0 5 10`."""
    if not values or max(map(abs, values)) >= _EXPONENT:
        return [f"{value:.3g}".replace("e+0", "e").replace("-", _MINUS) for value in values]
    places = 0
    while places < _MOST_PLACES and any(_differs(value, places) for value in values):
        places += 1
    return [f"{value:,.{places}f}".replace("-", _MINUS) for value in values]


def _differs(value: float, places: int) -> bool:
    return abs(value - round(value, places)) > _NEARLY * 10.0**-places


def line(points: Sequence[tuple[float, float] | None]) -> str:
    """SVG path through `points`; None breaks the line."""
    parts = []
    down = False
    for point in points:
        if point is None:
            down = False
            continue
        parts.append(f"{'L' if down else 'M'}{point[0]:g} {point[1]:g}")
        down = True
    return "".join(parts)

"""Changes of unit, scale and sign that programs make, and how to take them back."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from scipy.special import expit, logit

if TYPE_CHECKING:
    from numpy.typing import NDArray

Function: TypeAlias = Callable[["NDArray[np.float64]"], "NDArray[np.float64]"]


@dataclass(frozen=True)
class Conversion:
    """One way in which all values of a column change.

    `words` tell what happened to the baseline's values; `apply` does it and `undo` takes it back,
    NaN or infinite where that has no sense. A `plain` one happens to no column by chance; the
    others are factors that honest change may come near.
    """

    words: str
    apply: Function
    undo: Function
    plain: bool = True


def scaled(words: str, factor: float, *, plain: bool = True) -> Conversion:
    """Multiplication by `factor`."""
    return Conversion(words, lambda x: x * factor, lambda x: x / factor, plain)


def shifted(words: str, factor: float, offset: float) -> Conversion:
    """Multiplication by `factor`, then addition of `offset`."""
    return Conversion(words, lambda x: x * factor + offset, lambda x: (x - offset) / factor)


def _both(name: str, factor: float, *, plain: bool = False) -> tuple[Conversion, Conversion]:
    there, back = name.split(" to ")
    return (
        scaled(f"multiplied by {factor:g} ({there} to {back}?)", factor, plain=plain),
        scaled(f"divided by {factor:g} ({back} to {there}?)", 1 / factor, plain=plain),
    )


def _powers() -> tuple[Conversion, ...]:
    hints = {1: "", 2: " (a share to percent, or euros to cents?)", 3: " (kilo?)", 6: " (mega?)"}
    back = {1: "", 2: " (percent to a share, or cents to euros?)", 3: " (kilo?)", 6: " (mega?)"}
    up = [scaled(f"multiplied by {10**k}{hints[k]}", 10.0**k) for k in hints]
    down = [scaled(f"divided by {10**k}{back[k]}", 10.0**-k) for k in back]
    return (*up, *down)


CONVERSIONS: Final[tuple[Conversion, ...]] = (
    scaled("of opposite sign", -1.0),
    *_powers(),
    shifted("in Fahrenheit instead of Celsius", 1.8, 32.0),
    shifted("in Celsius instead of Fahrenheit", 1 / 1.8, -32 / 1.8),
    shifted("in Kelvin instead of Celsius", 1.0, 273.15),
    shifted("in Celsius instead of Kelvin", 1.0, -273.15),
    Conversion("natural logarithms", np.log, np.exp),
    Conversion("natural logarithms of 1 + the value", np.log1p, np.expm1),
    Conversion("decimal logarithms", np.log10, lambda x: 10.0**x),
    Conversion("exponentials", np.exp, np.log),
    Conversion("exponentials less 1", np.expm1, np.log1p),
    Conversion("powers of ten", lambda x: 10.0**x, np.log10),
    Conversion("log odds of a share", logit, expit),
    *_both("minutes to seconds", 60.0, plain=True),
    *_both("hours to seconds", 3600.0, plain=True),
    *_both("days to seconds", 86_400.0, plain=True),
    *_both("days to hours", 24.0),
    *_both("miles to km", 1.609344),
    *_both("kg to lb", 2.2046226),
    *_both("metres to feet", 3.2808399),
    *_both("inches to cm", 2.54),
    *_both("ounces to g", 28.349523),
    *_both("degrees to radians", math.pi / 180),
)
"""Ordered: of several that fit equally well the first is named."""

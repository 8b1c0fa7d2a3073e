"""To how many decimals numbers are written: powers of ten of which they are multiples.

A double that was written with `d` decimals is the nearest one to a multiple of `10**-d`, so
`x * 10**d` lies within a few rounding errors of a whole number. Doubles that were computed do so by
chance only: about one in a thousand times, when they are as large as `2**40` units.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST, MOST = -3, 9
"""Decimals that are told apart: multiples of 1000 up to billionths."""
LEAST_VALUES: Final = 50
RARE: Final = 0.25
"""Values happen to be so round at most, where roundness is to be news."""
NEARLY_ALL: Final = 0.999
_ROUNDING: Final = 4 * 2.0**-52


def on_grid(values: NDArray[np.float64], decimals: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether finite values `(n, c)` are multiples of `10**-decimals`, `(c,)`; NaN is none."""
    with np.errstate(over="ignore", invalid="ignore"):
        many = 10.0 ** np.maximum(decimals, 0)
        few = 10.0 ** np.maximum(-decimals, 0)
        scaled = values * many / few
        near: NDArray[np.bool_] = np.abs(scaled - np.rint(scaled)) <= _ROUNDING * np.abs(scaled)
    return near


def usual_decimals(values: NDArray[np.float64]) -> tuple[float, float]:
    """How round the baseline's values of one column are.

    Parameters
    ----------
    values
        float64 `(n,)`, finite.

    Returns
    -------
    tuple of float
        The most decimals that at most RARE of the values do with, and the fewest that nearly all
        of them do with; NaN where there are none or too few values.
    """
    if len(values) < LEAST_VALUES:
        return np.nan, np.nan
    decimals = np.arange(FEWEST, MOST + 1, dtype=np.float64)
    shares = on_grid(np.repeat(values[:, None], len(decimals), axis=1), decimals).mean(axis=0)
    rare, nearly = decimals[shares <= RARE], decimals[shares >= NEARLY_ALL]
    return float(rare.max(initial=-np.inf)) if len(rare) else np.nan, (
        float(nearly.min()) if len(nearly) else np.nan
    )


def step_text(decimals: float) -> str:
    """`0.01`, `1`, `10`: the multiple that `decimals` stand for."""
    return f"{10.0**-decimals:.{max(int(decimals), 0)}f}"

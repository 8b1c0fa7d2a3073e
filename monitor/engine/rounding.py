"""Rounding numbers as a decision shows them: nine significant digits, many at a time.

The state behind a decision is kept exactly; people and diffs do not need more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

DIGITS: Final = 9
_REACH: Final = 290
_POWERS: Final = np.array([float(f"1e{k}") for k in range(_REACH + DIGITS + 1)])
"""Powers of ten as the nearest doubles; those up to 1e22 are exact."""


def rounded(values: ArrayLike) -> list[Any]:
    """`values` as nested lists of floats with nine significant digits.

    What is no number stays what it is: JSON shows it as null. Beyond 1e290 and below 1e-290 numbers
    stay as they are.
    """
    exact = np.asarray(values, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        place = np.floor(np.log10(np.abs(exact)))
        usual = np.abs(place) <= _REACH
        shift = DIGITS - 1 - np.where(usual, place, 0.0).astype(np.int64)
        up, down = _POWERS[np.maximum(shift, 0)], _POWERS[np.maximum(-shift, 0)]
        near: NDArray[np.float64] = np.rint(np.where(usual, exact, 0.0) * up / down) / up * down
    result: list[Any] = np.where(usual, near, exact).tolist()
    return result

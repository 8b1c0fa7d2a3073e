"""What every univariate detector has in common: a baseline, a formula, one kind of answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import chdtri

from detectors.errors import InputError, ParameterError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from detectors.result import ColumnStatistics
    from detectors.univariate.comparison import Comparison, Reference


@dataclass(frozen=True)
class Fitted:
    """A detector fitted to `reference`; `measure` holds its parameters and its formula."""

    reference: Reference
    measure: Callable[[Comparison], ColumnStatistics]

    def judge(self, window: Comparison) -> ColumnStatistics:
        """Measure all columns of one window.

        Raises
        ------
        InputError
            If the window was compared with another reference.
        """
        if window.reference is not self.reference:
            raise InputError("the window was compared with another reference")
        return self.measure(window)


def require_share(name: str, value: float) -> None:
    """Refuse a probability or share outside (0, 1)."""
    if not 0 < value < 1:
        raise ParameterError(f"{name} must be in (0, 1), got {value}")


def null_quantile(window: Comparison, alpha: float) -> NDArray[np.float64]:
    """Upper `alpha` quantile of chi2 with one degree less than groups in use, float64 `(c,)`.

    NaN where fewer than two groups are in use: there is nothing to compare.
    """
    degrees = np.where(window.group_count > 1, window.group_count - 1.0, np.nan)
    return np.asarray(chdtri(degrees, alpha), dtype=np.float64)

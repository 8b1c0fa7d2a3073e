"""What every univariate detector has in common: a baseline, a formula, one kind of answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import chdtri

from detectors.errors import InputError
from detectors.result import no_guarantee

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from detectors.result import ColumnStatistics, Guarantee
    from detectors.univariate.comparison import Comparison, Reference


@dataclass(frozen=True)
class Fitted:
    """A detector fitted to `reference`; `measure` holds its parameters and its formula.

    `threshold` is a constant that the user wants statistics compared with, instead of the one that
    follows from the number of rows.
    """

    reference: Reference
    measure: Callable[[Comparison], ColumnStatistics]
    threshold: float | None = None

    def judge(self, window: Comparison) -> ColumnStatistics:
        """Measure all columns of one window.

        Raises
        ------
        InputError
            If the window was compared with another reference.
        """
        if not window.reference.same_grid(self.reference):
            raise InputError("the window was compared with another reference")
        result = self.measure(window)
        if self.threshold is None:
            return result
        threshold = np.full(len(result.columns), float(self.threshold))
        return replace(result, threshold=threshold, guarantee=_USERS)


_USERS = no_guarantee("the user's own threshold, without a false-alarm guarantee")


def null_quantile(window: Comparison, alpha: float) -> NDArray[np.float64]:
    """Upper `alpha` quantile of chi2 with one degree less than groups in use, float64 `(c,)`.

    NaN where fewer than two groups are in use: there is nothing to compare.
    """
    return chi_square_quantile(window.group_count - 1, alpha)


def chi_square_quantile(degrees: NDArray[Any], alpha: float) -> NDArray[np.float64]:
    """Upper `alpha` quantile, float64 `(c,)`, of chi2 with whole `degrees`; NaN where below 1.

    Columns have few different degrees, so the dear inverse is taken once for each.
    """
    whole = np.maximum(np.nan_to_num(degrees, nan=0.0), 0.0).astype(np.int64)
    quantiles: NDArray[np.float64] = _quantiles(alpha, int(whole.max(initial=0)))[whole]
    return quantiles


@lru_cache(maxsize=64)
def _quantiles(alpha: float, most: int) -> NDArray[np.float64]:
    """Of 0 to `most` degrees."""
    quantiles = np.asarray(chdtri(np.arange(most + 1.0), alpha), dtype=np.float64)
    quantiles[0] = np.nan
    quantiles.flags.writeable = False
    return quantiles


def approximate(alpha: float) -> Guarantee:
    """What the quantile of a chi-square law promises of a distance between groups."""
    return no_guarantee(
        f"about {alpha:g} of unchanged windows exceed the threshold; "
        "assumes independent rows and five expected rows per group"
    )

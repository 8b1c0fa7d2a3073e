"""Laws of quadratic statistics such as Cramer-von Mises and Anderson-Darling without change.

Both are `Q = sum_k w_k B_k**2` with a Brownian bridge `B` seen at the cells, in the limit of many
rows. Two laws stand in for the law of `Q`, whose mean and variance are known from the baseline's
cells alone:

- the continuous limit `sum_j lambda_j chi2_1` (`1 / (j pi)**2` for Cramer-von Mises, `1 / (j (j +
  1))` for Anderson-Darling), shifted and scaled to that mean and variance: right for values that
  seldom repeat;
- `a chi2_v` with that mean and variance (Satterthwaite 1941): right for few distinct values, exact
  for two.

The larger p-value of the two counts, so the answer errs on the side of silence.

The continuous laws come from Smirnov's formula (Martynov 1975): with
`D(u) = prod_j (1 - u lambda_j)` and its zeros `u_1 < u_2 < ...`,
`P(Q > x) = 1/pi sum_k (-1)**(k-1) int exp(-x u / 2) / (u sqrt(|D(u)|)) du` over
`[u_{2k-1}, u_{2k}]`. Gauss-Chebyshev quadrature takes care of the ends; the logarithm is tabulated
once and interpolated, which is wrong by less than 1e-5 of the p-value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy.special import chdtri, gammaincc

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_NODES: Final = 48
_ZEROS: Final = 24
_GRID: Final = 4096


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean and standard deviation of a quadratic statistic without change, float64 `(c,)` each.

    `quantiles` are those that were asked for, by level.
    """

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    quantiles: dict[float, NDArray[np.float64]] = field(default_factory=dict)

    @classmethod
    def of_bridge(
        cls,
        weight: NDArray[np.float64],
        below: NDArray[np.float64],
        above: NDArray[np.float64],
        variance: NDArray[np.float64],
    ) -> Moments:
        """Moments of `sum_k w_k B_k**2`.

        Parameters
        ----------
        weight
            float64 `(c, k)`, not negative.
        below, above, variance
            float64 `(c, k)`: `cov(B_k, B_l) = below_k above_l` for `k < l`, and `var(B_k)`.
        """
        own = weight * variance
        earlier = np.cumsum(weight * below**2, axis=1)
        pairs = np.vecdot((weight * above**2)[:, 1:], earlier[:, :-1])
        return cls(own.sum(axis=1), np.sqrt(2 * np.vecdot(own, own) + 4 * pairs))

    @property
    def _degrees(self) -> NDArray[np.float64]:
        """Degrees of freedom of the chi-square law with these moments."""
        with np.errstate(divide="ignore", invalid="ignore"):
            degrees: NDArray[np.float64] = 2 * (self.mean / self.deviation) ** 2
        return degrees


@dataclass(frozen=True, eq=False)
class ContinuousLaw:
    """Tail of `sum_j lambda_j chi2_1` as a table: `log_tail[i] = log P(Q > at[i])`."""

    at: NDArray[np.float64]
    log_tail: NDArray[np.float64]
    mean: float
    deviation: float

    def p_value(self, x: NDArray[np.float64], moments: Moments) -> NDArray[np.float64]:
        """`P(Q > x)`, the larger one of both laws; 1 where nothing can vary, NaN for NaN."""
        with np.errstate(divide="ignore", invalid="ignore"):
            matched = self.mean + (x - moments.mean) * (self.deviation / moments.deviation)
            few = gammaincc(
                moments._degrees / 2,  # noqa: SLF001  # of this module
                np.maximum(x, 0.0) * moments.mean / moments.deviation**2,
            )
        many = np.exp(np.interp(matched, self.at, self.log_tail, left=0.0))
        p_value = np.where(moments.deviation > 0, np.fmax(many, few), 1.0)
        return np.where(np.isnan(x), np.nan, p_value)

    def quantile(self, alpha: float, moments: Moments) -> NDArray[np.float64]:
        """The `x` at which the p-value is `alpha`; NaN where nothing can vary."""
        if alpha not in moments.quantiles:
            moments.quantiles[alpha] = self._quantile(alpha, moments)
        return moments.quantiles[alpha]

    def _quantile(self, alpha: float, moments: Moments) -> NDArray[np.float64]:
        limit = np.interp(-np.log(alpha), -self.log_tail, self.at)
        many = moments.mean + (limit - self.mean) * (moments.deviation / self.deviation)
        degrees = moments._degrees  # noqa: SLF001  # of this module
        few = chdtri(degrees, alpha) * moments.mean / degrees
        return np.where(moments.deviation > 0, np.maximum(many, few), np.nan)


@cache
def cramer_von_mises_law() -> ContinuousLaw:
    """The limit of the Cramer-von Mises statistic: mean 1/6, variance 1/45."""

    def integrand(s: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return s**2, 2 / s * np.sqrt(s / np.abs(np.sin(s)))

    zeros = np.pi * np.arange(1.0, _ZEROS + 1)
    at = np.geomspace(0.012, 140.0, _GRID, dtype=np.float64)
    return ContinuousLaw(at, _log_tail(at, zeros, integrand), 1 / 6, np.sqrt(1 / 45))


@cache
def anderson_darling_law() -> ContinuousLaw:
    """The limit of the Anderson-Darling statistic: mean 1, variance `2 pi**2 / 3 - 6`."""

    def integrand(v: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        u = (v**2 - 1) / 4
        return u, v / 2 / u * np.sqrt(np.pi * u / np.abs(np.cos(np.pi * v / 2)))

    zeros = 2.0 * np.arange(1.0, _ZEROS + 1) + 1
    at = np.geomspace(0.1, 690.0, _GRID, dtype=np.float64)
    deviation = float(np.sqrt(2 * np.pi**2 / 3 - 6))
    return ContinuousLaw(at, _log_tail(at, zeros, integrand), 1.0, deviation)


def _log_tail(
    at: NDArray[np.float64],
    zeros: NDArray[np.float64],
    integrand: Callable[[NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]],
) -> NDArray[np.float64]:
    """Smirnov's formula at `at`; `integrand(v)` gives `u(v)` and the rest but `exp(-x u / 2)`."""
    angles = np.cos((2 * np.arange(_NODES) + 1) * np.pi / (2 * _NODES))
    first, last = zeros[::2, None], zeros[1::2, None]
    v = (first + last) / 2 + (last - first) / 2 * angles
    u, rest = integrand(v)
    sign = np.where(np.arange(len(first)) % 2 == 0, 1.0, -1.0)[:, None]
    factor = sign * rest * np.sqrt((v - first) * (last - v)) / _NODES
    lead = float(u.min())
    total = np.exp(-np.outer(at, u.ravel() - lead) / 2) @ factor.ravel()
    log_tail: NDArray[np.float64] = np.log(total) - at * lead / 2
    return np.minimum(log_tail, 0.0)

"""Shiryaev-Roberts evidence: a mixture over signs, sizes and two shapes of change.

For a standardised score `z` that is close to N(0, 1) while nothing changes, the one-step evidence
for a shift `d` beyond the gate `g` is a Student-t likelihood ratio, bounded in `z`:

    e_d(z) = ((1 + v^2 / nu) / (1 + (v - d)^2 / nu)) ^ ((nu + 1) / 2),   v = sign * z - g

Sums over unknown start times follow `M_t = e_d(z_t) (M_{t-1} + 1)` for a change that stays visible.
After whitening with autoregression `phi` a step of the level shows as `d, c d, c d, ...` with
`c = 1 - sum(phi)`, hence `Q_t = e_{cd}(z_t) Q_{t-1} + e_d(z_t)`. As `E[e | past] <= 1`, a weighted
mean of all of them grows by at most 1 per window in expectation, so a column that alarms at `A` and
starts again does so at most `T / A` times in `T` windows (Shin, Ramdas & Rinaldo, e-detectors,
arXiv 2203.03532).

No Student-t law has the skewness of a delay or of a missing share: on most days such a series lies
a little under its mean, and bets on a small fall win nearly every day. Each ratio is therefore
divided by its mean over the baseline's own innovations where that exceeds 1, so that `E[e] <= 1`
holds on the baseline whatever its shape.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from detectors.sequential.dispersion import HORIZONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHIFTS = np.array([0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 5.6, 8.0, 12.0, 20.0])
"""Sizes of change that are bet on, in innovation standard deviations."""
SIGNS = np.array([1.0, -1.0])
CAP = 1e30
WILDEST = 1e6
"""Scores beyond this count as this large, so that squares stay finite."""
HEADROOM = 1e8
"""Evidence is capped at this multiple of the line, so that it can fall again."""
NATS = 30.0
"""A shift `d` is told apart after about NATS / d^2 windows: the horizon whose variance matters."""
STEP_BELOW = 0.9
"""The step shape is followed where whitening leaves less than this of a level step."""


def likelihood_ratio(
    v: NDArray[np.float64], shift: NDArray[np.float64], nu: NDArray[np.float64] | float
) -> NDArray[np.float64]:
    """Student-t likelihood ratio of `shift` against 0 at `v`; all arguments broadcast."""
    ratio: NDArray[np.float64] = np.exp(log_likelihood_ratio(v, shift, nu))
    return ratio


def log_likelihood_ratio(
    v: NDArray[np.float64], shift: NDArray[np.float64], nu: NDArray[np.float64] | float
) -> NDArray[np.float64]:
    """Logarithm of `likelihood_ratio`."""
    ratio: NDArray[np.float64] = np.log((nu + v * v) / (nu + (v - shift) ** 2))
    return (nu + 1) / 2 * ratio


@dataclass(frozen=True, eq=False)
class Likelihood:
    """What the likelihood ratios of `S` series over `D` shifts need.

    Attributes
    ----------
    nu, gate
        float64 `(S, 1)`: degrees of freedom, and the part of a score that is not counted.
    constant
        float64 `(S, D)`: factor on scores in the constant shape, for variance that grows.
    stepping
        int64 `(Z,)`: series that also follow the step shape.
    remains
        float64 `(S,)`: `c`, the part of a level step that whitening leaves.
    step, step_shift
        float64 `(Z, D)`: factor on scores and size `c d` after the first window of a step.
    fair, fair_step, fair_onset
        float64 `(2, S, D)`, `(2, Z, D)`, `(2, Z, D)`, at least 1: mean ratio on the baseline per
        sign, of the constant shape, of a step after its first window, and in its first window.
    """

    nu: NDArray[np.float64]
    gate: NDArray[np.float64]
    constant: NDArray[np.float64]
    stepping: NDArray[np.int64]
    remains: NDArray[np.float64]
    step: NDArray[np.float64]
    step_shift: NDArray[np.float64]
    fair: NDArray[np.float64]
    fair_step: NDArray[np.float64]
    fair_onset: NDArray[np.float64]

    @classmethod
    def build(
        cls,
        nu: NDArray[np.float64],
        gate: NDArray[np.float64],
        phi: NDArray[np.float64],
        ratios: NDArray[np.float64],
        typical: NDArray[np.float64],
    ) -> Likelihood:
        """Prepare a monitor's ratios.

        Parameters
        ----------
        nu, gate
            `(S,)`.
        phi, ratios
            Coefficients `(p, S)`, variance ratios `(6, S)`.
        typical
            `(q, S)`: equally likely standardised innovations of the baseline; none for ratios that
            rest on the Student-t law alone.
        """
        remains = np.clip(1 - phi.sum(axis=0), 0.02, 1.0)
        stepping = np.flatnonzero(remains < STEP_BELOW)
        step_shift = remains[stepping, None] * SHIFTS
        constant = np.broadcast_to(SHIFTS, (len(remains), len(SHIFTS)))
        constant = _shrink(constant, ratios, np.arange(len(remains)))
        step = _shrink(step_shift, ratios, stepping)
        onset, wide, some = np.ones_like(step), nu[:, None], typical[:, stepping]
        return cls(
            nu=wide,
            gate=gate[:, None],
            constant=constant,
            stepping=stepping,
            remains=remains,
            step=step,
            step_shift=step_shift,
            fair=_mean_ratio(typical, gate, constant, SHIFTS, wide),
            fair_step=_mean_ratio(some, gate[stepping], step, step_shift, wide[stepping]),
            fair_onset=_mean_ratio(some, gate[stepping], onset, SHIFTS, wide[stepping]),
        )

    def update(
        self,
        constant: NDArray[np.float64],
        step: NDArray[np.float64],
        z: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Evidence after one window.

        Parameters
        ----------
        constant, step
            float64 `(2, S, D)` and `(2, Z, D)` before the window.
        z
            float64 `(S,)`; NaN leaves a series as it was.
        """
        tame = np.clip(z, -WILDEST, WILDEST)
        v = SIGNS[:, None, None] * tame[:, None] - self.gate
        seen = ~np.isnan(z)
        grown = likelihood_ratio(v * self.constant, SHIFTS, self.nu) / self.fair * (constant + 1)
        constant = np.where(seen[:, None], np.minimum(grown, CAP), constant)
        if not len(self.stepping):
            return constant, step
        v, nu = v[:, self.stepping], self.nu[self.stepping]
        grown = likelihood_ratio(v * self.step, self.step_shift, nu) / self.fair_step * step
        grown = grown + likelihood_ratio(v, SHIFTS, nu) / self.fair_onset
        return constant, np.where(seen[self.stepping, None], np.minimum(grown, CAP), step)

    def by_series(
        self, constant: NDArray[np.float64], step: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Evidence `(S,)` of each series: mean over signs, shifts and the shapes it follows."""
        mean: NDArray[np.float64] = constant.mean(axis=(0, 2))
        mean[self.stepping] = (mean[self.stepping] + step.mean(axis=(0, 2))) / 2
        return mean


def _mean_ratio(
    typical: NDArray[np.float64],
    gate: NDArray[np.float64],
    factor: NDArray[np.float64],
    shift: NDArray[np.float64],
    nu: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Mean likelihood ratio `(2, S, D)` over typical scores `(q, S)`, at least 1."""
    total = np.zeros((2, *factor.shape))
    for z in typical:
        v = SIGNS[:, None, None] * z[:, None] - gate[:, None]
        total += likelihood_ratio(v * factor, shift, nu)
    return np.maximum(total / max(len(typical), 1), 1.0)


def _shrink(
    shifts: NDArray[np.float64], ratios: NDArray[np.float64], series: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Divide by the standard deviation at the horizon each shift needs to be told apart."""
    horizon = np.maximum(NATS / np.maximum(shifts, 0.3) ** 2, 1.0)
    distance = np.abs(np.log(HORIZONS / horizon[..., None]))
    nearest = np.argmin(distance, axis=-1)
    shrunk: NDArray[np.float64] = 1 / np.sqrt(ratios[nearest, series[:, None]])
    return shrunk

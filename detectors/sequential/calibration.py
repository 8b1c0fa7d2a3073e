"""What a baseline's own windows teach the monitor; values only, no decisions."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from detectors.errors import InputError, StateError
from detectors.result import Guarantee, GuaranteeKind
from detectors.sequential.autocorrelation import fit_autoregression
from detectors.sequential.dispersion import (
    FREEDOMS,
    fit_freedom,
    floored,
    side_scales,
    student_scale,
    variance_ratios,
)
from detectors.sequential.evidence import Likelihood
from detectors.sequential.regression import CLIP, fit_level, robust_scale

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

FORMAT = 1


class Components(Protocol):
    """Which series belong together: a `SeriesBank` for columns, a `Panel` for scorers."""

    @property
    def columns(self) -> int:
        """Number of columns `F`."""
        ...

    @property
    def column(self) -> NDArray[np.int64]:
        """int64 `(S,)`, non-decreasing: column of each series."""
        ...

    @property
    def weight(self) -> NDArray[np.float64]:
        """float64 `(S,)`: sums to 1 over the series of one column."""
        ...

    @property
    def kind(self) -> NDArray[np.int64]:
        """int64 `(S,)`: the same small integer for series that measure the same thing."""
        ...


@dataclass(frozen=True, eq=False)
class Calibration:
    """Parameters of the monitor of one stream: `S` series, `F` columns, `d` regressors, order `p`.

    Attributes
    ----------
    columns
        Number of columns `F`.
    column, weight
        `(S,)` of the series bank.
    windows
        Baseline windows `R` behind these parameters.
    coefficients, covariance
        `(d, S)` and `(d, d)`: where recursive least squares starts.
    phi
        `(p, S)`: autoregression of the residuals, lag 1 first.
    lags
        `(p, S)`: last residuals of the baseline, newest first; NaN where not observed.
    scale, upper, lower
        `(S,)`: scale of innovations, and the factors (>= 1) of their upper and lower side.
    spread
        `(S,)`: robust standard deviation of the residuals before whitening.
    ratios
        `(6, S)`: variance ratios at `dispersion.HORIZONS`.
    tails
        `(S,)`: degrees of freedom of each series' own innovations.
    nu, gate
        `(F,)`: upper bound on the degrees of freedom, and gate, of each column.
    alarms, expected_alarms
        What the back-test counted with these settings, and the most that a valid monitor raises in
        expectation; -1 and 0 when there was no back-test.
    guarantee
        What the budget means with this calibration.
    """

    columns: int
    column: NDArray[np.int64]
    weight: NDArray[np.float64]
    windows: int
    coefficients: NDArray[np.float64]
    covariance: NDArray[np.float64]
    phi: NDArray[np.float64]
    lags: NDArray[np.float64]
    scale: NDArray[np.float64]
    upper: NDArray[np.float64]
    lower: NDArray[np.float64]
    spread: NDArray[np.float64]
    ratios: NDArray[np.float64]
    tails: NDArray[np.float64]
    nu: NDArray[np.float64]
    gate: NDArray[np.float64]
    alarms: int
    expected_alarms: float
    guarantee: Guarantee

    @cached_property
    def likelihood(self) -> Likelihood:
        """Likelihood ratios with these settings."""
        nu = np.minimum(self.nu[self.column], self.tails)
        gate = self.gate[self.column]
        return Likelihood.build(nu, gate, self.phi, self.ratios)

    def with_settings(self, nu: NDArray[np.float64], gate: NDArray[np.float64]) -> Calibration:
        """Return the same parameters with other degrees of freedom and gates per column."""
        return replace(self, nu=nu, gate=gate)

    def state(self) -> dict[str, Any]:
        """Everything as a plain dict of numbers, strings and arrays."""
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "guarantee"}
        promise = self.guarantee
        guarantee = {"kind": str(promise.kind), "level": promise.level, "text": promise.text}
        return {"format": FORMAT, **plain, "guarantee": guarantee}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Calibration:
        """Calibration of a `state()`.

        Raises
        ------
        StateError
            If the format is unknown or a key is absent.
        """
        if state.get("format") != FORMAT:
            raise StateError(f"calibration has format {state.get('format')!r}, expected {FORMAT}")
        try:
            values = {f.name: state[f.name] for f in fields(cls)}
        except KeyError as error:
            raise StateError(f"calibration state lacks {error}") from error
        said = values["guarantee"]
        promise = Guarantee(GuaranteeKind(said["kind"]), said["level"], said["text"])
        return cls(**values | {"guarantee": promise})


def estimate(
    y: NDArray[np.float64], x: NDArray[np.float64], bank: Components, guarantee: Guarantee
) -> Calibration:
    """Fit all parameters; the gate is 0 and nothing is back-tested yet.

    Parameters
    ----------
    y
        float64 `(R, S)`: components of consecutive baseline windows, NaN where not observed.
    x
        float64 `(R, d)`: season regressors of the windows.
    bank
        Says which series belong to which column.
    guarantee
        Carried along.

    Raises
    ------
    InputError
        If shapes disagree or there are fewer than 2 windows.
    """
    windows = len(y)
    if windows < 2 or y.shape != (windows, len(bank.column)) or len(x) != windows:  # noqa: PLR2004
        raise InputError(f"cannot calibrate on components {y.shape} and regressors {x.shape}")
    coefficients, covariance = fit_level(y, x)
    residuals = y - x @ coefficients
    spread = robust_scale(residuals)
    tamed = np.clip(residuals, -CLIP * spread, CLIP * spread)
    phi = fit_autoregression(tamed, x)
    innovations = _innovations(residuals, tamed, phi)
    used = np.trace(covariance @ (x.T @ x)) + len(phi)
    innovations *= np.sqrt(windows / max(windows - used, windows / 4))
    tails = fit_freedom(innovations, bank.kind, bank.column)
    scale = floored(student_scale(innovations, tails))
    standard = innovations / scale
    upper, lower = side_scales(standard, tails)
    return Calibration(
        columns=bank.columns,
        column=bank.column,
        weight=bank.weight,
        windows=windows,
        coefficients=coefficients,
        covariance=covariance,
        phi=phi,
        lags=tamed[::-1][: len(phi)].copy(),
        scale=scale,
        upper=upper,
        lower=lower,
        spread=np.maximum(spread, scale),
        ratios=variance_ratios(standard),
        tails=tails,
        nu=np.full(bank.columns, FREEDOMS[0]),
        gate=np.zeros(bank.columns),
        alarms=-1,
        expected_alarms=0.0,
        guarantee=guarantee,
    )


def _innovations(
    residuals: NDArray[np.float64], tamed: NDArray[np.float64], phi: NDArray[np.float64]
) -> NDArray[np.float64]:
    """One-step errors `(R - p, S)` of the autoregression; a lag that is unknown counts as 0."""
    order = len(phi)
    innovations = residuals[order:].copy()
    for k in range(order):
        innovations -= phi[k] * np.nan_to_num(tamed[order - 1 - k : len(tamed) - 1 - k])
    return innovations

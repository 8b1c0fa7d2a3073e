"""What a baseline's own windows teach the monitor; values only, no decisions."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from detectors.errors import InputError, StateError
from detectors.result import Guarantee, GuaranteeKind
from detectors.sequential.autocorrelation import fit_autoregression, lags_broken
from detectors.sequential.dispersion import (
    FREEDOMS,
    at_most_freedom,
    fit_freedom,
    floored,
    side_scales,
    student_scale,
    typical_values,
    variance_ratios,
)
from detectors.sequential.evidence import Likelihood
from detectors.sequential.regression import CLIP, fit_level, robust_scale
from detectors.sequential.size import fit_growth, growth_factor, relative_size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

FORMAT = 2
MOSTLY = 0.5
SEEN_PER_TERM = 3
"""A series is followed when this many baseline windows per regressor observe it."""


@dataclass(frozen=True, eq=False)
class History:
    """What is known of `R` consecutive windows of a stream.

    Attributes
    ----------
    y, x
        `(R, S)` components, NaN where not observed; `(R, d)` season regressors.
    size
        `(R,)`: rows in usual windows, see `size.relative_size`.
    consecutive
        bool `(R,)`: whether each window follows the one before without a gap.
    """

    y: NDArray[np.float64]
    x: NDArray[np.float64]
    size: NDArray[np.float64]
    consecutive: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        y: NDArray[np.float64],
        x: NDArray[np.float64],
        size: NDArray[np.float64] | None = None,
        consecutive: NDArray[np.bool_] | None = None,
    ) -> History:
        """Usual windows without gaps, unless said otherwise."""
        windows = len(y)
        size = np.ones(windows) if size is None else size
        follows = np.ones(windows, dtype=np.bool_) if consecutive is None else consecutive
        return cls(y, x, size, follows)

    def part(self, windows: slice) -> History:
        """Some of the windows."""
        return History(
            self.y[windows], self.x[windows], self.size[windows], self.consecutive[windows]
        )


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
    def freedom(self) -> NDArray[np.float64]:
        """float64 `(S,)`: no series is taken to have lighter tails than this many degrees."""
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
    usual
        Rows of a usual window; 0 when the size of windows was never recorded.
    growth, commonly
        `(S,)`: share of an innovation's variance that grows with a window's rows (see `size`), and
        its median, by which windows of all sizes are weighted.
    thin
        `(S,)`: baseline windows over those that observe a series; inf for one that is not followed
        because hardly any window does.
    coefficients, covariance
        `(d, S)` and `(d, d)`: where recursive least squares starts.
    phi
        `(p, S)`: autoregression of the residuals, lag 1 first.
    lags
        `(p, S)`: last residuals of the baseline, newest first, as `carried`; NaN where not
        observed.
    scale, upper, lower
        `(S,)`: scale of innovations, and the factors (>= 1) of their upper and lower side.
    spread
        `(S,)`: robust standard deviation of the residuals before whitening.
    ratios
        `(6, S)`: variance ratios at `dispersion.HORIZONS`.
    tails
        `(S,)`: degrees of freedom of each series' own innovations.
    typical
        `(q, S)`: equally likely standardised innovations of the baseline.
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
    usual: float
    growth: NDArray[np.float64]
    commonly: float
    thin: NDArray[np.float64]
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
    typical: NDArray[np.float64]
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
        return Likelihood.build(nu, gate, self.phi, self.ratios, self.typical)

    def size(self, rows: float) -> float:
        """Rows of a window in usual windows."""
        return float(relative_size(np.array(rows), self.usual))

    def weighting(self, size: float) -> float:
        """Factor on components and regressors of a window, so that windows of all sizes compare."""
        return float(1 / np.sqrt(growth_factor(self.commonly, size)))

    def deviation(self, size: float) -> NDArray[np.float64]:
        """Standard deviation `(S,)` of an innovation in a window of `size`, component units."""
        return floored(self.scale * np.sqrt(growth_factor(self.growth, size)))

    def carried(self, error: NDArray[np.float64], size: float) -> NDArray[np.float64]:
        """What an error `(S,)` in component units says to later windows of size 1.

        Of a large window nearly all is the mean's own movement, of a small one mostly noise.
        """
        kept: NDArray[np.float64] = error * np.sqrt(size) / growth_factor(self.growth, size)
        return kept

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
    history: History, bank: Components, guarantee: Guarantee, *, usual: float = 0.0
) -> Calibration:
    """Fit all parameters; the gate is 0 and nothing is back-tested yet.

    Parameters
    ----------
    history
        Consecutive baseline windows.
    bank
        Says which series belong to which column.
    guarantee
        Carried along.
    usual
        Rows of a window of size 1.

    Raises
    ------
    InputError
        If shapes disagree or there are fewer than 2 windows.
    """
    _check(history, len(bank.column))
    growth = _growth(history, bank.kind)
    commonly = float(np.median(growth)) if len(growth) else 0.0
    fit = _regressed(history, growth, commonly)
    phi = fit_autoregression(fit.tamed, fit.x, history.consecutive)
    innovations = _innovations(fit, phi, history.consecutive)
    tails = np.minimum(
        fit_freedom(innovations, bank.kind, bank.column), at_most_freedom(bank.freedom)
    )
    scale = floored(student_scale(innovations, tails))
    standard = innovations / scale
    upper, lower = side_scales(standard, tails)
    return Calibration(
        columns=bank.columns,
        column=bank.column,
        weight=bank.weight,
        windows=len(history.y),
        usual=usual,
        growth=growth,
        commonly=commonly,
        thin=_thinness(history.y, fit.x.shape[1]),
        coefficients=fit.coefficients,
        covariance=fit.covariance,
        phi=phi,
        lags=fit.carried[::-1][: len(phi)].copy(),
        scale=scale,
        upper=upper,
        lower=lower,
        spread=np.maximum(fit.spread, scale),
        ratios=variance_ratios(standard),
        tails=tails,
        typical=typical_values(np.where(standard > 0, standard / upper, standard / lower)),
        nu=np.full(bank.columns, FREEDOMS[0]),
        gate=np.zeros(bank.columns),
        alarms=-1,
        expected_alarms=0.0,
        guarantee=guarantee,
    )


def _check(history: History, series: int) -> None:
    windows = len(history.y)
    shapes = history.y.shape, history.x.shape
    if windows < 2 or shapes != ((windows, series), (windows, shapes[1][1])):  # noqa: PLR2004
        raise InputError(f"cannot calibrate on components {shapes[0]} and regressors {shapes[1]}")


class _Regressed(NamedTuple):
    """Level and season taken out: regressors as weighted, residuals at size 1, and the rest."""

    x: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    covariance: NDArray[np.float64]
    residuals: NDArray[np.float64]
    spread: NDArray[np.float64]
    tamed: NDArray[np.float64]
    carried: NDArray[np.float64]


def _regressed(history: History, growth: NDArray[np.float64], commonly: float) -> _Regressed:
    """Residuals `(R, S)` of windows of all sizes; `tamed` with wild ones pulled in."""
    size = history.size[:, None]
    weight = 1 / np.sqrt(growth_factor(commonly, size))
    x = history.x * np.sqrt(size) * weight
    coefficients, covariance = fit_level(history.y * weight, x)
    shape = np.sqrt(growth_factor(growth, size))
    residuals = (history.y - x @ coefficients / weight) / shape
    spread = robust_scale(residuals)
    tamed = np.clip(residuals, -CLIP * spread, CLIP * spread)
    carried = tamed * np.sqrt(size) / shape
    return _Regressed(x, coefficients, covariance, residuals, spread, tamed, carried)


def _growth(history: History, kind: NDArray[np.int64]) -> NDArray[np.float64]:
    """Growth per series, from residuals of a first regression that weighs windows by their rows."""
    x = history.x * np.sqrt(history.size)[:, None]
    return fit_growth(history.y - x @ fit_level(history.y, x)[0], history.size, kind)


def _thinness(y: NDArray[np.float64], terms: int) -> NDArray[np.float64]:
    """Windows over windows that observe a series; inf for series that too few observe."""
    seen = (~np.isnan(y)).sum(axis=0)
    enough = seen >= min(SEEN_PER_TERM * terms, len(y))
    return np.where(enough, len(y) / np.maximum(seen, 1), np.inf)


def _innovations(
    fit: _Regressed, phi: NDArray[np.float64], consecutive: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """One-step errors `(R - p, S)` of the autoregression; a lag that is unknown counts as 0.

    After a gap they are unknown themselves: without a past the errors are larger. They are scaled
    up for the parameters that were fitted to them.
    """
    order, windows = len(phi), len(fit.residuals)
    innovations = fit.residuals[order:].copy()
    for k in range(order):
        innovations -= phi[k] * np.nan_to_num(fit.tamed[order - 1 - k : windows - 1 - k])
    broken: NDArray[np.bool_] = np.any(lags_broken(consecutive, order)[:, order:], axis=0)
    if broken.mean() < MOSTLY:
        innovations[broken] = np.where(phi.any(axis=0), np.nan, innovations[broken])
    used = np.trace(fit.covariance @ (fit.x.T @ fit.x)) + order
    scaled: NDArray[np.float64] = innovations * np.sqrt(windows / max(windows - used, windows / 4))
    return scaled

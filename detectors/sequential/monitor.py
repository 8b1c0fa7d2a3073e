"""One window after the other: predict, standardise, accumulate, learn.

Pure functions on frozen values: `step` takes a state and returns the next. What it knows about the
past is bounded: regression, a few lags, evidence per shift, and the scores and effects of the last
`RECENT` windows, from which it says since when.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from detectors.errors import InputError, StateError
from detectors.sequential.calibration import History
from detectors.sequential.changepoint import Change, Leader, leaders, locate
from detectors.sequential.evidence import CAP, HEADROOM, SHIFTS
from detectors.sequential.regression import CLIP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from detectors.sequential.calibration import Calibration

RECENT = 64
"""Windows that a change is dated within."""
NEAR = 10.0
"""A column within this factor of its line is dated and sized."""


@dataclass(frozen=True, eq=False)
class SequentialState:
    """Where the monitor of one stream stands; resume after the last window.

    Attributes
    ----------
    coefficients, covariance
        `(d, S)`, `(d, d)`: recursive least squares.
    lags
        `(p, S)`: last residuals, newest first, wild ones pulled in, as `Calibration.carried`; NaN
        is unknown.
    constant, step
        `(2, S, D)`, `(2, Z, D)`: evidence per sign, series and shift in both shapes.
    scores, effects
        float32 `(RECENT, S)` rings: standardised scores and effects per row; row
        `windows % RECENT` is written next.
    age
        int64 `(F,)`: windows since each column's evidence began.
    windows
        Windows seen.
    """

    coefficients: NDArray[np.float64]
    covariance: NDArray[np.float64]
    lags: NDArray[np.float64]
    constant: NDArray[np.float64]
    step: NDArray[np.float64]
    scores: NDArray[np.float32]
    effects: NDArray[np.float32]
    age: NDArray[np.int64]
    windows: int

    @classmethod
    def start(cls, calibration: Calibration) -> SequentialState:
        """Begin after the last window of the baseline."""
        series, shifts = len(calibration.column), len(SHIFTS)
        return cls(
            coefficients=calibration.coefficients,
            covariance=calibration.covariance,
            lags=calibration.lags,
            constant=np.zeros((2, series, shifts)),
            step=np.zeros((2, len(calibration.likelihood.stepping), shifts)),
            scores=np.full((RECENT, series), np.nan, dtype=np.float32),
            effects=np.full((RECENT, series), np.nan, dtype=np.float32),
            age=np.zeros(calibration.columns, dtype=np.int64),
            windows=0,
        )

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Everything as named arrays."""
        return {f.name: np.asarray(getattr(self, f.name)) for f in fields(self)}

    @classmethod
    def from_arrays(
        cls, calibration: Calibration, arrays: Mapping[str, NDArray[np.generic]]
    ) -> SequentialState:
        """Resume from `to_arrays()`.

        Raises
        ------
        StateError
            If an array is absent or has another shape than this calibration needs.
        """
        fresh = cls.start(calibration).to_arrays()
        for name, expected in fresh.items():
            if name not in arrays or np.shape(arrays[name]) != expected.shape:
                found = np.shape(arrays[name]) if name in arrays else "nothing"
                raise StateError(f"state {name}: expected shape {expected.shape}, found {found}")
        values = {name: np.array(arrays[name], dtype=fresh[name].dtype) for name in fresh}
        return cls(**values | {"windows": int(arrays["windows"])})  # type: ignore[arg-type]


@dataclass(frozen=True, eq=False)
class StepResult:
    """What one window says; `S` series, `F` columns. Columns without series have NaN and -1.

    Attributes
    ----------
    z
        `(S,)`: standardised one-step error, NaN where not observed.
    evidence, log10
        `(F,)`: evidence for a change, and its decimal logarithm.
    alarm
        bool `(F,)`: whether it reached the line.
    leader
        The series that contributes most per column, and its sign.
    change
        When the change began and how large it is, for columns near their line.
    """

    z: NDArray[np.float64]
    evidence: NDArray[np.float64]
    log10: NDArray[np.float64]
    alarm: NDArray[np.bool_]
    leader: Leader
    change: Change


def step(
    calibration: Calibration,
    lines: NDArray[np.float64],
    state: SequentialState,
    y: NDArray[np.float64],
    x: NDArray[np.float64],
    *,
    rows: float,
    consecutive: bool,
    frozen: NDArray[np.bool_],
) -> tuple[SequentialState, StepResult]:
    """Take one window in.

    Parameters
    ----------
    lines
        `(F,)` evidence at which a column alarms.
    y, x
        `(S,)` components (NaN: not observed) and `(d,)` season regressors of the window.
    rows
        Rows of the window: its size, which also turns components into effects per row.
    consecutive
        Whether the window follows the last one without a gap. After a gap the autoregression has
        no past: scores are divided by the correspondingly larger standard deviation.
    frozen
        bool `(F,)`: columns that do not learn from this window (drifting ones).

    Raises
    ------
    InputError
        If a shape does not fit the calibration.
    """
    _check(calibration, lines, y, x, frozen)
    lags = state.lags if consecutive else np.full_like(state.lags, np.nan)
    size = calibration.size(rows)
    state, z = _predict(
        calibration, state, y, x, size=size, lags=lags, frozen=frozen[calibration.column]
    )
    constant, stepped = calibration.likelihood.update(state.constant, state.step, z)
    after = replace(
        state,
        scores=_written(state.scores, state.windows, z),
        effects=_written(state.effects, state.windows, y / np.sqrt(max(rows, 1.0))),
        age=state.age + 1,
        windows=state.windows + 1,
        **_capped(calibration, lines, constant, stepped),
    )
    return after, _judge(calibration, lines, after, z, rows)


def reset(
    calibration: Calibration, state: SequentialState, columns: NDArray[np.bool_]
) -> SequentialState:
    """Begin the evidence of some columns `(F,)` anew, after an alarm was accepted or a recovery."""
    series = columns[calibration.column]
    stepping = series[calibration.likelihood.stepping]
    return replace(
        state,
        constant=np.where(series[:, None], 0.0, state.constant),
        step=np.where(stepping[:, None], 0.0, state.step),
        age=np.where(columns, 0, state.age),
    )


def scores_ahead(
    calibration: Calibration,
    y: NDArray[np.float64],
    x: NDArray[np.float64],
    size: NDArray[np.float64] | None = None,
    consecutive: NDArray[np.bool_] | None = None,
) -> NDArray[np.float64]:
    """One-step scores `(T, S)` of the windows after the calibration's; arguments of `History`."""
    after = History.of(y, x, size, consecutive)
    state = SequentialState.start(calibration)
    nobody = np.zeros(len(calibration.column), dtype=bool)
    z = np.empty_like(after.y)
    for t, (window, regressors) in enumerate(zip(after.y, after.x, strict=True)):
        lags = state.lags if after.consecutive[t] else np.full_like(state.lags, np.nan)
        state, z[t] = _predict(
            calibration,
            state,
            window,
            regressors,
            size=float(after.size[t]),
            lags=lags,
            frozen=nobody,
        )
    return z


def column_evidence(
    calibration: Calibration, constant: NDArray[np.float64], stepped: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Weighted evidence `(F,)`; 0 for columns without series."""
    by_series = calibration.likelihood.by_series(constant, stepped)
    weighted = calibration.weight * by_series
    return np.bincount(calibration.column, weighted, minlength=calibration.columns).astype(float)


def _predict(
    calibration: Calibration,
    state: SequentialState,
    y: NDArray[np.float64],
    x: NDArray[np.float64],
    *,
    size: float,
    lags: NDArray[np.float64],
    frozen: NDArray[np.bool_],
) -> tuple[SequentialState, NDArray[np.float64]]:
    """Scores of a window of a relative size, and the state that has learned from it."""
    weight = calibration.weighting(size)
    x = x * np.sqrt(size) * weight
    error = y - x @ state.coefficients / weight
    leverage = float(x @ state.covariance @ x)
    z = _standardise(calibration, error, lags, size=size, leverage=leverage)
    bound = CLIP * calibration.spread / calibration.scale * calibration.deviation(size)
    kept = calibration.carried(np.clip(error, -bound, bound), size)
    after = replace(
        _learn(calibration, state, error * weight, x, leverage=leverage, frozen=frozen),
        lags=np.vstack([kept[None], lags])[: len(lags)],
    )
    return after, z


def _standardise(
    calibration: Calibration,
    error: NDArray[np.float64],
    lags: NDArray[np.float64],
    *,
    size: float,
    leverage: float,
) -> NDArray[np.float64]:
    """Innovation over its predictive standard deviation, each side by its own scale."""
    phi, scale = calibration.phi, calibration.scale
    innovation = error - np.sqrt(size) * (phi * np.nan_to_num(lags)).sum(axis=0)
    unknown = np.where(np.isnan(lags), phi, 0.0) * calibration.spread / scale
    own = calibration.deviation(size) ** 2 * (1 + (unknown**2).sum(axis=0))
    level = (scale / calibration.weighting(size)) ** 2 * leverage * calibration.thin
    side = np.where(innovation > 0, calibration.upper, calibration.lower)
    standardised: NDArray[np.float64] = innovation / (np.sqrt(own + level) * side)
    return np.where(np.isfinite(calibration.thin), standardised, np.nan)


def _learn(
    calibration: Calibration,
    state: SequentialState,
    error: NDArray[np.float64],
    x: NDArray[np.float64],
    *,
    leverage: float,
    frozen: NDArray[np.bool_],
) -> SequentialState:
    """Recursive least squares; wild errors count as CLIP spreads, frozen and absent ones not."""
    bound = CLIP * calibration.spread * np.sqrt(1 + leverage)
    lesson = np.where(frozen, 0.0, np.nan_to_num(np.clip(error, -bound, bound)))
    direction = state.covariance @ x
    gain = direction / (1 + leverage)
    return replace(
        state,
        coefficients=state.coefficients + np.outer(gain, lesson),
        covariance=state.covariance - np.outer(gain, direction),
    )


def _written(
    ring: NDArray[np.float32], windows: int, values: NDArray[np.float64]
) -> NDArray[np.float32]:
    copy = ring.copy()
    copy[windows % RECENT] = values
    return copy


def _capped(
    calibration: Calibration,
    lines: NDArray[np.float64],
    constant: NDArray[np.float64],
    stepped: NDArray[np.float64],
) -> dict[str, NDArray[np.float64]]:
    """Hold every term below HEADROOM lines, lest a column that nobody resets never comes down."""
    cap = np.minimum(lines * HEADROOM, CAP)[calibration.column][:, None]
    stepping = calibration.likelihood.stepping
    return {"constant": np.minimum(constant, cap), "step": np.minimum(stepped, cap[stepping])}


def _judge(
    calibration: Calibration,
    lines: NDArray[np.float64],
    state: SequentialState,
    z: NDArray[np.float64],
    rows: float,
) -> StepResult:
    evidence = column_evidence(calibration, state.constant, state.step)
    leader = leaders(calibration, state.constant, state.step)
    newest_first = (state.windows - 1 - np.arange(RECENT)) % RECENT
    change = locate(
        calibration,
        leader,
        evidence * NEAR >= lines,
        scores=state.scores[newest_first],
        effects=state.effects[newest_first],
        age=state.age,
        rows=rows,
    )
    with np.errstate(divide="ignore"):
        log10 = np.log10(evidence)
    return StepResult(z, evidence, log10, evidence >= lines, leader, change)


def _check(
    calibration: Calibration,
    lines: NDArray[np.float64],
    y: NDArray[np.float64],
    x: NDArray[np.float64],
    frozen: NDArray[np.bool_],
) -> None:
    terms, series = calibration.coefficients.shape
    expected = {"y": (series,), "x": (terms,), "lines": (calibration.columns,)}
    for name, array in {"y": y, "x": x, "lines": lines}.items():
        if array.shape != expected[name]:
            raise InputError(f"{name} must have shape {expected[name]}, got {array.shape}")
    if frozen.shape != (calibration.columns,):
        raise InputError(f"frozen must have shape {(calibration.columns,)}, got {frozen.shape}")

"""Wide checks: one window of 100,000 x 60 beside plain numpy and scipy; 1,000,000 x 200 streamed.

The floors are what a good hand would write in numpy for KS and PSI alone, with the baseline's
counts kept and nothing else looked at (missing values, extremes, sums, duplicates). *Pre-table*:
1,024 cells of equal baseline mass, found through a uniform table. *Uniform*: 1,024 cells of equal
width, which cannot resolve columns with heavy tails. Evidently, NannyML and
alibi-detect are measured with `tests.bench.quality`, in environments of their own.
"""

from __future__ import annotations

import time
import tracemalloc
from typing import TYPE_CHECKING

import numpy as np

from detectors.profile.fitting import fit_frame
from detectors.profile.profile import Profile
from detectors.sequential.calibrate import calibrate
from detectors.sequential.monitor import SequentialState, step
from detectors.sequential.series import SeriesBank
from detectors.univariate.battery import Battery
from tests.bench.outcome import Outcome
from tests.bench.speed.bench_detectors import (
    CATEGORICAL,
    NUMERIC,
    ROWS,
    Table,
    best,
    folded,
    scipy_loop,
)
from tests.strategies import block_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

CELLS = 1024
SLOTS = 8192
WINDOWS = 24
STREAMED, STREAM_COLUMNS, CHUNK = 1_000_000, 200, 10_000


class _Evidence:
    """Our side: a kept baseline, from arrays to statistics and sequential evidence."""

    def __init__(self, baseline: Table) -> None:
        self._frame = baseline.frame()
        profile = folded(self._frame, baseline)
        self._battery = Battery.fit(profile)
        size = ROWS // WINDOWS
        self._bank = SeriesBank.fit(self._frame, profile, float(ROWS))
        windows = [Profile(self._frame) for _ in range(WINDOWS)]
        for k, window in enumerate(windows):
            window.add(baseline.block(k * size, (k + 1) * size))
        series = np.array([self._bank.measure(window) for window in windows])
        x = np.ones((WINDOWS, 1))
        self._calibration = calibrate(series, x, self._bank, exchangeable=True)
        self._lines = np.full(NUMERIC + CATEGORICAL, 720.0 * (NUMERIC + CATEGORICAL))

    def of(self, window: Table) -> NDArray[np.float64]:
        """Hash, fold, measure by every detector, and step the evidence."""
        profile = folded(self._frame, window)
        self._battery.judge(profile)
        state = SequentialState.start(self._calibration)
        _, result = step(
            self._calibration,
            self._lines,
            state,
            self._bank.measure(profile),
            np.ones(1),
            rows=float(ROWS),
            consecutive=True,
            frozen=np.zeros(len(self._lines), dtype=np.bool_),
        )
        return result.log10


class _Floor:
    """Plain numpy: find cells, `bincount`, the largest gap and PSI of every column.

    With `table` a uniform slot names the first cell that it may lie in, and two comparisons with
    edges correct that; without, the slot is the cell.
    """

    def __init__(self, baseline: Table, *, table: bool) -> None:
        self._slots = SLOTS if table else CELLS
        self._low = [np.quantile(values, 0.001) for values in baseline.numeric]
        high = [np.quantile(values, 0.999) for values in baseline.numeric]
        spans = zip(self._low, high, strict=True)
        self._scale = [self._slots / max(float(b - a), 1e-12) for a, b in spans]
        self._sizes = [int(codes.max()) + 1 for codes in baseline.categorical]
        self._tables = [self._table(j, v) for j, v in enumerate(baseline.numeric)] if table else []
        self._counts = self._count(baseline)

    def _table(
        self, column: int, values: NDArray[np.float64]
    ) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
        """First cell of each slot, and the edges with infinity behind them."""
        edges = np.quantile(values, np.arange(1, CELLS) / CELLS)
        starts = self._low[column] + np.arange(self._slots + 2) / self._scale[column]
        starts = np.concatenate([[-np.inf], starts[:-1]])
        first = np.searchsorted(edges, starts, side="right").astype(np.int32)
        return first, np.append(edges, [np.inf, np.inf])

    def of(self, window: Table) -> list[tuple[float, float]]:
        """Gap and PSI of every column."""
        return [
            _compared(now, before)
            for now, before in zip(self._count(window), self._counts, strict=True)
        ]

    def _count(self, table: Table) -> list[NDArray[np.int64]]:
        counts = []
        for j, values in enumerate(table.numeric):
            slot = (values - self._low[j]) * self._scale[j]
            cell = np.clip(slot, -1, self._slots).astype(np.int32) + 1
            if self._tables:
                first, edges = self._tables[j]
                cell = first[cell]
                cell += values >= edges[cell]
                cell += values >= edges[cell]
            counts.append(np.bincount(cell, minlength=CELLS + 2))
        for codes, size in zip(table.categorical, self._sizes, strict=True):
            counts.append(np.bincount(codes, minlength=size))
        return counts


def _compared(now: NDArray[np.int64], before: NDArray[np.int64]) -> tuple[float, float]:
    p, q = (now + 0.5) / (now.sum() + 1), (before + 0.5) / (before.sum() + 1)
    return float(np.abs(np.cumsum(p - q)).max()), float(((p - q) * np.log(p / q)).sum())


def wide(*, quick: bool) -> list[Outcome]:
    """100,000 rows of 60 columns with the baseline kept."""
    baseline, window = Table(1), Table(2, moved=10)
    evidence = _Evidence(baseline)
    floor, uniform = (_Floor(baseline, table=table) for table in (True, False))
    repeats = 3 if quick else 9
    ours = best(lambda: evidence.of(window), repeats)
    plain = best(lambda: floor.of(window), repeats)
    least = best(lambda: uniform.of(window), repeats)
    loop = best(lambda: scipy_loop(baseline, window), 1 if quick else 2)
    shape = f"{ROWS:,} x ({NUMERIC} + {CATEGORICAL})"
    note = f"{1000 * ours:.0f} ms; pre-table {1000 * plain:.0f} ms, uniform {1000 * least:.0f} ms"
    return [
        Outcome(
            f"13 statistics and evidence of {shape}, to a numpy pre-table",
            ours / plain,
            "x",
            "less",
            1.5,
            "numpy pre-table, KS and PSI only",
            1.0,
            note,
        ),
        Outcome(
            f"13 statistics and evidence of {shape}",
            1000 * ours,
            "ms",
            "less",
            None,
            "scipy ks_2samp + chi2_contingency",
            1000 * loop,
        ),
    ]


def streamed(*, quick: bool) -> list[Outcome]:
    """1,000,000 rows of 200 numeric columns in chunks, of which none is kept."""
    rng = np.random.default_rng(4)
    chunks = [list(rng.normal(size=(STREAM_COLUMNS, CHUNK))) for _ in range(3)]
    names = [f"n{j}" for j in range(STREAM_COLUMNS)]
    frame = fit_frame(dict(zip(names, chunks[0], strict=True)), {}, [], {})
    battery = Battery.fit(_stream(frame, chunks, 3)[0])
    count = STREAMED // CHUNK // (10 if quick else 1)
    profile, seconds = _stream(frame, chunks, count)
    judged = best(lambda: battery.judge(profile), 3)
    tracemalloc.start()
    _stream(frame, chunks, 5)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    name = f"{count * CHUNK:,} x {STREAM_COLUMNS} streamed"
    note = f"and {1000 * judged:.0f} ms for all statistics"
    kept = f"beside the chunk; {profile.nbytes / 1e6:.1f} MB of it is the profile"
    return [
        Outcome(name, seconds, "s", "less", None, note=note),
        Outcome(f"{name}, memory at most", peak / 1e6, "MB", "less", None, note=kept),
    ]


def _stream(
    frame: object, chunks: list[list[NDArray[np.float64]]], count: int
) -> tuple[Profile, float]:
    """Fold chunks in turn, hashes included; the profile and the seconds it took."""
    profile = Profile(frame)  # type: ignore[arg-type]
    start = time.perf_counter()
    for k in range(count):
        profile.add(block_of(chunks[k % len(chunks)]))
    return profile, time.perf_counter() - start

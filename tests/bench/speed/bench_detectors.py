"""How long profiles, comparisons and quality rules take, beside a scipy loop in the same run.

    python tests/bench/speed/bench_detectors.py

Prints one row per scenario: best of several runs, one thread. Ratios matter, seconds are those of
this machine.
"""

# ruff: noqa: E402  # thread counts only count before numpy is imported

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[3]))

import numpy as np
from scipy import stats

from detectors.inputs import Block
from detectors.profile import Profile, fit_frame, hash_columns
from detectors.profile.sample import Reservoir, Sample, capacity_for
from detectors.quality import QualityBaseline, judge_quality
from detectors.univariate.battery import Battery

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from detectors.profile import Frame

ROWS, NUMERIC, CATEGORICAL = 100_000, 50, 10


class Table:
    """Rows of mixed columns: six numeric shapes, vocabularies of 2 to 100 values."""

    def __init__(self, seed: int, *, moved: int = 0) -> None:
        rng = np.random.default_rng(seed)
        shift = 0.1 * (np.arange(NUMERIC) < moved)
        self.numeric = [_shape(rng, j) + shift[j] for j in range(NUMERIC)]
        sizes = np.linspace(2, 100, CATEGORICAL).astype(int).tolist()
        self.categorical = [_codes(rng, size, seed=size) for size in sizes]

    def frame(self) -> Frame:
        """Frame with this table as the baseline."""
        numeric = {f"n{j}": values for j, values in enumerate(self.numeric)}
        counts = {
            f"c{j}": {str(code): -code for code in range(int(codes.max()) + 1)}
            for j, codes in enumerate(self.categorical)
        }
        return fit_frame(numeric, counts, [], {})

    def block(self, start: int = 0, stop: int = ROWS) -> Block:
        """Rows as a block, hashes included."""
        numeric = [values[start:stop] for values in self.numeric]
        codes = [codes[start:stop] for codes in self.categorical]
        none = np.zeros(0, dtype=np.int64)
        return Block(
            rows=stop - start,
            numeric=numeric,
            numeric_wrong=np.zeros(NUMERIC, dtype=np.int64),
            categorical=codes,
            unseen=[{}] * CATEGORICAL,
            presence_missing=none,
            presence_wrong=none,
            hashes=hash_columns(numeric, codes),
        )


def _shape(rng: np.random.Generator, j: int) -> NDArray[np.float64]:
    """Of ten columns four normal, two lognormal, one heavy, counts, zero-inflated, uniform each."""
    match j % 10:
        case 0 | 1 | 2 | 3:
            return rng.normal(size=ROWS)
        case 4 | 5:
            return rng.lognormal(size=ROWS)
        case 6:
            return np.sinh(2 * rng.normal(size=ROWS))
        case 7:
            return rng.poisson(4, ROWS).astype(np.float64)
        case 8:
            return np.where(rng.random(ROWS) < 0.6, 0.0, rng.exponential(size=ROWS))
        case _:
            return rng.random(ROWS)


def _codes(rng: np.random.Generator, size: int, seed: int) -> NDArray[np.int32]:
    shares = np.random.default_rng(seed).dirichlet(np.full(size, 3.0))
    return rng.choice(size, ROWS, p=shares).astype(np.int32)


def best(run: Callable[[], object], repeats: int = 5) -> float:
    """Seconds of the fastest of several runs."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def row(name: str, seconds: float, note: str = "") -> None:
    """Print one scenario."""
    print(f"{name:<58} {1000 * seconds:10.2f} ms  {note}")


def folded(frame: Frame, table: Table, size: int = ROWS) -> Profile:
    """Profile of a table, added in blocks of `size` rows, hashes computed on the way."""
    profile = Profile(frame)
    for start in range(0, ROWS, size):
        profile.add(table.block(start, min(start + size, ROWS)))
    return profile


def sampled(frame: Frame, block: Block) -> Sample:
    """A sample of a block's rows, one a microsecond."""
    reservoir = Reservoir(Sample.empty(frame), capacity_for(frame))
    reservoir.add(block, block.hashes, np.arange(block.rows))
    return reservoir.sample()


def scipy_loop(baseline: Table, window: Table) -> int:
    """What people write: one test per column on the raw values."""
    found = 0
    for a, b in zip(baseline.numeric, window.numeric, strict=True):
        found += stats.ks_2samp(a, b, method="asymp").pvalue < 1e-6
    for a, b in zip(baseline.categorical, window.categorical, strict=True):
        size = max(a.max(), b.max()) + 1
        table = np.array([np.bincount(codes, minlength=size) for codes in (a, b)])
        found += stats.chi2_contingency(table[:, table.any(axis=0)]).pvalue < 1e-6
    return int(found)


def bench_wide() -> None:
    """100,000 rows of 60 columns: arrays in, evidence out, beside scipy."""
    baseline, window = Table(1), Table(2, moved=10)
    frame = baseline.frame()
    base = folded(frame, baseline)
    battery, quality = Battery.fit(base), QualityBaseline.of(base)
    block = window.block()

    def fold() -> Profile:
        profile = Profile(frame)
        profile.add(block)
        return profile

    edges = len(frame.numeric.edge_columns)
    row("fit frame, 100,000 x (50 + 10)", best(baseline.frame, 2), f"{edges} columns with edges")
    row("hash rows", best(lambda: hash_columns(window.numeric, window.categorical)))
    row("fold one block of 100,000 rows", best(fold))
    row("fold blocks of 1,000 rows, with hashes", best(lambda: folded(frame, window, 1000), 3))
    profile = fold()
    row(
        "judge 60 columns, seven statistics, from a kept profile",
        best(lambda: battery.judge(profile), 30),
    )
    row("judge quality of 60 columns", best(lambda: judge_quality(quality, profile), 30))
    kept = sampled(frame, block)
    full = QualityBaseline.of(base, sample=sampled(frame, baseline.block()))
    row(
        "judge quality of 60 columns, with sampled rows",
        best(lambda: judge_quality(full, profile, kept, span=(0, ROWS)), 10),
        f"{len(kept):,} rows",
    )
    evidence = best(lambda: battery.judge(folded(frame, window)))
    loop = best(lambda: scipy_loop(baseline, window), 2)
    row("arrays in, evidence out (hash, fold, judge)", evidence)
    row("peer: scipy ks_2samp + chi2_contingency loop", loop, f"{loop / evidence:.1f} x ours")
    judged = {result.detector: result for result in battery.judge(profile)}
    p_values = np.append(judged["ks"].p_value, judged["chi2"].p_value[NUMERIC:])
    row(
        "columns found at p < 1e-6, ours / scipy",
        0,
        f"{(p_values < 1e-6).sum()} / {scipy_loop(baseline, window)}",
    )


def bench_thousand(columns: int = 1000, rows: int = 5000) -> None:
    """1,000 numeric columns from kept profiles."""
    rng = np.random.default_rng(3)
    values = [rng.normal(size=rows) for _ in range(columns)]
    frame = fit_frame({f"n{j}": v for j, v in enumerate(values)}, {}, [], {})
    none = np.zeros(0, dtype=np.int64)
    wrong = np.zeros(columns, dtype=np.int64)
    profile = Profile(frame)
    profile.add(Block(rows, values, wrong, [], [], none, none, hash_columns(values, [])))
    battery, quality = Battery.fit(profile), QualityBaseline.of(profile)
    row("judge 1,000 columns, seven statistics", best(lambda: battery.judge(profile), 10))
    row("judge quality of 1,000 columns", best(lambda: judge_quality(quality, profile), 10))
    row(
        "create a profile of 1,000 columns",
        best(lambda: Profile(frame), 10),
        f"{profile.nbytes / 1e6:.1f} MB",
    )
    other = Profile.restore(frame, profile.state())
    row("merge two profiles of 1,000 columns", best(lambda: other.merge(profile), 10))
    row("state of a profile of 1,000 columns", best(profile.state, 10))


if __name__ == "__main__":
    bench_wide()
    bench_thousand()

"""How long comparisons of many columns at once take, beside scikit-learn and scipy in the same run.

    python tests/bench/speed/bench_multivariate.py

10,000 + 10,000 rows of 60 numbers; best of several runs, one thread. Ratios matter, seconds are
those of this machine.
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
from scipy.spatial.distance import cdist
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

from detectors import registry
from detectors.multivariate.classifier import tell_apart
from detectors.multivariate.correlation import correlation_change
from detectors.multivariate.mmd import mmd
from detectors.multivariate.moments import hotelling
from detectors.multivariate.reconstruction import reconstruction_change
from tests.detectors.multivariate.tables import frame_of, window_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

ROWS, COLUMNS = 10_000, 60
SAMPLED = 5_000
QUADRATIC = 2_000
"""Rows that a quadratic MMD takes here: it needs the square of them in memory."""


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
    print(f"{name:<62} {1000 * seconds:9.1f} ms  {note}")


def rows(seed: int, *, related: float = 0.0) -> NDArray[np.float64]:
    """Correlated normal rows; `related` moves one pair's correlation, and nothing else."""
    rng = np.random.default_rng(seed)
    loading = np.random.default_rng(0).normal(0, 0.35, (4, COLUMNS))
    values = rng.standard_normal((ROWS, 4)) @ loading + rng.standard_normal((ROWS, COLUMNS))
    values[:, 1] = np.sqrt(1 - related**2) * values[:, 1] + related * values[:, 0]
    return values


def bench_arrays(first: NDArray[np.float64], second: NDArray[np.float64]) -> None:
    """Two arrays in, a test out."""
    print(f"two arrays, {ROWS:,} + {ROWS:,} x {COLUMNS}")
    found = mmd(first, second, rng=np.random.default_rng(1))
    seconds = best(lambda: mmd(first, second, rng=np.random.default_rng(1)))
    row("mmd: 256 random features, 1,000 permutations", seconds, f"p {found.p_value:.3f}")
    linear = tell_apart(first, second)
    seconds = best(lambda: tell_apart(first, second))
    row("classifier: linear, cross-fitted", seconds, f"AUC {linear.auc:.3f}")
    trees = tell_apart(first, second, model="boosting")
    seconds = best(lambda: tell_apart(first, second, model="boosting"), 1)
    row("classifier: boosting, with its columns", seconds, f"AUC {trees.auc:.3f}")
    row("hotelling", best(lambda: hotelling(first, second)))
    change = correlation_change(first, second)
    seconds = best(lambda: correlation_change(first, second))
    row("correlation", seconds, f"pair {change.pair}, p {change.p_value:.1e}")
    row("reconstruction", best(lambda: reconstruction_change(first, second)))


def bench_peers(first: NDArray[np.float64], second: NDArray[np.float64]) -> None:
    """What people write."""
    x, y = np.vstack([first, second]), np.repeat([0, 1], ROWS)

    def score(model: object) -> float:
        told = cross_val_predict(model, x, y, cv=2, method="predict_proba")[:, 1]
        return float(roc_auc_score(y, told))

    for name, model in (
        ("sklearn LogisticRegression, 2 folds", LogisticRegression(max_iter=200)),
        ("sklearn HistGradientBoosting, 2 folds", HistGradientBoostingClassifier(max_iter=60)),
    ):
        start = time.perf_counter()
        auc = score(model)
        row(f"peer: {name}", time.perf_counter() - start, f"AUC {auc:.3f}")

    def quadratic() -> NDArray[np.float64]:
        some = np.vstack([first[:QUADRATIC], second[:QUADRATIC]])
        kernel: NDArray[np.float64] = np.exp(-cdist(some, some, "sqeuclidean") / (2 * COLUMNS))
        return kernel

    seconds = best(quadratic, 1)
    row(f"peer: scipy cdist kernel of {QUADRATIC:,} + {QUADRATIC:,}, no permutation", seconds)


def bench_windows(first: NDArray[np.float64], second: NDArray[np.float64]) -> None:
    """What a scorer of the panel costs at a baseline and at every window."""
    print(f"\none window, a sample of {SAMPLED:,} x {COLUMNS}")
    frame = frame_of(first)
    base = window_of(frame, first, capacity=2 * SAMPLED)
    window = window_of(frame, second, capacity=SAMPLED)
    for name in registry.FAMILIES[registry.MULTIVARIATE]:
        scorer = registry.load(name)()
        fitted = scorer.fit(base.profile, base.sample)
        if fitted is None:
            continue
        fit = best(lambda scorer=scorer: scorer.fit(base.profile, base.sample), 2)
        seconds = best(lambda fitted=fitted: fitted.measure(window), 3)
        row(f"{name}: {len(fitted.series)} series", seconds, f"fitted in {1000 * fit:.0f} ms")


if __name__ == "__main__":
    pair = rows(1), rows(2, related=0.1)
    bench_arrays(*pair)
    bench_peers(*pair)
    bench_windows(*pair)

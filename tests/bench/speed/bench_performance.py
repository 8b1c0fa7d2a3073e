"""How long metrics, intervals and estimates take, beside scikit-learn in the same run.

    python tests/bench/speed/bench_performance.py

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
from sklearn.metrics import roc_auc_score

from detectors.fairness.groups import disparities
from detectors.performance.cbpe import Cbpe
from detectors.performance.confidence import share_bounds
from detectors.performance.density_ratio import importance
from detectors.performance.dle import Dle
from detectors.performance.metrics import defaults_for, measure
from detectors.performance.outcomes import Outcomes

if TYPE_CHECKING:
    from collections.abc import Callable

LARGE, WINDOW, BASELINE, COLUMNS = 100_000, 5_000, 10_000, 10


def classifier(rows: int, seed: int) -> Outcomes:
    """Scores that are too sure, and what became true."""
    rng = np.random.default_rng(seed)
    scores = rng.random(rows)
    truth = (rng.random(rows) < 0.1 + 0.8 * scores).astype(np.float64)
    return Outcomes(truth, (scores > 0.5).astype(np.float64), scores[:, None])


def regression(rows: int, seed: int) -> tuple[Outcomes, np.ndarray]:
    """Errors that grow with the first of the inputs."""
    rng = np.random.default_rng(seed)
    inputs = rng.normal(size=(rows, COLUMNS))
    predicted = inputs.sum(axis=1)
    truth = predicted + rng.normal(size=rows) * np.exp(inputs[:, 0] / 2)
    return Outcomes(truth, predicted, np.empty((rows, 0))), inputs


def scenarios() -> dict[str, Callable[[], object]]:
    """Name of each scenario and what it runs."""
    large, window, baseline = (classifier(n, i) for i, n in enumerate((LARGE, WINDOW, BASELINE)))
    numbers, inputs = regression(WINDOW, 3)
    learned = regression(BASELINE, 4)
    cbpe, dle = Cbpe().fit(baseline, task="binary"), Dle().fit(*learned)
    if cbpe is None or dle is None:
        raise RuntimeError("the baselines are too small")
    names = defaults_for("binary")
    groups = np.arange(LARGE) % 4
    hits = np.arange(1000.0)
    return {
        "scikit-learn AUC, 100,000 rows": lambda: roc_auc_score(large.truth, large.scores[:, 0]),
        "AUC and interval, 100,000 rows": lambda: measure(large, ["roc_auc"], task="binary"),
        "accuracy and interval, 100,000 rows": lambda: measure(large, ["accuracy"], task="binary"),
        "all ten metrics, 100,000 rows": lambda: measure(large, names, task="binary"),
        "all ten metrics, 5,000 rows": lambda: measure(window, names, task="binary"),
        "1,000 shares with intervals": lambda: share_bounds(hits, hits + 100),
        "CBPE fit, 10,000 rows": lambda: Cbpe().fit(baseline, task="binary"),
        "CBPE AUC, 5,000 rows": lambda: cbpe.estimate(window.predicted, window.scores, ["roc_auc"]),
        "CBPE all ten, 5,000 rows": lambda: cbpe.estimate(window.predicted, window.scores, names),
        "DLE fit, 10,000 rows x 10": lambda: Dle().fit(*learned),
        "DLE MAE and RMSE, 5,000 rows x 10": lambda: dle.estimate(
            numbers.predicted, inputs, ["mae", "rmse"]
        ),
        "importance, 10,000 + 5,000 x 10": lambda: importance(learned[1], inputs),
        "six group rates, 4 groups, 100,000 rows": lambda: disparities(large, groups, "abcd"),
    }


def best(run: Callable[[], object], repeats: int = 5) -> float:
    """Seconds of the fastest run."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Print the table."""
    for name, run in scenarios().items():
        print(f"{name:42} {1000 * best(run):9.2f} ms")


if __name__ == "__main__":
    main()

"""Rules of other projects, re-implemented with scipy and run by river, on rows.

As their sources have them: Evidently tests against a reference of up to 1,000 rows with p < .05
(Kolmogorov-Smirnov, chi-square), above that it asks whether the Wasserstein distance in standard
deviations or the Jensen-Shannon distance reaches .1; NannyML whether the Jensen-Shannon distance
leaves mean + 3 standard deviations of the reference's own chunks; whylogs tests with p < .05;
alibi-detect's TabularDrift divides .05 by the columns; 'KS at the budget' divides one alarm a month
by windows and columns. river's detectors run with their defaults on every row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import stats
from scipy.spatial.distance import jensenshannon

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

SMALL, LARGE = 1_000, 10_000
RULES = (
    "Evidently, reference <= 1000",
    "Evidently, reference > 1000",
    "NannyML, mean + 3 sd",
    "whylogs, p < .05",
    "alibi-detect, Bonferroni",
    "KS / chi2 at the budget",
)
RIVER = ("river ADWIN", "river PageHinkley")


def rule_alarms(
    values: list[NDArray[np.float64]],
    reference: int,
    numeric: int,
    period: float,
    rng: np.random.Generator,
    columns: int | None = None,
) -> dict[str, NDArray[np.bool_]]:
    """Alarms `(T, F)` of every scipy rule on the windows after the first `reference`.

    Parameters
    ----------
    values
        Per column `(windows, rows)`; the first `numeric` are numbers, the others codes.
    period
        Windows in which 'the budget' allows one alarm.
    columns
        Columns that share a budget; those in `values` by default.
    """
    found = [_column(rows, reference, rng, continuous=j < numeric) for j, rows in enumerate(values)]
    small, large, distance, chunks = (np.array(part).T for part in zip(*found, strict=True))
    columns = columns or len(values)
    chunk_line = chunks[:reference].mean(axis=0) + 3 * chunks[:reference].std(axis=0)
    alarms = (
        small < 0.05,
        distance >= 0.1,
        chunks[reference:] > chunk_line,
        large < 0.05,
        large < 0.05 / columns,
        large < 1 / period / columns,
    )
    return dict(zip(RULES, alarms, strict=True))


def _column(
    rows: NDArray[np.float64], reference: int, rng: np.random.Generator, *, continuous: bool
) -> tuple[list[float], list[float], list[float], list[float]]:
    """P-values against both references, distances to the large one, and to all of the history."""
    pool = rows[:reference].ravel()
    small = np.sort(rng.choice(pool, SMALL, replace=False))
    large = np.sort(rng.choice(pool, min(LARGE, len(pool)), replace=False))
    live = rows[reference:]
    if continuous:
        test, gap = ks_p, _wasserstein(large)
        edges = np.histogram_bin_edges(pool[:: max(1, len(pool) // 20_000)], "doane")
        whole = _share(pool, edges)
        chunks = [_distance(whole, _share(window, edges), 2.0) for window in rows]
    else:
        test = chi2_p
        size = int(rows.max()) + 1
        whole, base = _code_share(pool, size), _code_share(large, size)
        gap = lambda window: _distance(base, _code_share(window, size), None)  # noqa: E731
        chunks = [_distance(whole, _code_share(window, size), 2.0) for window in rows]
    return (
        [test(small, window) for window in live],
        [test(large, window) for window in live],
        [gap(window) for window in live],
        chunks,
    )


def ks_p(reference: NDArray[np.float64], window: NDArray[np.float64]) -> float:
    """Asymptotic two-sample p-value; the reference is sorted."""
    ordered = np.sort(window)
    m, n = len(reference), len(ordered)
    after = np.searchsorted(reference, ordered, side="right") / m
    before = np.searchsorted(reference, ordered, side="left") / m
    up, down = np.arange(1, n + 1) / n - after, before - np.arange(n) / n
    return float(stats.kstwo.sf(max(up.max(), down.max()), round(m * n / (m + n))))


def chi2_p(reference: NDArray[np.float64], window: NDArray[np.float64]) -> float:
    """Chi-square p-value of two samples of codes, without continuity correction."""
    size = int(max(reference.max(), window.max())) + 1
    table = np.array([np.bincount(v.astype(np.int64), minlength=size) for v in (reference, window)])
    seen = table[:, table.sum(axis=0) > 0]
    if seen.shape[1] == 1:
        return 1.0
    expected = seen.sum(axis=1, keepdims=True) * seen.sum(axis=0) / seen.sum()
    statistic = ((seen - expected) ** 2 / expected).sum()
    return float(stats.chi2.sf(statistic, seen.shape[1] - 1))


def _wasserstein(reference: NDArray[np.float64]) -> Callable[[NDArray[np.float64]], float]:
    deviation = max(float(reference.std()), 1e-9)
    return lambda window: float(stats.wasserstein_distance(reference, window)) / deviation


def _share(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    share: NDArray[np.float64] = np.histogram(values, edges)[0] / len(values)
    return np.append(share, max(1 - share.sum(), 0.0))


def _code_share(values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    return np.bincount(values.astype(np.int64), minlength=size) / len(values)


def _distance(p: NDArray[np.float64], q: NDArray[np.float64], base: float | None) -> float:
    return float(np.nan_to_num(jensenshannon(p, q, base)))


def river_alarms(
    values: list[NDArray[np.float64]], reference: int, warm: int = 34
) -> Mapping[str, NDArray[np.bool_]]:
    """Windows `(T, F)` in which river's detectors fire; they first see `warm` baseline windows."""
    from river.drift import ADWIN, PageHinkley  # noqa: PLC0415 - river is slow to import

    found = {}
    for name, kind in zip(RIVER, (ADWIN, PageHinkley), strict=True):
        fired = np.zeros((len(values[0]) - reference, len(values)), dtype=bool)
        for j, rows in enumerate(values):
            detector = kind()
            for value in rows[reference - warm : reference].ravel().tolist():
                detector.update(value)
            for t, window in enumerate(rows[reference:]):
                for value in window.tolist():
                    detector.update(value)
                    fired[t, j] |= detector.drift_detected
        found[name] = fired
    return found

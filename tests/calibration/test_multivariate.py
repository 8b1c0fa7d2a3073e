"""What the multivariate tests promise of unchanged rows; bounds are exact binomial ones at 1e-6."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import stats

from detectors.multivariate.classifier import tell_apart
from detectors.multivariate.correlation import Correlation, correlation_change
from detectors.multivariate.mmd import mmd
from detectors.multivariate.moments import Moments, hotelling
from detectors.multivariate.reconstruction import reconstruction_change
from tests.detectors.multivariate.tables import factor_rows, frame_of, window_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

ALPHA = 0.05


def heavy(rng: np.random.Generator, k: int) -> NDArray[np.float64]:
    return np.column_stack([rng.standard_t(3, (k, 2)), rng.lognormal(size=k), rng.poisson(2, k)])


def normal(rng: np.random.Generator, k: int) -> NDArray[np.float64]:
    return factor_rows(rng, k, 4)


def dependent(rng: np.random.Generator, k: int) -> NDArray[np.float64]:
    """Ten rows in a row are alike: what grouping neighbours is there for."""
    return np.repeat(normal(rng, k // 10), 10, axis=0)


def p_values(
    test: Callable[..., float], draw: Callable[..., NDArray[np.float64]], repeats: int, rows: int
) -> NDArray[np.float64]:
    rng = np.random.default_rng(41)
    return np.array([test(draw(rng, rows), draw(rng, rows), rng) for _ in range(repeats)])


def bounds(repeats: int) -> tuple[float, float]:
    low, high = stats.binom.ppf([5e-7, 1 - 5e-7], repeats, ALPHA)
    return float(low), float(high)


def mmd_p(a: NDArray[np.float64], b: NDArray[np.float64], rng: np.random.Generator) -> float:
    return mmd(a, b, rng=rng, features=64, permutations=99).p_value


@pytest.mark.parametrize("draw", [normal, heavy])
def test_mmd_is_exact_for_any_rows(draw: Callable[..., NDArray[np.float64]]) -> None:
    p = p_values(mmd_p, draw, 1000, 60)
    low, high = bounds(1000)
    assert low <= (p <= ALPHA).sum() <= high
    assert stats.kstest(p, "uniform").pvalue > 1e-6


def test_mmd_of_groups_is_exact_where_neighbours_are_alike() -> None:
    p = p_values(mmd_p, dependent, 300, 4000)  # groups of 20 rows
    assert (p <= ALPHA).sum() <= bounds(300)[1]


def test_hotelling_is_exact_for_normal_rows() -> None:
    p = p_values(lambda a, b, _: hotelling(a, b).p_value, normal, 2000, 40)
    low, high = bounds(2000)
    assert low <= (p <= ALPHA).sum() <= high
    assert stats.kstest(p, "uniform").pvalue > 1e-6


def test_correlation_change_is_on_the_safe_side_for_normal_rows() -> None:
    p = p_values(lambda a, b, _: correlation_change(a, b).p_value, normal, 2000, 200)
    low, high = bounds(2000)
    assert low / 2 <= (p <= ALPHA).sum() <= high


@pytest.mark.parametrize("draw", [normal, heavy])
def test_classifier_is_on_the_safe_side(draw: Callable[..., NDArray[np.float64]]) -> None:
    p = p_values(lambda a, b, _: tell_apart(a, b).p_value, draw, 600, 100)
    assert (p <= ALPHA).sum() <= bounds(600)[1]


def test_the_interval_of_the_auc_covers() -> None:
    """The truth given the classifiers is .5 for every fold when nothing differs."""
    rng = np.random.default_rng(43)
    found = [tell_apart(normal(rng, 150), normal(rng, 150)) for _ in range(400)]
    missed = sum(not one.low <= 0.5 <= one.high for one in found)
    assert missed <= bounds(400)[1]


def test_reconstruction_is_about_exact() -> None:
    p = p_values(lambda a, b, _: reconstruction_change(a, b).p_value, normal, 1000, 200)
    low, high = bounds(1000)
    assert low / 2 <= (p <= ALPHA).sum() <= high


@pytest.mark.parametrize("scorer", [Moments(), Correlation()], ids=["moments", "correlation"])
def test_series_have_unit_variance_over_independent_rows(scorer: Moments | Correlation) -> None:
    rng = np.random.default_rng(44)
    values = factor_rows(rng, 20_000, 6)
    values[:, 2] = np.exp(values[:, 2])
    frame = frame_of(values)
    base = window_of(frame, values, capacity=20_000)
    fitted = scorer.fit(base.profile, base.sample)
    assert fitted is not None
    y = []
    for seed in range(300):
        rows = factor_rows(rng, 500, 6)
        rows[:, 2] = np.exp(rows[:, 2])
        y.append(fitted.measure(window_of(frame, rows, seed=seed)))
    variance = np.var(y, axis=0, ddof=1)
    low, high = stats.chi2.ppf([1e-7, 1 - 1e-7], 299) / 299
    assert (variance > 0.9 * low).all()
    assert (variance < 1.1 * high).all()

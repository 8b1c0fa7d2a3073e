"""Each statistic against scipy on the values themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from detectors.univariate.battery import Battery
from tests.strategies import categorical_profiles, numeric_profiles

if TYPE_CHECKING:
    from detectors.profile import Profile
    from detectors.result import ColumnStatistics

Samples = tuple[list[np.ndarray], list[np.ndarray]]


def judged(profiles: tuple[Profile, ...], bins: int = 10) -> dict[str, ColumnStatistics]:
    baseline, window = profiles
    battery = Battery.fit(baseline, bins=bins)
    return {result.detector: result for result in battery.judge(window)}


def discrete() -> Samples:
    """Few distinct values: cells are exact."""
    rng = np.random.default_rng(11)
    baseline = [rng.poisson(5, 4000), rng.integers(0, 9, 4000), rng.geometric(0.3, 4000)]
    window = [rng.poisson(6, 900), rng.integers(0, 10, 900), rng.geometric(0.4, 900)]
    return [a.astype(float) for a in baseline], [a.astype(float) for a in window]


def continuous() -> Samples:
    rng = np.random.default_rng(12)
    baseline = [rng.normal(size=9000), rng.lognormal(size=9000), rng.lognormal(3, 3, size=9000)]
    window = [
        rng.normal(0.2, 1.1, 1500),
        rng.lognormal(0.1, size=1500),
        rng.lognormal(3, 2.9, 1500),
    ]
    return baseline, window


def shares(codes: np.ndarray, size: int) -> np.ndarray:
    return np.bincount(codes, minlength=size) / len(codes)


def categories() -> tuple[list[np.ndarray], list[np.ndarray]]:
    rng = np.random.default_rng(13)
    sizes = (2, 5, 30)
    weights = [rng.dirichlet(np.full(size, 5.0)) for size in sizes]
    moved = [w * np.linspace(1, 1.5, len(w)) for w in weights]
    baseline = [rng.choice(len(w), 8000, p=w) for w in weights]
    window = [rng.choice(len(w), 2000, p=w / w.sum()) for w in moved]
    return [a.astype(np.int32) for a in baseline], [a.astype(np.int32) for a in window]


def test_ks_is_exact_where_cells_are() -> None:
    baseline, window = discrete()
    result = judged(numeric_profiles(baseline, window))["ks"]
    for j, (a, b) in enumerate(zip(baseline, window, strict=True)):
        exact = stats.ks_2samp(a, b, method="asymp")
        assert result.statistic[j] == pytest.approx(exact.statistic, abs=1e-12)
        root = np.sqrt(len(a) * len(b) / (len(a) + len(b)))
        assert result.p_value[j] == pytest.approx(stats.kstwobign.sf(root * exact.statistic))


def test_ks_misses_at_most_the_mass_of_the_fullest_cell() -> None:
    baseline, window = continuous()
    profiles = numeric_profiles(baseline, window)
    result = judged(profiles)["ks"]
    exact = np.array(
        [stats.ks_2samp(a, b).statistic for a, b in zip(baseline, window, strict=True)]
    )
    fullest = [p.cells.max(axis=1) / p.rows for p in profiles]
    assert (result.statistic <= exact + 1e-3).all()
    assert (exact <= result.statistic + np.maximum(*fullest)).all()
    assert (exact <= result.statistic * 1.05).all()


def test_ks_threshold_is_where_the_p_value_is_alpha() -> None:
    result = judged(numeric_profiles(*discrete()))["ks"]
    root = np.sqrt(4000 * 900 / 4900)
    assert stats.kstwobign.sf(root * result.threshold) == pytest.approx(0.05)


def test_wasserstein_is_exact_where_cells_are() -> None:
    baseline, window = discrete()
    result = judged(numeric_profiles(baseline, window))["wasserstein"]
    for j, (a, b) in enumerate(zip(baseline, window, strict=True)):
        exact = stats.wasserstein_distance(a, b)
        assert result.statistic[j] == pytest.approx(exact, rel=1e-10)
        assert result.effect[j] == pytest.approx(exact / a.std(), rel=1e-10)


def test_wasserstein_is_within_a_cell_width_elsewhere() -> None:
    baseline, window = continuous()
    profiles = numeric_profiles(baseline, window)
    result = judged(profiles)["wasserstein"]
    exact = [stats.wasserstein_distance(a, b) for a, b in zip(baseline, window, strict=True)]
    wrong = np.abs(result.statistic - exact)
    assert (wrong <= profiles[0].frame.numeric.width)[:2].all()
    assert result.statistic == pytest.approx(exact, rel=0.05), "explicit edges lie far apart"


def test_wasserstein_sees_values_that_leave_the_cells() -> None:
    baseline = np.random.default_rng(14).normal(size=5000)
    window = baseline + 30.0
    result = judged(numeric_profiles([baseline], [window]))["wasserstein"]
    assert result.statistic[0] == pytest.approx(30, rel=1e-3)


def test_chi2_and_g_are_contingency_tests() -> None:
    baseline, window = categories()
    results = judged(categorical_profiles(baseline, window))
    result, likelihood = results["chi2"], results["g"]
    for j, (a, b) in enumerate(zip(baseline, window, strict=True)):
        size = a.max() + 1
        table = np.array([np.bincount(codes, minlength=size) for codes in (a, b)])
        exact = stats.chi2_contingency(table, correction=False)
        assert result.statistic[j] == pytest.approx(exact.statistic)
        assert result.p_value[j] == pytest.approx(exact.pvalue)
        assert result.threshold[j] == pytest.approx(stats.chi2.isf(0.05, exact.dof))
        ratio = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")
        assert likelihood.statistic[j] == pytest.approx(ratio.statistic)
        assert likelihood.p_value[j] == pytest.approx(ratio.pvalue)
        assert likelihood.threshold[j] == result.threshold[j]
        cramer = stats.contingency.association(table, method="cramer")
        assert result.effect[j] == pytest.approx(cramer)


def test_distances_of_shares() -> None:
    baseline, window = categories()
    results = judged(categorical_profiles(baseline, window))
    for j, (a, b) in enumerate(zip(baseline, window, strict=True)):
        q, p = shares(a, a.max() + 1), shares(b, a.max() + 1)
        expected = {
            "jensen_shannon": jensenshannon(p, q),
            "hellinger": np.linalg.norm(np.sqrt(p) - np.sqrt(q)) / np.sqrt(2),
            "total_variation": np.abs(p - q).sum() / 2,
            "linf": np.abs(p - q).max(),
        }
        for name, value in expected.items():
            assert results[name].statistic[j] == pytest.approx(value), name


def test_psi_and_kl_with_half_a_row_per_group() -> None:
    baseline, window = categories()
    results = judged(categorical_profiles(baseline, window))
    result, divergence = results["psi"], results["kl"]
    for j, (a, b) in enumerate(zip(baseline, window, strict=True)):
        size = int(a.max()) + 1
        q = (np.bincount(a, minlength=size) + 0.5) / (len(a) + size / 2)
        p = (np.bincount(b, minlength=size) + 0.5) / (len(b) + size / 2)
        assert result.statistic[j] == pytest.approx(((p - q) * np.log(p / q)).sum())
        limit = (1 / len(a) + 1 / len(b)) * stats.chi2.isf(0.05, size - 1)
        assert result.threshold[j] == pytest.approx(limit)
        assert divergence.statistic[j] == pytest.approx(stats.entropy(p, q))
        assert divergence.threshold[j] == pytest.approx(limit / 2)


def test_shares_of_numeric_columns_are_those_of_baseline_quantile_groups() -> None:
    baseline, window = continuous()
    result = judged(numeric_profiles(baseline, window), bins=10)
    for j, (a, b) in enumerate(zip(baseline, window, strict=True)):
        edges = np.quantile(a, np.arange(1, 10) / 10)
        q = np.bincount(np.searchsorted(edges, a), minlength=10) / len(a)
        p = np.bincount(np.searchsorted(edges, b), minlength=10) / len(b)
        assert result["jensen_shannon"].statistic[j] == pytest.approx(jensenshannon(p, q), rel=0.05)

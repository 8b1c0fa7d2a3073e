"""Cramer-von Mises, Anderson-Darling and energy distance: exact cases, bounds, laws."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import stats

from detectors.errors import ParameterError
from detectors.univariate.battery import Battery
from detectors.univariate.comparison import Reference
from detectors.univariate.energy import Energy
from detectors.univariate.quadratic import anderson_darling_law, cramer_von_mises_law
from tests.strategies import numeric_profiles

if TYPE_CHECKING:
    from detectors.profile import Profile
    from detectors.result import ColumnStatistics

RNG_SEED = 31


def judged(profiles: tuple[Profile, ...]) -> dict[str, ColumnStatistics]:
    baseline, window = profiles
    return {result.detector: result for result in Battery.fit(baseline).judge(window)}


def whole_numbers() -> tuple[list[np.ndarray], list[np.ndarray]]:
    rng = np.random.default_rng(RNG_SEED)
    baseline = [rng.poisson(5, 4000), rng.integers(0, 9, 4000), rng.geometric(0.3, 4000)]
    window = [rng.poisson(6, 900), rng.integers(0, 10, 900), rng.geometric(0.4, 900)]
    return [a.astype(float) for a in baseline], [a.astype(float) for a in window]


def measurements() -> tuple[list[np.ndarray], list[np.ndarray]]:
    rng = np.random.default_rng(RNG_SEED + 1)
    baseline = [rng.normal(size=9000), rng.lognormal(size=9000)]
    return baseline, [rng.normal(0.1, 1.1, 1500), rng.lognormal(0.1, size=1500)]


def no_ties() -> tuple[np.ndarray, np.ndarray]:
    """Different whole numbers: every cell holds one value."""
    values = np.random.default_rng(RNG_SEED + 2).permutation(600).astype(float)
    return values[:400], values[400:]


def mean_square(a: np.ndarray, b: np.ndarray) -> float:
    """`n m / N**2 sum (F - G)**2` over all values, straight from the definition."""
    both = np.concatenate([a, b])
    left = np.searchsorted(np.sort(a), both, side="right") / len(a)
    right = np.searchsorted(np.sort(b), both, side="right") / len(b)
    return float(((left - right) ** 2).sum() * len(a) * len(b) / len(both) ** 2)


def anderson(a: np.ndarray, b: np.ndarray) -> float:
    """The statistic behind scipy's standardised one (Scholz & Stephens 1987, equation 7)."""
    both = np.sort(np.concatenate([a, b]))
    n, m, total = len(a), len(b), len(both)
    values = np.unique(both)
    ties = np.searchsorted(both, values, "right") - np.searchsorted(both, values, "left")
    below = np.searchsorted(both, values, "left") + ties / 2
    parts = 0.0
    for sample, size in ((np.sort(a), n), (np.sort(b), m)):
        first, last = (np.searchsorted(sample, values, side) for side in ("left", "right"))
        top = ties / total * (total * (first + last) / 2 - below * size) ** 2
        parts += (top / (below * (total - below) - total * ties / 4)).sum() / size
    return float(parts * (total - 1) / total)


def test_cramer_von_mises_is_scipys_where_no_values_tie() -> None:
    a, b = no_ties()
    result = judged(numeric_profiles([a], [b]))["cramer_von_mises"]
    exact = stats.cramervonmises_2samp(a, b, method="asymptotic")
    assert result.statistic[0] == pytest.approx(exact.statistic, rel=1e-6, abs=2e-3)
    assert result.statistic[0] == pytest.approx(mean_square(a, b), rel=1e-12)
    assert result.p_value[0] == pytest.approx(exact.pvalue, abs=0.02)


def test_cramer_von_mises_is_exact_where_cells_are() -> None:
    baseline, window = whole_numbers()
    result = judged(numeric_profiles(baseline, window))["cramer_von_mises"]
    exact = [mean_square(b, a) for a, b in zip(baseline, window, strict=True)]
    assert result.statistic == pytest.approx(exact, rel=1e-10)


def test_cramer_von_mises_keeps_its_error_bound_elsewhere() -> None:
    baseline, window = measurements()
    for cells in (16, 64, 1024):
        profiles = numeric_profiles(baseline, window, cells=cells)
        result = judged(profiles)["cramer_von_mises"]
        for j, (a, b) in enumerate(zip(baseline, window, strict=True)):
            q, p = (profile.cells[j] / profile.rows for profile in profiles)
            both = (len(a) * q + len(b) * p) / (len(a) + len(b))
            gap, most = np.abs(np.cumsum(p - q)), np.maximum(p, q)
            scale = len(a) * len(b) / (len(a) + len(b))
            bound = scale * (both * most * (2 * gap + most)).sum()
            assert abs(result.statistic[j] - mean_square(a, b)) <= bound
    assert result.statistic[0] == pytest.approx(mean_square(baseline[0], window[0]), rel=0.01)


def test_anderson_darling_is_scipys() -> None:
    for a, b in [no_ties(), *zip(*whole_numbers(), strict=True)]:
        ours = judged(numeric_profiles([a], [b]))["anderson_darling"].statistic[0]
        assert ours == pytest.approx(anderson(a, b), rel=1e-10)
    a, b = no_ties()
    exact = stats.anderson_ksamp([a, b], variant="midrank", method=stats.PermutationMethod(1))
    sigma = 0.7613  # of A2 with two samples, in the limit
    assert (anderson(a, b) - 1) / sigma == pytest.approx(exact.statistic, rel=0.02)


def test_anderson_darling_keeps_its_error_bound_elsewhere() -> None:
    baseline, window = measurements()
    profiles = numeric_profiles(baseline, window, cells=256)
    result = judged(profiles)["anderson_darling"]
    for j, (a, b) in enumerate(zip(baseline, window, strict=True)):
        low, high = anderson_bounds(profiles, j)
        assert low <= anderson(a, b) <= high
        assert low <= result.statistic[j] <= high
        assert result.statistic[j] == pytest.approx(anderson(a, b), rel=0.02)


def anderson_bounds(profiles: tuple[Profile, ...], j: int) -> tuple[float, float]:
    """What values anywhere inside their cells could have made of the statistic."""
    q, p = (profile.cells[j] / profile.rows for profile in profiles)
    m, n = (profile.rows for profile in profiles)
    h = (n * p + m * q) / (n + m)
    middle = np.abs(np.cumsum(p - q) - (p - q) / 2)
    top = np.cumsum(h)
    ends = [np.clip(x, 0.5 / (n + m), 1 - 0.5 / (n + m)) for x in (top - h, top)]
    least = np.minimum(*(x * (1 - x) for x in ends))
    inner = (top - h > 0) & (top < 1 - 1e-12)
    scale = n * m / (n + m)
    half = (p + q) / 2
    low = (h * np.maximum(middle - half, 0) ** 2 / 0.25)[inner].sum()
    high = (h * (middle + half) ** 2 / least)[inner].sum()
    edge = ((n + m) / min(n, m)) ** 2 * (h**2)[~inner].sum()
    return float(scale * low), float(scale * (high + edge))


def test_energy_is_scipys_where_cells_are_exact() -> None:
    baseline, window = whole_numbers()
    result = judged(numeric_profiles(baseline, window))["energy"]
    exact = [stats.energy_distance(a, b) for a, b in zip(baseline, window, strict=True)]
    assert result.statistic == pytest.approx(exact, rel=1e-9)


def test_energy_keeps_its_error_bound_elsewhere() -> None:
    baseline, window = measurements()
    for cells in (64, 1024):
        profiles = numeric_profiles(baseline[:1], window[:1], cells=cells)
        ours = judged(profiles)["energy"].statistic[0]
        width = profiles[0].frame.numeric.width[0]
        moved = [np.sqrt((width * (p.cells[0, 1:-1] / p.rows) ** 2).sum()) for p in profiles]
        outside = 0.01  # a thousandth of the rows lies beyond the cells on either side
        exact = stats.energy_distance(baseline[0], window[0])
        assert abs(ours - exact) <= sum(moved) + outside
    assert ours == pytest.approx(exact, rel=0.02)


def test_energy_sees_values_that_leave_the_cells() -> None:
    baseline = np.random.default_rng(RNG_SEED).normal(size=5000)
    result = judged(numeric_profiles([baseline], [baseline + 30.0]))["energy"]
    exact = stats.energy_distance(baseline, baseline + 30.0)
    assert result.statistic[0] == pytest.approx(exact, rel=0.02)


@pytest.mark.parametrize("alpha", [0.3, 0.9])
def test_energy_promises_nothing_at_large_levels(alpha: float) -> None:
    with pytest.raises(ParameterError, match=r"alpha must be in \(0, 0.215\], got"):
        Energy(alpha)


def test_laws_are_the_published_ones() -> None:
    """Anderson & Darling 1952, table 1; Lewis 1961, table 1; Csorgo & Faraway 1996, table 1."""
    for law, points in (
        (cramer_von_mises_law(), {0.1: 0.34730, 0.05: 0.46136, 0.01: 0.74346, 0.001: 1.16786}),
        (anderson_darling_law(), {0.1: 1.933, 0.05: 2.492, 0.01: 3.878}),
    ):
        found = np.exp(np.interp(list(points.values()), law.at, law.log_tail))
        assert found == pytest.approx(list(points), rel=5e-3)
        assert (np.diff(law.log_tail) <= 0).all()


def test_moments_are_those_of_the_continuous_laws_where_values_do_not_repeat() -> None:
    laws = Reference.of(numeric_profiles([np.arange(900.0)])[0]).laws
    assert laws.mises.mean[0] == pytest.approx(1 / 6, rel=2e-3)
    assert laws.mises.deviation[0] == pytest.approx(np.sqrt(1 / 45), rel=5e-3)
    assert laws.darling.mean[0] == pytest.approx(1, rel=2e-3)
    assert laws.darling.deviation[0] == pytest.approx(0.7613, rel=0.02)


def test_two_values_make_it_a_chi_square_test() -> None:
    """Of a coin both statistics are multiples of chi2 with one degree, and the laws know it."""
    rng = np.random.default_rng(RNG_SEED)
    baseline, window = rng.integers(0, 2, 3000) + 0.0, (rng.random(500) < 0.62) + 0.0
    results = judged(numeric_profiles([baseline], [window]))
    gap = results["ks"].statistic[0]
    pooled = (baseline.sum() + window.sum()) / 3500
    square = gap**2 / (pooled * (1 - pooled)) * 3000 * 500 / 3500
    for name in ("cramer_von_mises", "anderson_darling"):
        p_value = results[name].p_value[0]
        assert p_value == pytest.approx(stats.chi2.sf(square, 1), rel=0.2)


@pytest.mark.parametrize("name", ["cramer_von_mises", "anderson_darling", "energy"])
def test_threshold_is_where_the_p_value_is_alpha(name: str) -> None:
    rng = np.random.default_rng(RNG_SEED)
    baseline = [rng.normal(size=3000) for _ in range(40)] + [rng.poisson(2, 3000) + 0.0] * 5
    window = [rng.normal(size=800) for _ in range(40)] + [rng.poisson(2, 800) + 0.0] * 5
    result = judged(numeric_profiles(baseline, window))[name]
    assert ((result.statistic > result.threshold) == (result.p_value < 0.05)).all()

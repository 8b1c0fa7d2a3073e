"""When a rate is beyond the baseline: the law, its calibration, the gates."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from detectors.errors import ParameterError
from detectors.quality.rates import (
    Counted,
    RateRule,
    estimate_dispersion,
    judge_rates,
    upper_tail,
)


def counted(faults: object, exposure: object) -> Counted:
    return Counted(*np.broadcast_arrays(np.array(faults), np.array(exposure)))


def judge(faults: int, rows: int, base: int, base_rows: int, dispersion: float = 0.1) -> tuple:
    rates = judge_rates(
        RateRule(), counted([faults], rows), counted([base], base_rows), np.array([dispersion])
    )
    return bool(rates.found[0]), rates.severity(0)


def test_the_tail_is_negative_binomial() -> None:
    shape = 1 / (1 / 30.5 + 0.2)
    mean = 1000 * 30.5 / 10_001
    exact = stats.nbinom.sf(np.arange(8), shape, shape / (shape + mean))
    tail = upper_tail(counted(np.arange(1, 9), 1000), counted(30, 10_000), np.full(8, 0.2))
    assert tail == pytest.approx(exact)
    nothing = upper_tail(counted([0], 1000), counted([30], 10_000), np.array([0.2]))
    assert nothing[0] == 1


def test_the_predictive_law_is_calibrated_over_baselines() -> None:
    rng = np.random.default_rng(20)
    repeats, rate, dispersion = 20_000, 0.02, 0.3
    level = rng.gamma(1 / dispersion, rate * dispersion, (2, repeats))
    base = rng.poisson(rate * 50_000, repeats)
    window = rng.poisson(1000 * level[1])
    p = upper_tail(counted(window, 1000), counted(base, 50_000), np.full(repeats, dispersion))
    for alpha in (0.05, 0.005):
        assert (p < alpha).sum() <= stats.binom.ppf(1 - 1e-6, repeats, alpha)
    assert (p < 0.05).mean() > 0.03


@pytest.mark.parametrize("truth", [0.02, 0.3, 2.0])
def test_dispersion_is_found_in_the_history(truth: float) -> None:
    rng = np.random.default_rng(21)
    level = rng.gamma(1 / truth, 0.03 * truth, (400, 50))
    faults = rng.poisson(1000 * level)
    found = estimate_dispersion(counted(faults, 1000), default=0.1)
    assert np.median(found) == pytest.approx(truth, rel=0.25)


def test_dispersion_without_faults_is_the_default() -> None:
    assert estimate_dispersion(counted(np.zeros((9, 2), int), 100), 0.1).tolist() == [0.1, 0.1]


@pytest.mark.parametrize(
    ("faults", "rows", "base", "base_rows", "expected"),
    [
        (543, 1000, 2_700, 100_000, (True, "broken")),
        (120, 1000, 2_700, 100_000, (True, "warning")),
        (35, 1000, 2_700, 100_000, (False, "warning")),
        (15, 1000, 0, 100_000, (True, "warning")),
        (5, 1000, 0, 100_000, (False, "warning")),
        (510, 1000, 9_000, 100_000, (True, "broken")),
        (4, 200, 0, 100_000, (False, "warning")),
        (20, 10_000, 0, 1_000_000, (False, "warning")),
        (5, 1000, 0, 100, (False, "warning")),
        (0, 0, 0, 0, (False, "warning")),
        (1000, 1000, 1000, 1000, (False, "warning")),
    ],
)
def test_what_is_a_finding(
    faults: int, rows: int, base: int, base_rows: int, expected: tuple
) -> None:
    assert judge(faults, rows, base, base_rows) == expected


def test_a_rate_that_varies_by_itself_needs_more() -> None:
    assert judge(120, 1000, 2_700, 100_000, dispersion=0.1)[0]
    assert not judge(120, 1000, 2_700, 100_000, dispersion=2.0)[0]


@pytest.mark.parametrize(
    "wrong", [{"alpha": 0}, {"ratio": 0.5}, {"points": 1}, {"dispersion": 0}, {"ratio": 9}]
)
def test_parameters_have_domains(wrong: dict[str, float]) -> None:
    with pytest.raises(ParameterError, match=f"{next(iter(wrong))} must be"):
        RateRule(**wrong)


def test_most_values_bad_is_a_fact_whatever_the_baseline_s_worst_days_were() -> None:
    assert judge(510, 1000, 2_700, 100_000, dispersion=50.0) == (True, "broken")
    assert not judge(490, 1000, 2_700, 100_000, dispersion=50.0)[0]
    assert not judge(510, 1000, 20_000, 100_000, dispersion=50.0)[0]

"""The e-detector against its definition."""

import numpy as np
import pytest
from scipy import integrate, stats

from detectors.sequential.dispersion import at_most_freedom, typical_values
from detectors.sequential.evidence import SHIFTS, Likelihood, likelihood_ratio


def plain(series: int = 1, nu: float = 60.0, gate: float = 0.0, phi: float = 0.0) -> Likelihood:
    ones = np.ones(series)
    return Likelihood.build(
        nu * ones,
        gate * ones,
        np.full((1, series), phi),
        np.ones((6, series)),
        np.empty((0, series)),
    )


@pytest.mark.parametrize("nu", [3.0, 6.0, 20.0, 60.0])
@pytest.mark.parametrize("gate", [0.0, 0.25])
def test_one_step_evidence_has_mean_at_most_one(nu: float, gate: float) -> None:
    for shift in SHIFTS:

        def integrand(z: float, shift: float = shift) -> float:
            ratio = likelihood_ratio(np.array(z - gate), np.array(shift), nu)
            return float(ratio * stats.norm.pdf(z))

        mean, _ = integrate.quad(integrand, -12, 14, limit=200, epsabs=1e-10)
        assert mean <= 1.0 + 1e-6, (nu, gate, shift)


def test_ratio_under_its_own_law_is_exactly_one() -> None:
    """Under Student-t scores the ratio integrates to 1: it is a density ratio."""
    for shift in (0.5, 2.0, 8.0):

        def integrand(z: float, shift: float = shift) -> float:
            ratio = likelihood_ratio(np.array(z), np.array(shift), 4.0)
            return float(ratio * stats.t.pdf(z, 4.0))

        mean, _ = integrate.quad(integrand, -np.inf, np.inf, limit=500)
        assert mean == pytest.approx(1.0, abs=1e-6)


def test_constant_shape_is_the_naive_sum_over_starts() -> None:
    """M_t = sum over starts s of prod_{i=s..t} e(z_i), computed in O(t^2)."""
    z = np.random.default_rng(0).standard_normal(30) + 0.5
    model = plain()
    constant, step = np.zeros((2, 1, len(SHIFTS))), np.zeros((2, 0, len(SHIFTS)))
    for score in z:
        constant, step = model.update(constant, step, np.array([score]))
    for d, shift in enumerate(SHIFTS):
        for s, sign in enumerate((1, -1)):
            ratios = likelihood_ratio(sign * z, shift, 60.0)
            naive = sum(np.prod(ratios[start:]) for start in range(len(z)))
            assert constant[s, 0, d] == pytest.approx(naive, rel=1e-10)


def test_step_shape_is_the_naive_sum_over_starts() -> None:
    """A step under AR(1) .8 shows as d, .2 d, .2 d, ..."""
    z = np.random.default_rng(1).standard_normal(30)
    model = plain(phi=0.8)
    constant, step = np.zeros((2, 1, len(SHIFTS))), np.zeros((2, 1, len(SHIFTS)))
    for score in z:
        constant, step = model.update(constant, step, np.array([score]))
    for d, shift in enumerate(SHIFTS):
        first = likelihood_ratio(z, shift, 60.0)
        later = likelihood_ratio(z, 0.2 * shift, 60.0)
        naive = sum(first[s] * np.prod(later[s + 1 :]) for s in range(len(z)))
        assert step[0, 0, d] == pytest.approx(naive, rel=1e-10)
    both = model.by_series(constant, step)[0]
    assert both == pytest.approx((constant.mean() + step.mean()) / 2)


def test_unobserved_series_keep_their_evidence() -> None:
    model = plain(series=2, phi=0.5)
    constant, step = np.full((2, 2, len(SHIFTS)), 3.0), np.full((2, 2, len(SHIFTS)), 2.0)
    after, stepped = model.update(constant, step, np.array([np.nan, 1.0]))
    assert np.array_equal(after[:, 0], constant[:, 0])
    assert np.array_equal(stepped[:, 0], step[:, 0])
    assert not np.array_equal(after[:, 1], constant[:, 1])


def test_evidence_never_overflows() -> None:
    model = plain()
    constant, step = np.zeros((2, 1, len(SHIFTS))), np.zeros((2, 0, len(SHIFTS)))
    for score in (1e3, 1e200, 30.0) * 40:
        constant, step = model.update(constant, step, np.array([score]))
    assert np.isfinite(constant).all()


def test_growing_variance_shrinks_the_small_shifts_most() -> None:
    ratios = np.array([1.0, 1.5, 2.0, 3.0, 4.0, 6.0])[:, None]
    model = Likelihood.build(
        np.full(1, 60.0), np.zeros(1), np.zeros((0, 1)), ratios, np.empty((0, 1))
    )
    assert model.constant[0, 0] == pytest.approx(1 / np.sqrt(6.0))
    assert model.constant[0, -1] == 1.0
    assert (np.diff(model.constant[0]) >= 0).all()


def test_ratios_are_fair_on_the_baseline_whatever_its_shape() -> None:
    """Skewed scores lie a little under their mean nearly always; no bet on that may win."""
    rng = np.random.default_rng(8)
    z = rng.exponential(1.0, (400, 1)) - 1
    typical = np.sort(z, axis=0)
    arguments = (np.full(1, 60.0), np.zeros(1), np.zeros((0, 1)), np.ones((6, 1)))
    unfair = Likelihood.build(*arguments, np.empty((0, 1)))
    fair = Likelihood.build(*arguments, typical)
    means = []
    for model in (unfair, fair):
        start = np.zeros((2, 1, len(SHIFTS)))
        steps = [model.update(start, np.zeros((2, 0, len(SHIFTS))), row)[0] for row in z]
        means.append(np.mean(steps, axis=0).max())
    assert means[0] > 1.1
    assert means[1] <= 1 + 1e-9
    assert (fair.fair >= 1).all()


def test_typical_values_keep_the_mean_and_the_rare() -> None:
    values = np.random.default_rng(9).standard_normal((100, 2))
    values[:40, 1] = np.nan
    typical = typical_values(values)
    assert typical.shape == (48, 2)
    assert (np.diff(typical, axis=0) >= 0).all()
    np.testing.assert_allclose(typical.mean(axis=0), np.nanmean(values, axis=0), atol=1e-12)
    assert typical_values(np.full((5, 1), np.nan)).tolist() == [[0.0]] * 5


def test_few_rows_have_heavier_tails() -> None:
    assert at_most_freedom(np.array([1e3, 60.0, 19.9, 4.4, 1.0])).tolist() == [60, 60, 10, 4, 3]

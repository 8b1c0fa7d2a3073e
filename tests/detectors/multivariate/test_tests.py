"""Two-sample tests of arrays, against scipy, scikit-learn, closed forms and quadratic sums."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cdist
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from detectors.errors import InputError, ParameterError
from detectors.multivariate.auc import auc_of
from detectors.multivariate.classifier import tell_apart
from detectors.multivariate.correlation import correlation_change
from detectors.multivariate.logistic import fit_logistic
from detectors.multivariate.mmd import mmd
from detectors.multivariate.moments import hotelling
from detectors.multivariate.random_features import RandomFeatures
from detectors.multivariate.reconstruction import Plane, reconstruction_change
from detectors.multivariate.spectrum import Spectrum
from tests.detectors.multivariate.tables import factor_rows

TESTS = {
    "hotelling": hotelling,
    "correlation": correlation_change,
    "mmd": lambda a, b: mmd(a, b, rng=np.random.default_rng(1), permutations=99),
    "classifier": tell_apart,
    "reconstruction": reconstruction_change,
}


def rows(seed: int, k: int, shift: float = 0.0) -> np.ndarray:
    values = factor_rows(np.random.default_rng(seed), k, 6)
    values[:, 1] += shift
    return values


def test_hotelling_of_one_column_is_the_square_of_students_t() -> None:
    a, b = rows(1, 40)[:, :1], rows(2, 30, 0.4)[:, :1]
    t = stats.ttest_ind(a[:, 0], b[:, 0])
    found = hotelling(a, b)
    assert found.statistic == pytest.approx(t.statistic**2)
    assert found.p_value == pytest.approx(t.pvalue)


def test_hotelling_is_its_textbook_formula() -> None:
    a, b = rows(3, 60), rows(4, 50, 1.5)
    m, n, p = 60, 50, 6
    pooled = ((m - 1) * np.cov(a.T) + (n - 1) * np.cov(b.T)) / (m + n - 2)
    gap = b.mean(axis=0) - a.mean(axis=0)
    t2 = m * n / (m + n) * gap @ np.linalg.solve(pooled, gap)
    found = hotelling(a, b)
    assert found.statistic == pytest.approx(t2)
    upper = stats.f.sf(t2 * (m + n - p - 1) / (p * (m + n - 2)), p, m + n - p - 1)
    assert found.p_value == pytest.approx(upper)
    assert found.shares.sum() == pytest.approx(1)
    assert found.shares.argmax() == 1


def test_hotelling_forgets_units_and_survives_constant_and_doubled_columns() -> None:
    a, b = rows(5, 80), rows(6, 70, 0.3)
    plain = hotelling(a, b)
    scale = np.array([1e6, 1e-6, 1.0, -3.0, 1.0, 10.0])
    assert hotelling(a * scale + 5, b * scale + 5).statistic == pytest.approx(plain.statistic)
    wider = [np.column_stack([x, np.ones(len(x)), x[:, 0]]) for x in (a, b)]
    found = hotelling(*wider)
    assert 0 < found.p_value < 1
    assert found.shares[6] == 0


def test_correlations_are_numpys_and_fishers() -> None:
    a, b = rows(7, 400), rows(8, 300)
    b[:, 4] *= -1
    found = correlation_change(a, b)
    i, j = found.pair
    before, after = (np.corrcoef(x.T)[i, j] for x in (a, b))
    assert (found.before, found.after) == pytest.approx((before, after))
    z = abs(np.arctanh(after) - np.arctanh(before)) / np.sqrt(1 / 397 + 1 / 297)
    assert found.statistic == pytest.approx(z)
    assert found.p_value == pytest.approx(min(1, 15 * 2 * stats.norm.sf(z)))
    lower = np.tril_indices(6, -1)
    gap = np.corrcoef(b.T)[lower] - np.corrcoef(a.T)[lower]
    assert found.distance == pytest.approx(np.sqrt((gap**2).sum()))
    assert 4 in found.pair


def test_mmd_is_the_quadratic_sum_at_many_features() -> None:
    a, b = rows(9, 300), rows(10, 200, 1.0)
    both = np.vstack([a, b])
    a, b = ((x - both.mean(axis=0)) / both.std(axis=0) for x in (a, b))
    found = mmd(a, b, rng=np.random.default_rng(2), features=16_384, permutations=9)

    def kernel(x: np.ndarray, y: np.ndarray) -> float:
        return float(np.exp(-cdist(x, y, "sqeuclidean") / (2 * found.bandwidth**2)).mean())

    exact = kernel(a, a) + kernel(b, b) - 2 * kernel(a, b)
    assert found.statistic == pytest.approx(exact, rel=0.05)
    assert found.p_value == pytest.approx(0.1)


def test_features_are_a_kernel() -> None:
    x = rows(11, 50)
    drawn = RandomFeatures.draw(x, 20_000, np.random.default_rng(3))
    made = drawn.of(x).astype(np.float64)
    exact = np.exp(-cdist(x, x, "sqeuclidean") / (2 * drawn.bandwidth**2))
    assert np.abs(made @ made.T - exact).max() < 0.05
    median = np.median(cdist(x, x)[np.triu_indices(50, 1)])
    assert drawn.bandwidth == pytest.approx(median, rel=1e-5)
    assert drawn.mean(x) == pytest.approx(made.mean(axis=0), abs=1e-6)


def test_auc_is_scikit_learns_with_ties() -> None:
    rng = np.random.default_rng(4)
    low, high = rng.integers(0, 9, 200) / 3, rng.integers(2, 11, 300) / 3
    found = auc_of(low, high)
    truth = np.repeat([0, 1], [200, 300])
    assert found.value == pytest.approx(roc_auc_score(truth, np.r_[low, high]))
    u = stats.mannwhitneyu(high, low, alternative="greater", use_continuity=False)
    assert stats.norm.sf(found.z) == pytest.approx(u.pvalue)
    assert auc_of(np.ones(5), np.ones(7)).z == 0


def test_delongs_error_is_the_spread_over_repetitions() -> None:
    rng = np.random.default_rng(5)
    drawn = [auc_of(rng.normal(size=80), rng.normal(0.8, size=60)) for _ in range(400)]
    spread = np.std([one.value for one in drawn])
    assert np.mean([one.error for one in drawn]) == pytest.approx(spread, rel=0.15)


def test_the_regression_is_scikit_learns() -> None:
    a, b = rows(12, 500), rows(13, 400, 0.7)
    ours = fit_logistic(a, b, 1e-3)
    theirs = LogisticRegression(C=1 / (1e-3 * 900), tol=1e-9, max_iter=1000)
    theirs.fit(np.vstack([a, b]), np.repeat([0, 1], [500, 400]))
    assert ours.weights == pytest.approx(theirs.coef_[0], abs=2e-3)
    assert ours.intercept == pytest.approx(theirs.intercept_[0], abs=2e-3)


def test_rows_that_can_be_separated_are() -> None:
    found = tell_apart(rows(14, 300), rows(15, 300, 50.0))
    assert found.auc == pytest.approx(1.0)
    assert found.p_value < 1e-10
    assert found.parts.argmax() == 1
    assert np.isfinite(found.parts).all()


def test_boosting_finds_an_interaction_that_the_line_misses() -> None:
    rng = np.random.default_rng(16)
    a, b = rng.standard_normal((1000, 4)), rng.standard_normal((1000, 4))
    b[:, 1] = np.abs(b[:, 1]) * np.sign(b[:, 0])
    line, trees = tell_apart(a, b), tell_apart(a, b, model="boosting")
    assert line.p_value > 1e-4
    assert trees.p_value < 1e-10
    assert set(np.argsort(-trees.parts)[:2]) == {0, 1}
    again = tell_apart(a, b, model="boosting")
    assert again.auc == trees.auc


def test_components_are_scikit_learns() -> None:
    x = rows(17, 500)
    ours, theirs = Spectrum.of(x), PCA().fit(x)
    assert ours.variance == pytest.approx(theirs.explained_variance_)
    assert np.abs((ours.axes * theirs.components_.T).sum(axis=0)) == pytest.approx(1)
    plane, other = Plane.of(x, 0.65), PCA(0.65).fit(x)
    assert plane.axes.shape[1] == other.n_components_
    back = other.inverse_transform(other.transform(x))
    assert plane.residuals(x) == pytest.approx(x - back)


def test_a_relation_that_breaks_leaves_the_plane() -> None:
    a, b = rows(18, 1000), rows(19, 800)
    b[:, 3] = np.random.default_rng(20).permutation(b[:, 3])
    found = reconstruction_change(a, b)
    assert found.current > found.usual
    assert found.p_value < 1e-4
    assert found.parts.argmax() == 3


@pytest.mark.parametrize("name", TESTS)
def test_odd_columns_are_measured_without_a_word(name: str) -> None:
    rng = np.random.default_rng(21)
    a, b = rows(22, 120), rows(23, 100)
    a[:, 2], b[:, 2] = np.nan, np.nan
    a[:, 3], b[:, 3] = 5.0, 5.0
    a[rng.random(120) < 0.3, 0] = np.nan
    b[3, 0], b[4, 0] = np.inf, 1e300
    TESTS[name](a, b)


@pytest.mark.parametrize("name", TESTS)
def test_rows_are_what_is_needed(name: str) -> None:
    with pytest.raises(InputError, match=r"rows x the same columns expected, got \(9,\) and"):
        TESTS[name](np.zeros(9), np.zeros((9, 2)))
    with pytest.raises(InputError, match="2 rows and 1 column are the least"):
        TESTS[name](np.zeros((1, 2)), np.zeros((9, 2)))


@pytest.mark.parametrize("name", [n for n in TESTS if n != "reconstruction"])
def test_one_column_is_enough_or_says_that_it_is_not(name: str) -> None:
    found = TESTS[name](rows(24, 300)[:, :1], rows(25, 300, 2.0)[:, 1:2])
    if name == "correlation":
        assert found.pair == (-1, -1)
    else:
        assert found.p_value < 0.02


def test_parameters_are_checked() -> None:
    a = rows(26, 50)
    with pytest.raises(ParameterError, match="features must be even"):
        mmd(a, a, rng=np.random.default_rng(0), features=7)
    with pytest.raises(ParameterError, match="model must be linear or boosting, got 'forest'"):
        tell_apart(a, a, model="forest")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match=r"kept must be in \(0, 1\)"):
        reconstruction_change(a, a, kept=1.0)

"""How often unchanged windows exceed the thresholds, and changed ones do.

Rejections among R null windows are binomial; the bounds are the exact interval at 1e-6.
KS may be conservative (cells, discrete values), so only its upper bound counts there.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from detectors.univariate.battery import Battery
from tests.strategies import categorical_profiles, numeric_profiles

REPEATS = 2000
LOWER, UPPER = stats.binom.ppf([5e-7, 1 - 5e-7], REPEATS, 0.05)


def rejections(kind: str, draw: object, rows: int, profiles: object, seed: int) -> dict[str, int]:
    """Null rejections per detector: each column is one repetition with its own baseline."""
    rng = np.random.default_rng(seed)
    baseline = [draw(rng, 4 * rows) for _ in range(REPEATS)]
    window = [draw(rng, rows) for _ in range(REPEATS)]
    base, current = profiles(baseline, window)
    results = Battery.fit(base).judge(current)
    judged = {r.detector: r for r in results if r.threshold is not None}
    return {name: int((r.statistic > r.threshold).sum()) for name, r in judged.items()}


def normal(rng: np.random.Generator, rows: int) -> np.ndarray:
    return rng.normal(size=rows)


def heavy(rng: np.random.Generator, rows: int) -> np.ndarray:
    return rng.standard_t(2, size=rows)


def counts(rng: np.random.Generator, rows: int) -> np.ndarray:
    return rng.poisson(2, size=rows).astype(float)


def letters(rng: np.random.Generator, rows: int) -> np.ndarray:
    return rng.choice(6, rows, p=[0.4, 0.25, 0.2, 0.1, 0.04, 0.01]).astype(np.int32)


@pytest.mark.parametrize("draw", [normal, heavy], ids=["normal", "heavy"])
def test_continuous_columns(draw: object) -> None:
    found = rejections("numeric", draw, 500, lambda *s: numeric_profiles(*s, cells=256), 16)
    assert LOWER <= found["chi2"] <= UPPER
    assert LOWER / 2 <= found["ks"] <= UPPER
    for name in ("psi", "kl", "g", "jensen_shannon", "hellinger"):
        assert LOWER <= found[name] <= UPPER, name
    for name in ("cramer_von_mises", "anderson_darling"):
        assert LOWER <= found[name] <= UPPER, name
    for name in ("energy", "linf"):
        assert found[name] <= UPPER, name


def test_discrete_columns_are_on_the_safe_side() -> None:
    found = rejections("numeric", counts, 500, lambda *s: numeric_profiles(*s, cells=256), 17)
    for name in ("ks", "chi2", "g", "cramer_von_mises", "anderson_darling", "energy", "linf"):
        assert found[name] <= UPPER, name


def test_categories() -> None:
    found = rejections("categorical", letters, 500, categorical_profiles, 18)
    for name in ("chi2", "g"):
        assert LOWER <= found[name] <= UPPER, name
    assert found["linf"] <= UPPER


def test_changes_are_seen() -> None:
    rng = np.random.default_rng(19)
    baseline = [rng.normal(size=4000) for _ in range(200)]
    window = [rng.normal(0.25, size=1000) for _ in range(200)]
    base, current = numeric_profiles(baseline, window)
    for result in Battery.fit(base).judge(current):
        if result.threshold is not None:
            assert (result.statistic > result.threshold).mean() > 0.95, result.detector

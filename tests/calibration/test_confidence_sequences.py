"""Intervals that claim to hold at every look miss in at most alpha of whole streams.

A stream counts as missed if the truth is outside at any of its looks. Misses among R streams are
binomial; the bound is exact at 1e-6.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from detectors.performance.confidence import asymptotic_radius, mean_bounds, share_bounds
from detectors.performance.harm import harm
from detectors.performance.metrics import measure
from detectors.performance.outcomes import Outcomes

ALPHA = 0.1


def most(streams: int, alpha: float = ALPHA) -> int:
    return int(stats.binom.ppf(1 - 1e-6, streams, alpha))


@pytest.mark.parametrize("p", [0.5, 0.1, 0.004])
def test_shares(p: float) -> None:
    streams, looks = 300, np.unique(np.geomspace(1, 4000, 24).astype(int))
    draws = np.random.default_rng(11).random((streams, looks[-1])) < p
    hits = draws.cumsum(axis=1)[:, looks - 1].astype(float)
    trials = np.broadcast_to(looks.astype(float), hits.shape)
    lower, upper = share_bounds(hits.ravel(), trials.ravel(), ALPHA)
    missed = ((lower > p) | (upper < p)).reshape(hits.shape).any(axis=1).sum()
    assert missed <= most(streams)


@pytest.mark.parametrize("law", [stats.beta(1, 40), stats.beta(0.2, 0.3), stats.beta(30, 1)])
def test_bounded_means(law: object) -> None:
    streams, looks = 100, (3, 10, 40, 160, 640)
    draws = law.rvs((streams, looks[-1]), random_state=np.random.default_rng(12))  # type: ignore[attr-defined]
    truth = law.mean()  # type: ignore[attr-defined]
    missed = 0
    for row in draws:
        bounds = [mean_bounds(row[:look], ALPHA) for look in looks]
        missed += any(not lower <= truth <= upper for lower, upper in bounds)
    assert missed <= most(streams)


@pytest.mark.parametrize("law", [stats.norm(), stats.expon(), stats.t(5)])
def test_limits(law: object) -> None:
    streams, looks = 1000, np.unique(np.geomspace(50, 5000, 60).astype(int))
    draws = law.rvs((streams, looks[-1]), random_state=np.random.default_rng(13))  # type: ignore[attr-defined]
    means = draws.cumsum(axis=1)[:, looks - 1] / looks
    squares = np.square(draws).cumsum(axis=1)[:, looks - 1] / looks
    unit = np.array([asymptotic_radius(1.0, look, ALPHA) for look in looks])
    radius = np.sqrt(squares - np.square(means)) * unit
    missed = (np.abs(means - law.mean()) > radius).any(axis=1).sum()  # type: ignore[attr-defined]
    assert missed <= most(streams)


def test_auc() -> None:
    streams, looks, rng = 200, (60, 120, 300, 800), np.random.default_rng(14)
    truth, missed = float(stats.norm.cdf(1.5 / np.sqrt(2))), 0
    for _ in range(streams):
        positive = (rng.random(looks[-1]) < 0.3).astype(float)
        score = stats.norm.cdf(rng.normal(size=looks[-1]) + 1.5 * positive)[:, None]
        rows = Outcomes(positive, positive, score)
        got = [
            measure(rows.take(np.arange(n)), ["roc_auc"], task="binary", alpha=ALPHA)[0]
            for n in looks
        ]
        missed += any(m.lower > truth or m.upper < truth for m in got)
    assert missed <= most(streams)


def test_no_harm_is_seen_where_none_is() -> None:
    streams, looks, rng = 150, (50, 800), np.random.default_rng(15)
    accused = 0
    for _ in range(streams):
        wrong = (rng.random(1000 + looks[-1]) < 0.2).astype(float)
        rows = Outcomes(np.zeros(len(wrong)), wrong, np.empty((len(wrong), 0)))
        base = measure(rows.take(np.arange(1000)), ["accuracy"], task="binary", alpha=ALPHA)[0]
        live = [
            measure(rows.take(np.arange(1000, 1000 + n)), ["accuracy"], task="binary", alpha=ALPHA)
            for n in looks
        ]
        accused += any(harm(one[0], base).harmful for one in live)
    assert accused <= most(streams, 2 * ALPHA)

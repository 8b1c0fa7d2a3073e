"""Laws that every scorer of the panel keeps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from detectors import registry
from detectors.multivariate.classifier import Classifier
from detectors.profile.sample import Sample
from detectors.sequential.budget import Share
from tests.detectors.multivariate.tables import Rows, factor_rows, frame_of, window_of

if TYPE_CHECKING:
    from detectors.protocols import FittedScorer

SCORERS: list[Any] = [
    *(registry.load(name)() for name in registry.FAMILIES[registry.MULTIVARIATE]),
]
NAMES = [repr(scorer).partition("(")[0] for scorer in SCORERS]
ROWS = 600


def drawn(rng: np.random.Generator, k: int = ROWS, shift: float = 0.0) -> dict[str, Any]:
    """A draw of mixed rows; `shift` moves one column, one category's share, and the vectors."""
    numeric = factor_rows(rng, k, 6)
    numeric[:, 2] += shift
    numeric[:, 3] = np.exp(numeric[:, 3])
    numeric[rng.random(k) < 0.1, 4] = np.nan
    vectors = rng.standard_normal((k, 12)).astype(np.float32) + np.float32(shift)
    return {
        "numeric": numeric,
        "categorical": rng.choice(4, (k, 2), p=[0.5, 0.3, 0.15, 0.05]).astype(np.int32),
        "vectors": {"text": vectors},
    }


@pytest.fixture(scope="module")
def baseline() -> Rows:
    rows = drawn(np.random.default_rng(1), 6000)
    frame = frame_of(rows["numeric"], 2, ["text"])
    return window_of(frame, **rows, capacity=10_000)


def window(baseline: Rows, seed: int, **kind: Any) -> Rows:
    return window_of(
        baseline.profile.frame, **drawn(np.random.default_rng(seed), **kind), seed=seed
    )


FITTED: dict[str, FittedScorer] = {}


def fitted(scorer: Any, baseline: Rows) -> FittedScorer:
    if repr(scorer) not in FITTED:
        FITTED[repr(scorer)] = scorer.fit(baseline.profile, baseline.sample)
    return FITTED[repr(scorer)]


@pytest.mark.parametrize("scorer", SCORERS, ids=NAMES)
def test_one_score_per_series_of_about_unit_variance(scorer: Any, baseline: Rows) -> None:
    made = fitted(scorer, baseline)
    y = np.array([made.measure(window(baseline, 100 + i)) for i in range(40)])
    assert y.shape == (40, len(made.series))
    assert len(set(made.series)) == len(made.series)
    assert made.share is Share.MULTIVARIATE
    assert made.name in registry.FAMILIES[registry.MULTIVARIATE]
    assert np.isfinite(y).all()
    assert 0.5 < y.std(axis=0).mean() < 1.6


@pytest.mark.parametrize("scorer", SCORERS, ids=NAMES)
def test_a_shift_is_seen_and_blamed_on_its_column(scorer: Any, baseline: Rows) -> None:
    made = fitted(scorer, baseline)
    quiet, moved = window(baseline, 7), window(baseline, 7, shift=1.5)
    if made.name == "correlation":  # a mean is none of its business
        values = drawn(np.random.default_rng(7))
        values["numeric"][:, 2] *= -1
        moved = window_of(baseline.profile.frame, **values)
    largest = [float(np.abs(made.measure(rows)).max()) for rows in (quiet, moved)]
    assert largest[1] > max(6, 2 * largest[0])
    told = made.explain(moved)
    first = "text" if made.name == "embedding" else "n2"
    assert next(iter(told.shares)) == first
    assert first in told.text
    assert 0.3 < sum(told.shares.values()) <= 1.001


@pytest.mark.parametrize("scorer", SCORERS, ids=NAMES)
def test_the_same_rows_in_any_order_score_the_same(scorer: Any, baseline: Rows) -> None:
    made, again = fitted(scorer, baseline), scorer.fit(baseline.profile, baseline.sample)
    rows = window(baseline, 8, shift=0.3)
    order = np.random.default_rng(2).permutation(len(rows.sample))
    turned = replace(rows, sample=rows.sample.take(order))
    assert made.measure(rows).tobytes() == again.measure(rows).tobytes()
    if made.name != "classifier":  # deals rows into folds as they come: samples have one order
        assert made.measure(rows) == pytest.approx(made.measure(turned), abs=2e-6)
    assert made.explain(rows) == again.explain(rows)


@pytest.mark.parametrize("scorer", SCORERS, ids=NAMES)
def test_too_few_rows_are_not_observed(scorer: Any, baseline: Rows) -> None:
    made = fitted(scorer, baseline)
    few, none = window(baseline, 9, k=20), replace(window(baseline, 9), sample=empty(baseline))
    for rows in (few, none):
        assert np.isnan(made.measure(rows)).all()


@pytest.mark.parametrize("scorer", SCORERS, ids=NAMES)
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e308, 0.0])
def test_strange_columns_harm_nobody(scorer: Any, baseline: Rows, value: float) -> None:
    made = fitted(scorer, baseline)
    values = drawn(np.random.default_rng(10))
    values["numeric"][:, [0, 5]] = value
    values["categorical"][:, 0] = -1
    values["vectors"]["text"][:] = np.float32(np.nan)
    rows = window_of(baseline.profile.frame, **values)
    scores = made.measure(rows)
    assert scores.shape == (len(made.series),)
    assert not np.isinf(scores).any()
    made.explain(rows)


@pytest.mark.parametrize("scorer", SCORERS, ids=NAMES)
def test_baselines_without_anything_to_watch_have_no_scorer(scorer: Any) -> None:
    rng = np.random.default_rng(11)
    for values in (np.full((500, 3), np.nan), np.full((500, 2), 7.0), rng.random((10, 3))):
        rows = window_of(frame_of(values), values)
        assert scorer.fit(rows.profile, rows.sample) is None
    alone = window_of(frame_of(rng.random((500, 1))), rng.random((500, 1)))
    if Classifier() != scorer and "Mmd" not in repr(scorer) and "Maximum" not in repr(scorer):
        assert scorer.fit(alone.profile, alone.sample) is None


def test_a_lost_column_hides_only_what_rests_on_it(baseline: Rows) -> None:
    made = fitted(registry.load("correlation")(), baseline)
    values = drawn(np.random.default_rng(12))
    values["numeric"][:, 0] = np.nan
    scores = made.measure(window_of(baseline.profile.frame, **values))
    with_it = np.array(["n0" in name for name in made.series])
    assert np.isnan(scores[with_it]).all()
    assert np.isfinite(scores[~with_it]).all()


def test_a_burst_of_missing_values_is_no_shift_of_means(baseline: Rows) -> None:
    made = fitted(registry.load("moments")(), baseline)
    values = drawn(np.random.default_rng(13))
    values["numeric"][:300, 1] = np.nan
    scores = made.measure(window_of(baseline.profile.frame, **values))
    assert np.nanmax(np.abs(scores)) < 4.5


def empty(baseline: Rows) -> Sample:
    return Sample.empty(baseline.profile.frame, {"text": 12})

"""Pieces of suspicion: distances, grids, steps, boundaries."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import cdist

from detectors.profile import fit_frame
from detectors.profile.sample import Sample
from detectors.suspicious.alike import GROUP, Nearness, even_step, find_grid
from detectors.suspicious.boundary import Boundary
from detectors.suspicious.outliers import LEAST_SHRINKAGE, SHARE, Distance
from detectors.suspicious.scores import NormalScores
from detectors.suspicious.suspicion import Suspicion

NAMES = ("a", "b", "c", "d", "score")
WORDS = {"prediction": {"no": 5, "yes": 4}, "client": {f"c{i}": 9 for i in range(5)}}
FRAME = fit_frame({name: np.arange(9.0) for name in NAMES}, WORDS, [], {})


def sample_of(numeric: np.ndarray, codes: np.ndarray | None = None) -> Sample:
    rows = len(numeric)
    keys = np.arange(rows, dtype=np.uint64)
    return Sample(
        rows=rows,
        keys=keys,
        hashes=keys,
        priority=np.arange(rows, dtype=np.float64),
        times=np.arange(rows),
        numeric=numeric,
        categorical=np.zeros((rows, 2), np.int32) if codes is None else codes,
        truth=np.full(rows, np.nan),
    )


def numbers(seed: int, rows: int = 2_000) -> np.ndarray:
    """Four columns that depend on each other, and a score."""
    rng = np.random.default_rng(seed)
    base = rng.normal(size=(rows, 1))
    return np.hstack([base + 0.3 * rng.normal(size=(rows, 4)), rng.random((rows, 1))])


def test_normal_scores_are_those_of_mid_ranks() -> None:
    values = np.random.default_rng(1).permutation(np.repeat(np.arange(50.0), 3))
    expected = stats.norm.ppf((stats.rankdata(values) - 0.5) / len(values))
    scale = NormalScores.of(values[:, None])
    assert scale.to(values[:, None])[:, 0] == pytest.approx(expected)
    assert scale.to(np.array([[np.nan], [1e9], [-np.inf]]))[:, 0] == pytest.approx(
        [0, expected.max(), expected.min()]
    )


def test_many_values_are_interpolated_between() -> None:
    values = np.random.default_rng(2).lognormal(size=5_000)
    expected = stats.norm.ppf((stats.rankdata(values) - 0.5) / len(values))
    scores = NormalScores.of(values[:, None]).to(values[:, None])[:, 0]
    middle = np.abs(expected) < 2.5
    assert np.abs(scores - expected)[middle].max() < 0.05


def test_distances_are_mahalanobis() -> None:
    scores = NormalScores.of(numbers(3)).to(numbers(3))
    none = np.zeros((len(scores), 0), np.int32)
    distance = Distance.of(scores, none, np.zeros(0, np.int64))
    assert distance is not None
    half = scores[::2]
    moments = half.T @ half / len(half)
    mixed = (1 - LEAST_SHRINKAGE) * moments + LEAST_SHRINKAGE * np.eye(5)
    expected = cdist(scores, np.zeros((1, 5)), "mahalanobis", VI=np.linalg.inv(mixed))[:, 0]
    assert distance.to(scores, none) == pytest.approx(expected**2)


def test_new_rows_of_the_same_law_are_outlying_as_rarely_as_is_said() -> None:
    suspicion = Suspicion.of(FRAME, sample_of(numbers(4, 4_000)))
    found = sum(
        int(suspicion.mark(sample_of(numbers(seed, 1_000))).outlying.sum())
        for seed in range(10, 30)
    )
    assert stats.binom.ppf(1e-6, 20_000, SHARE * 0.6) <= found
    assert found <= stats.binom.ppf(1 - 1e-6, 20_000, SHARE * 1.6)


def test_units_and_tails_change_nothing() -> None:
    plain, other = sample_of(numbers(5)), sample_of(np.exp(3 * numbers(5)) * 1000)
    one, two = (Suspicion.of(FRAME, s).mark(s).outlying for s in (plain, other))
    assert (one == two).mean() > 0.995, "up to what lies between two knots"


def test_values_that_do_not_belong_together_are_outlying() -> None:
    suspicion = Suspicion.of(FRAME, sample_of(numbers(6)))
    window = numbers(7, 1_000)
    window[:100, 0] *= -1
    apart = np.abs(window[:100, 0] - window[:100, 1]) > 3
    marked = suspicion.mark(sample_of(window)).outlying
    assert marked[:100][apart].mean() > 0.9
    assert marked[100:].mean() < 0.05


def test_a_window_that_moved_as_a_whole_hides_nobody() -> None:
    suspicion = Suspicion.of(FRAME, sample_of(numbers(6)))
    assert not suspicion.mark(sample_of(numbers(7, 1_000) + 4)).outlying.any()


def test_a_small_baseline_calls_nothing_outlying() -> None:
    few = sample_of(numbers(8, 50))
    assert not Suspicion.of(FRAME, few).mark(few).outlying.any()


def test_a_grid_is_found_in_the_column_that_differs() -> None:
    rows = numbers(9, 500)
    codes = np.random.default_rng(9).integers(0, 2, (500, 2)).astype(np.int32)
    rows[:40], codes[:40] = rows[0], codes[0]
    rows[:40, 2] = np.arange(40) * 0.25
    grid = find_grid(sample_of(rows, codes))
    assert grid.column == 2
    assert grid.rows.tolist() == [True] * 40 + [False] * 460
    assert even_step(rows[grid.rows, 2]) == pytest.approx(0.25)


def test_a_grid_of_categories_is_found_too() -> None:
    rows, codes = numbers(10, 100), np.zeros((100, 2), np.int32)
    rows[:5], codes[:5, 1] = rows[0], np.arange(5)
    assert find_grid(sample_of(rows, codes)).column == 6


def test_copies_and_pairs_are_no_grid() -> None:
    rows = numbers(11, 100)
    rows[:50] = rows[0]
    assert not find_grid(sample_of(rows)).rows.any()
    rows = numbers(12, 100)
    rows[: GROUP - 1] = rows[0]
    rows[: GROUP - 1, 1] = np.arange(GROUP - 1)
    assert not find_grid(sample_of(rows)).rows.any()


@pytest.mark.parametrize(
    ("values", "step"),
    [
        ([1, 3, 5, 7, 5], 2),
        ([0.1, 0.2, 0.4, 0.7, 0.8], 0.1),
        ([1, 2], None),
        ([1.0, 1.1, 1.25, 1.9, 2.0], None),
        ([np.nan, 1, 2, 3], 1),
    ],
)
def test_steps_are_equal_up_to_multiples(values: list[float], step: float | None) -> None:
    assert even_step(np.array(values)) == (None if step is None else pytest.approx(step))


def test_rows_are_near_that_no_rows_of_the_baseline_are() -> None:
    base = NormalScores.of(numbers(13))
    near = Nearness.of(base.to(numbers(13)))
    window = base.to(numbers(14, 500))
    assert near.crowded(window).mean() < 0.02
    window[:50] = window[0] + 1e-3 * np.random.default_rng(1).normal(size=(50, 5))
    assert near.crowded(window)[:50].all()
    window[:50] = window[0]
    assert not near.crowded(window)[:50].any(), "copies are the duplicates rule's"


def test_the_boundary_is_where_predictions_change() -> None:
    rows = numbers(15)
    codes = np.zeros((len(rows), 2), np.int32)
    codes[:, 0] = rows[:, 4] > 0.7
    boundary = Boundary.of(FRAME, sample_of(rows, codes))
    assert boundary is not None
    assert boundary.threshold == pytest.approx(0.7, abs=0.002)
    assert boundary.width == pytest.approx(0.01, abs=0.003)
    codes[:, 0] = np.random.default_rng(1).integers(0, 2, len(rows))
    unrelated = Boundary.of(FRAME, sample_of(rows, codes))
    assert unrelated is not None
    assert unrelated.threshold == 0.5


def test_scores_that_are_no_probabilities_have_no_boundary() -> None:
    assert Boundary.of(FRAME, sample_of(numbers(16) * 9)) is None
    assert (
        Boundary.of(fit_frame({"x": np.arange(9.0)}, {}, [], {}), sample_of(np.ones((9, 1))))
        is None
    )


def test_with_a_score_per_class_the_boundary_is_a_tie() -> None:
    frame = fit_frame({f"score.{c}": np.arange(3.0) for c in "abc"}, {}, [], {})
    rows = np.random.default_rng(17).dirichlet(np.ones(3), 1_000)
    boundary = Boundary.of(frame, sample_of(rows))
    assert boundary is not None
    near = boundary.distance(sample_of(np.array([[0.4, 0.4, 0.2], [0.9, 0.1, 0.0]])))
    assert near == pytest.approx([0.0, 0.4])

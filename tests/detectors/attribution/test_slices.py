"""A slice is named when the change sits in it, and only then."""

import numpy as np
import pytest
from scipy.stats import binomtest

from detectors.attribution.slices import find_slice


def world(
    rng: np.random.Generator, rows: int = 3000
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    codes = [
        np.column_stack([rng.integers(0, 3, rows), rng.integers(0, 12, rows)]).astype(np.int32)
        for _ in range(2)
    ]
    # Levels differ between slices, as they do in life.
    values = [rng.normal(c[:, 0] * 0.3 - c[:, 1] * 0.05, 1.0) for c in codes]
    return values[0], values[1], codes[0], codes[1]


def test_one_value_that_moved_is_named() -> None:
    before, now, codes_before, codes_now = world(np.random.default_rng(1))
    now[codes_now[:, 1] == 7] += 1.0
    found = find_slice(before, now, codes_before, codes_now, [0, 1])
    assert found is not None
    assert found.values == ((1, 7),)
    assert found.inside == pytest.approx(1.0, abs=0.15)
    assert abs(found.outside) < 0.06
    assert found.share == pytest.approx(1 / 12, abs=0.02)


def test_a_pair_is_named_when_the_change_sits_where_two_values_meet() -> None:
    before, now, codes_before, codes_now = world(np.random.default_rng(2), 8000)
    now[(codes_now[:, 0] == 1) & (codes_now[:, 1] == 3)] += 2.0
    found = find_slice(before, now, codes_before, codes_now, [0, 1])
    assert found is not None
    assert set(found.values) == {(0, 1), (1, 3)}


def test_a_change_that_is_everywhere_has_no_slice() -> None:
    before, now, codes_before, codes_now = world(np.random.default_rng(3))
    assert find_slice(before, now + 0.5, codes_before, codes_now, [0, 1]) is None


def test_unchanged_rows_have_no_slice() -> None:
    rng = np.random.default_rng(4)
    named = sum(find_slice(*world(rng, 1000), [0, 1]) is not None for _ in range(200))
    assert binomtest(named, 200, 0.02, alternative="greater").pvalue > 1e-3


def test_missing_values_and_few_rows() -> None:
    before, now, codes_before, codes_now = world(np.random.default_rng(5), 100)
    now[50:] = np.nan
    assert find_slice(before, now, codes_before, codes_now, [0, 1]) is None
    assert find_slice(before, now * np.nan, codes_before, codes_now, []) is None

"""A column explains another when standardising by it leaves nothing of the change."""

import numpy as np
import pytest

from detectors.attribution.causes import explained, strata_of_codes, strata_of_numbers, without


def test_a_copy_with_noise_is_explained_by_its_origin() -> None:
    rng = np.random.default_rng(1)
    a, moved = rng.normal(0, 1, 5000), rng.normal(0.5, 1, 5000)
    b, then = 2 * a + rng.normal(0, 0.3, 5000), 2 * moved + rng.normal(0, 0.3, 5000)
    strata = strata_of_numbers(a, moved)
    assert explained(b, then, *strata) > 0.85
    assert explained(b, then + 1.0, *strata) == pytest.approx(0.5, abs=0.1)


def test_an_independent_column_explains_nothing() -> None:
    rng = np.random.default_rng(2)
    b, then = rng.normal(0, 1, 5000), rng.normal(0.5, 1, 5000)
    strata = strata_of_numbers(rng.normal(size=5000), rng.normal(0.5, 1, 5000))
    assert explained(b, then, *strata) < 0.1


def test_a_share_of_carriers_explains_their_mean() -> None:
    rng = np.random.default_rng(3)
    before = rng.choice(3, 6000, p=[0.6, 0.3, 0.1]).astype(np.int32)
    now = rng.choice(3, 6000, p=[0.2, 0.3, 0.5]).astype(np.int32)
    values = rng.normal(before, 0.5), rng.normal(now, 0.5)
    assert explained(*values, strata_of_codes(before), strata_of_codes(now)) > 0.9


def test_strata_that_the_baseline_does_not_know_explain_nothing() -> None:
    values = np.zeros(100), np.ones(100)
    before, now = np.zeros(100, np.int64), np.ones(100, np.int64)
    assert explained(*values, before, now) == 0.0


def test_a_null_burst_explains_what_is_computed_from_it() -> None:
    rng = np.random.default_rng(4)
    missing_before, missing_now = np.zeros(4000, dtype=bool), rng.random(4000) < 0.4
    before = rng.normal(size=4000)
    now = np.where(missing_now, -3.0, rng.normal(size=4000))
    assert without(before, now, missing_before, missing_now) > 0.9
    assert without(before, now - 1.0, missing_before, missing_now) < 0.6
    assert without(before, np.full(4000, np.nan), missing_before, missing_now) == 0.0


def test_no_rows_explain_nothing() -> None:
    none, nobody = np.full(5, np.nan), np.zeros(5, np.int64)
    assert explained(none, none, nobody, nobody) == 0.0
    assert strata_of_numbers(none, none)[0].tolist() == [0] * 5

"""Scores of values by where they lie in the baseline."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm, rankdata

from detectors.errors import InputError
from detectors.inputs import Block
from detectors.online.reference import Reference
from detectors.online.simulation import SimulatedRunLength, simulated
from detectors.profile import Profile, fit_frame, hash_columns
from detectors.registry import load


def profile_of(**columns: np.ndarray) -> Profile:
    frame = fit_frame(columns, {}, [], {})
    values = list(columns.values())
    block = Block(
        rows=len(values[0]),
        numeric=values,
        numeric_wrong=np.zeros(len(values), dtype=np.int64),
        categorical=[],
        unseen=[],
        presence_missing=np.zeros(0, dtype=np.int64),
        presence_wrong=np.zeros(0, dtype=np.int64),
        hashes=hash_columns(values, []),
    )
    profile = Profile(frame)
    profile.add(block)
    return profile


def test_ranks_are_mid_ranks() -> None:
    values = np.random.default_rng(1).integers(0, 20, 500).astype(float)
    reference = Reference.of_rows(["x"], values[:, None])
    expected = (rankdata(values) - 0.5) / 500
    assert reference.ranks()(values[None])[0] == pytest.approx(expected)


def test_normal_scores_have_mean_0_and_variance_1_on_the_baseline() -> None:
    values = np.random.default_rng(2).lognormal(size=(4_000, 1))
    scores = Reference.of_rows(["x"], values).normal_scores()(values.T)[0]
    assert scores.mean() == pytest.approx(0, abs=1e-12)
    assert scores.std() == pytest.approx(1)
    expected = norm.ppf((rankdata(values[:, 0]) - 0.5) / 4_000)
    assert np.corrcoef(scores, expected)[0, 1] > 1 - 1e-12


def test_a_profile_says_nearly_the_same_as_its_rows() -> None:
    generator = np.random.default_rng(3)
    body, flag, count = generator.normal(size=20_000), generator.random(20_000) < 0.3, None
    count = generator.poisson(2.0, 20_000).astype(float)
    profile = profile_of(body=body, flag=flag.astype(float), count=count)
    names = ("body", "flag", "count")
    by_profile = Reference.of_profile(profile, names)
    rows = np.stack([body, flag, count], axis=1)
    by_rows = Reference.of_rows(names, rows)
    assert by_profile.rates == by_rows.rates == (None, pytest.approx(flag.mean()), None)
    assert np.abs(by_profile.ranks()(rows.T) - by_rows.ranks()(rows.T)).max() < 0.005


def test_what_was_never_seen_is_extreme() -> None:
    reference = Reference.of_rows(["x"], np.arange(100.0)[:, None])
    scores = reference.normal_scores()(np.array([[-np.inf, -1e9, 50.2, 1e9, np.inf, np.nan]]))[0]
    assert scores[0] == scores[1] < scores[2] < scores[3] == scores[4]
    assert np.isnan(scores[5])
    assert np.isfinite(scores[:5]).all()


def test_an_empty_baseline_scores_everything_the_same() -> None:
    reference = Reference.of_rows(["x"], np.full((5, 1), np.nan))
    assert reference.ranks()(np.array([[1.0, 7.0]])).tolist() == [[0.5, 0.5]]
    assert reference.normal_scores()(np.array([[1.0, 7.0]])).tolist() == [[0.0, 0.0]]
    assert len(reference.ranks().distribution(0)[0]) == 0


def test_a_column_that_never_changed_keeps_its_rate() -> None:
    ones = np.ones(50)
    assert Reference.of_profile(profile_of(x=ones), ["x"]).rates == (1.0,)
    assert Reference.of_rows(["x"], ones[:, None]).rates == (1.0,)
    values, shares = Reference.of_rows(["x"], ones[:, None]).ranks().distribution(0)
    assert (values.tolist(), shares.tolist()) == ([0.0, 1.0], [0.0, 1.0])


def test_other_columns_are_refused() -> None:
    with pytest.raises(InputError, match="not numeric in the baseline: y"):
        Reference.of_profile(profile_of(x=np.arange(9.0)), ["y"])
    with pytest.raises(InputError, match="x: 1 edges make 2 groups"):
        Reference(("x",), (np.zeros(1),), (np.ones(3),), (None,))
    with pytest.raises(InputError, match="one entry per column"):
        Reference(("x",), (), (), ())


def test_intervals_are_those_of_a_poisson_count() -> None:
    # R: poisson.test(5)$conf.int is 1.623486 11.66833; poisson.test(0) ends at 3.688879.
    run = SimulatedRunLength(5, 1_000)
    assert (run.low, run.high) == (
        pytest.approx(1_000 / 11.66833, rel=1e-5),
        pytest.approx(1_000 / 1.623486, rel=1e-5),
    )
    none = SimulatedRunLength(0, 1_000)
    assert none.high == np.inf
    assert none.records == none.low == pytest.approx(1_000 / 3.688879, rel=1e-5)


def test_simulation_is_the_same_every_time() -> None:
    values, shares = np.array([0.0, 1.0]), np.array([0.9, 0.1])
    first = simulated("eddm", load("eddm", [])(), values, shares)
    assert first.alarms > 0
    assert "simulated: " in first.sentence
    assert simulated("eddm", load("eddm", [])(), values, shares) is first


def test_nothing_to_simulate_is_no_alarm() -> None:
    empty = np.empty(0)
    assert simulated("adwin", load("adwin", [])(), empty, empty).alarms == 0

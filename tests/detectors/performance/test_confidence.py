"""Bounds of means against a slow grid of claims, and their laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.errors import InputError, ParameterError
from detectors.performance.confidence import (
    LEAST_ROWS,
    asymptotic_radius,
    mean_bounds,
    share_bounds,
)


def slow_lower(values: np.ndarray, alpha: float) -> float:
    """Largest claim on a grid that a gambler with sixteen fixed stakes has refuted."""
    claims = np.linspace(0.0005, 0.9995, 2000)
    refuted = [claim for claim in claims if slow_wealth(values, claim) >= 1 / alpha]
    return max(refuted, default=0.0)


def slow_wealth(values: np.ndarray, claim: float) -> float:
    total = 0.0
    for rung in range(16):
        stake = 0.99 / 2**rung / claim
        wealth = 1.0
        for value in values:
            wealth *= 1 + stake * (value - claim)
        total += wealth / 16
    return total


@pytest.mark.parametrize("seed", range(3))
def test_zeros_and_ones_equal_the_grid(seed: int) -> None:
    values = (np.random.default_rng(seed).random(60) < 0.8).astype(float)
    lower, upper = mean_bounds(values, 0.1)
    assert lower == pytest.approx(slow_lower(values, 0.05), abs=6e-4)
    assert upper == pytest.approx(1 - slow_lower(1 - values, 0.05), abs=6e-4)


def test_values_between_are_never_bounded_more_narrowly_than_the_grid() -> None:
    values = np.random.default_rng(5).beta(2, 5, 60)
    lower, upper = mean_bounds(values, 0.1)
    slow = slow_lower(values, 0.05), 1 - slow_lower(1 - values, 0.05)
    assert lower <= slow[0] + 6e-4
    assert upper >= slow[1] - 6e-4
    assert lower == pytest.approx(slow[0], abs=2e-3)
    assert upper == pytest.approx(slow[1], abs=2e-3)


def test_many_shares_equal_one_at_a_time() -> None:
    hits, trials = np.array([0.0, 3, 10, 50]), np.array([0.0, 40, 10, 100])
    lower, upper = share_bounds(hits, trials)
    for i in range(4):
        zeros = np.zeros(int(trials[i] - hits[i]))
        one = mean_bounds(np.concatenate([zeros, np.ones(int(hits[i]))]))
        assert (lower[i], upper[i]) == pytest.approx(one, abs=1e-9)
    assert (lower[0], upper[0]) == (0, 1)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_order_does_not_matter_and_the_mean_is_inside(values: list[float], random: object) -> None:
    shuffled = sorted(values, key=lambda _: random.random())  # type: ignore[attr-defined]
    lower, upper = mean_bounds(np.array(values))
    assert (lower, upper) == mean_bounds(np.array(shuffled))
    mean = float(np.mean(values))
    assert lower <= mean + 1e-12
    assert mean - 1e-12 <= upper


def test_bounds_move_with_the_range() -> None:
    values = np.random.default_rng(1).random(200)
    plain, moved = mean_bounds(values), mean_bounds(10 * values - 3, low=-3, high=7)
    assert moved == pytest.approx((10 * plain[0] - 3, 10 * plain[1] - 3), abs=1e-9)


def test_more_rows_are_narrower_and_a_smaller_level_wider() -> None:
    trials = np.array([10.0, 100, 1000, 10_000])
    lower, upper = share_bounds(trials / 2, trials)
    assert (np.diff(upper - lower) < 0).all()
    wide_lower, wide_upper = share_bounds(trials / 2, trials, alpha=0.001)
    assert (wide_lower <= lower).all()
    assert (wide_upper >= upper).all()


def test_bounds_of_small_means_adapt_to_their_variance() -> None:
    values = np.random.default_rng(2).beta(1, 300, 10_000)
    lower, upper = mean_bounds(values)
    assert lower > values.mean() - 5 * values.std() / 100
    # a value of 1 may come at any time: nobody can stake more than 1 against small means
    assert upper < values.mean() + 8 / len(values)


@pytest.mark.parametrize("rows", [30, 1000, 10**6])
def test_the_limit_is_the_papers_formula(rows: int) -> None:
    level = 0.05
    rho2 = (-2 * math.log(level) + math.log(-2 * math.log(level) + 1)) / 1000
    want = math.sqrt(
        2 * (rows * rho2 + 1) * math.log(math.sqrt(rows * rho2 + 1) / level) / (rows**2 * rho2)
    )
    assert asymptotic_radius(4.0, rows, level) == pytest.approx(2 * want, rel=1e-12)


def test_few_rows_have_no_limit() -> None:
    assert math.isnan(asymptotic_radius(1.0, LEAST_ROWS - 1))


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(InputError, match=r"values must be in \[0, 1\]"):
        mean_bounds(np.array([1.5]))
    with pytest.raises(InputError, match="values must be in"):
        mean_bounds(np.array([np.nan]))
    with pytest.raises(InputError, match="hits must be between"):
        share_bounds(np.array([3.0]), np.array([2.0]))
    with pytest.raises(ParameterError, match="alpha must be in"):
        mean_bounds(np.zeros(3), alpha=1.0)
    with pytest.raises(ParameterError, match="low must be under high"):
        mean_bounds(np.zeros(3), low=1.0, high=1.0)

"""Shares of a shift, and the words for them."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.multivariate.explanation import explained, probable_cost, shares_by_column

COLUMNS = ("a", "b", "c")


def test_features_of_a_column_are_added_up() -> None:
    parts, of = np.array([1.0, 2.0, np.nan, 5.0]), np.array([0, 2, 1, 2])
    assert shares_by_column(parts, of, COLUMNS) == {"c": 0.875, "a": 0.125}


def test_nothing_is_divided_among_nobody() -> None:
    assert shares_by_column(np.zeros(3), np.arange(3), COLUMNS) == {}
    assert explained("nothing", {}).text == "nothing"


def test_small_shares_are_left_out() -> None:
    shares = shares_by_column(np.array([1.0, 1e-4, 0.0]), np.arange(3), COLUMNS)
    assert list(shares) == ["a"]


def test_cost_is_share_times_importance() -> None:
    cost = probable_cost({"a": 0.6, "b": 0.4}, {"a": 0.1, "b": 0.9})
    assert list(cost) == ["b", "a"]
    assert cost == pytest.approx({"a": 0.06 / 0.42, "b": 0.36 / 0.42})
    assert probable_cost({"a": 1.0}, {}) == {"a": 1.0}
    assert probable_cost({"a": 1.0}, {"a": 0.0}) == {}


def test_a_clause_names_the_largest() -> None:
    told = explained("moved", {"a": 0.5, "b": 0.3, "c": 0.1, "d": 0.1})
    assert told.text == "moved: a (50%), b (30%), c (10%)"

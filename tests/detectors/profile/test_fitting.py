"""Which cells a column gets."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.errors import InputError
from detectors.profile import Frame, fit_frame
from tests.strategies import block_of, profile_of

TINY = 5e-324


def frame_of(values: np.ndarray, cells: int = 1024) -> Frame:
    return fit_frame({"x": values}, {}, [], {}, cells=cells)


def test_cells_lie_between_the_outer_quantiles() -> None:
    values = np.random.default_rng(1).normal(size=20_000)
    frame = frame_of(values).numeric
    low, high = np.quantile(values, [0.001, 0.999])
    assert frame.edges[0, [0, -1]] == pytest.approx([low, high], abs=2 * frame.width[0])
    assert not len(frame.edge_columns)
    assert frame.low[0] == frame.edges[0, 0]


@pytest.mark.parametrize("span", [2, 30, 1000])
def test_every_integer_has_its_own_cell(span: int) -> None:
    values = np.arange(5000.0) % span - 7
    profile = profile_of(frame_of(values), block_of([values]))
    assert np.count_nonzero(profile.cells) == span
    assert profile.frame.numeric.width[0] == 1
    assert not profile.cells[0, [0, -1]].any()


@pytest.mark.parametrize("span", [3_000, 100_000, 10**9])
def test_no_integer_lies_on_an_edge_of_wider_cells(span: int) -> None:
    values = np.random.default_rng(2).integers(-span, span, 20_000).astype(float)
    frame = frame_of(values).numeric
    assert frame.width[0] == np.ceil(frame.width[0]) > 1
    assert (np.abs(frame.edges % 1 - 0.5) < 1e-9).all()


def test_a_column_that_uniform_cells_cannot_resolve_gets_quantile_edges() -> None:
    values = np.random.default_rng(3).lognormal(sigma=4, size=20_000)
    frame = frame_of(values)
    assert frame.numeric.edge_columns.tolist() == [0]
    assert profile_of(frame, block_of([values])).cells.max() < 0.003 * len(values)
    assert (np.diff(frame.numeric.edges) >= 0).all()


def test_a_frequent_value_alone_needs_no_edges() -> None:
    rng = np.random.default_rng(4)
    values = np.where(rng.random(10_000) < 0.7, 0.0, rng.normal(size=10_000))
    assert not len(frame_of(values).numeric.edge_columns)


@pytest.mark.parametrize(
    "values",
    [
        [],
        [np.nan, np.nan],
        [np.inf, -np.inf],
        [0.0] * 50,
        [7.25] * 50,
        [1e300] * 50,
        [-1.7e308, 1.7e308] * 50,
        [TINY, 0.0, 3 * TINY] * 50,
        [1.0, np.nextafter(1.0, 2.0)] * 50,
        [2.0**53, 2.0**53 + 2] * 50,
        [0.0] * 5000 + [1e308],
        list(np.geomspace(1e-300, 1e300, 1000)),
        list(-np.geomspace(1e-300, 1e300, 1000)),
    ],
    ids=repr,
)
def test_degenerate_columns_work_and_never_warn(values: list[float]) -> None:
    column = np.array(values, dtype=float)
    anything = np.array([np.nan, np.inf, -np.inf, 0, 1e308, -1e308, TINY, 1.0])
    profile = profile_of(frame_of(column), block_of([column]), block_of([anything]))
    finite = np.isfinite(column).sum() + np.isfinite(anything).sum()
    assert profile.numeric.valid()[0] == finite
    assert np.isfinite(profile.mean()).all()
    assert np.isfinite(profile.std()).all()


def test_a_constant_column_puts_its_value_inside() -> None:
    for value in (0.0, -3.0, 0.1, 1e300, TINY, -1e-290):
        values = np.full(40, value)
        profile = profile_of(frame_of(values), block_of([values]))
        assert profile.cells[0, 1:-1].max() == 40


def test_vocabularies_keep_the_most_frequent_values() -> None:
    counts = {"a": 5, "b": 9, "c": 5, "d": 1}
    frame = fit_frame({}, {"x": counts, "y": {"only": 1}}, ["t"], {}, max_vocabulary=3)
    assert frame.categorical.vocabularies == (("b", "a", "c"), ("only",))
    assert frame.categorical.complete == (False, True)
    assert frame.categorical.longest == 3
    assert frame.columns == ("x", "y", "t")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ranges": {"y": (0, 1)}}, "no such numeric column"),
        ({"ranges": {"x": (1, 0)}}, r"range of x is empty: \[1, 0\]"),
        ({"presence": ["x"]}, "names must be unique, repeated: x"),
        ({"cells": 1000}, "cells must be one of"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict[str, object], message: str) -> None:
    given = {"numeric": {"x": np.arange(3.0)}, "categorical": {}, "presence": [], "ranges": {}}
    with pytest.raises(InputError, match=message):
        fit_frame(**{**given, **arguments})

"""The fast way to a bin is the binary search's, for all edges and values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from detectors.profile.lookup import EdgeLookup

finite = st.one_of(st.floats(-1.7e308, 1.7e308), st.integers(-9, 9).map(float))


@given(st.data(), hnp.arrays(np.float64, st.integers(1, 40), elements=finite))
def test_bins_are_those_of_a_binary_search(data: st.DataObject, edges: np.ndarray) -> None:
    edges.sort()
    near = st.sampled_from(edges.tolist())
    others = data.draw(hnp.arrays(np.float64, 30, elements=st.one_of(finite, near)))
    beside = [np.nextafter(edges, np.inf), np.nextafter(edges, -np.inf), -edges, [0.0, -0.0]]
    values = np.concatenate([edges, others, *beside])
    values = values[np.isfinite(values)]
    found = EdgeLookup.of(edges).bins(values)
    assert found.tolist() == np.searchsorted(edges, values, side="right").tolist()


@pytest.mark.parametrize("sigma", [1.0, 4.0, 20.0])
def test_few_values_of_a_heavy_column_are_searched_for(sigma: float) -> None:
    values = np.sort(np.random.default_rng(24).lognormal(sigma=sigma, size=50_000))
    for column in (values, -values[::-1], values + 50):
        lookup = EdgeLookup.of(column[24::48].copy())
        assert (lookup.bins(column) == np.searchsorted(lookup.edges, column, side="right")).all()
        shared = np.isin(column, lookup.edges).mean()
        assert unsure(lookup, column) < 0.25 + shared


def unsure(lookup: EdgeLookup, values: np.ndarray) -> float:
    """Share of values that the table does not place."""
    blind = EdgeLookup(
        np.full(1, np.nan), lookup.pivot, lookup.floor, lookup.bits, lookup.limit, lookup.table
    )
    return float((blind.bins(values) != lookup.bins(values)).mean())

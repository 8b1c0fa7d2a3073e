"""Keys of ids: the same alone or in company, and well mixed."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from monitor.engine.keys import row_keys

ids = st.lists(
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=8
)


@given(ids)
def test_a_key_does_not_depend_on_the_other_ids(texts: list[str]) -> None:
    together = row_keys(texts)
    assert together.dtype == np.uint64
    assert together.tolist() == [int(row_keys([text])[0]) for text in texts]


def test_similar_ids_have_unlike_keys() -> None:
    keys = row_keys([f"p-{i}" for i in range(20_000)])
    assert len(np.unique(keys)) == 20_000
    assert kstest(keys / 2.0**64, "uniform").pvalue > 1e-3


def test_ids_that_differ_only_in_length_differ() -> None:
    assert len(np.unique(row_keys(["a" * n for n in range(1, 40)]))) == 39

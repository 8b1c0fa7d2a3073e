"""One keyed hash: the same for the same record anywhere, and fair to every rate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from monitor.intake.identity import hashes, sampled

KEY = b"k" * 32
N = 20_000
IDS = tuple(f"id-{i}" for i in range(N))
NEVER = 1e-6
"""How often an exact interval may be missed."""

names = st.lists(st.text(max_size=8), max_size=20)


@given(left=names, right=names)
def test_a_hash_does_not_depend_on_the_batch(left: list[str], right: list[str]) -> None:
    whole = hashes(KEY, "m", b"r", [*left, *right])
    parts = [hashes(KEY, "m", b"r", part) for part in (left, right)]
    np.testing.assert_array_equal(whole, np.concatenate(parts))
    assert whole.dtype == np.dtype("<u8")


@given(ids=st.lists(st.text(max_size=8), unique=True, max_size=50))
def test_different_ids_have_different_hashes(ids: list[str]) -> None:
    assert len(set(hashes(KEY, "m", b"r", ids).tolist())) == len(ids)


@pytest.mark.parametrize(
    ("key", "model", "kind"),
    [(b"K" * 32, "m", b"r"), (b"", "m", b"r"), (KEY, "n", b"r"), (KEY, "", b"r"), (KEY, "m", b"l")],
)
def test_key_model_and_kind_keep_hashes_apart(key: bytes, model: str, kind: bytes) -> None:
    usual, other = hashes(KEY, "m", b"r", IDS), hashes(key, model, kind, IDS)
    assert not np.isin(usual, other).any()


def test_no_ids_have_no_hashes() -> None:
    assert hashes(KEY, "m", b"r", ()).shape == (0,)


@pytest.mark.parametrize("rate", [0.001, 0.1, 0.5, 0.999])
def test_the_kept_share_is_the_rate(rate: float) -> None:
    kept = int(sampled(hashes(KEY, "m", b"r", IDS), rate).sum())
    assert binom.ppf(NEVER / 2, N, rate) <= kept <= binom.ppf(1 - NEVER / 2, N, rate)


def test_the_ends_of_the_scale_are_exact() -> None:
    values = np.array([0, 1, 2**63, 2**64 - 1], dtype=np.uint64)
    assert sampled(values, 1.0).all()
    assert not sampled(values, 0.0).any()


@settings(max_examples=30)
@given(low=st.floats(0, 1), high=st.floats(0, 1))
def test_a_higher_rate_keeps_all_that_a_lower_one_kept(low: float, high: float) -> None:
    low, high = sorted((low, high))
    values = hashes(KEY, "m", b"r", IDS[:500])
    assert not (sampled(values, low) & ~sampled(values, high)).any()


def test_models_are_sampled_independently() -> None:
    """That a record of one model is kept says nothing about its namesake of another."""
    one, other = (sampled(hashes(KEY, model, b"r", IDS), 0.5) for model in ("m", "n"))
    both = int((one & other).sum())
    assert binom.ppf(NEVER / 2, N, 0.25) <= both <= binom.ppf(1 - NEVER / 2, N, 0.25)

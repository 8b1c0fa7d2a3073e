"""Texts as numbers."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.multivariate.text import MAX_WORDS, STATISTICS, Vocabulary, halves, text_statistics


def test_counts_by_hand() -> None:
    known = Vocabulary.of(["good shoes", "bad shoes"], np.array([[1, 0], [0, 1]]))
    measured = text_statistics(["Good shoes, 10 of 10! é"], known)[0]
    length, words, non_ascii, digits, punctuation, even, odd = measured.tolist()
    assert (length, words) == (23, 6)
    assert non_ascii == pytest.approx(1 / 23)
    assert digits == pytest.approx(4 / 23)
    assert punctuation == pytest.approx(2 / 23)
    assert even == pytest.approx(3 / 4)  # knows "bad shoes", so not: good, of, é
    assert odd == pytest.approx(2 / 4)  # knows "good shoes", so not: of, é
    assert len(STATISTICS) == len(measured) - 1


def test_an_empty_text_is_all_zeros() -> None:
    known = Vocabulary.of([], np.empty((0, 2), np.int64))
    assert not text_statistics(["", ""], known).any()


def test_the_most_frequent_words_are_kept_and_only_as_hashes() -> None:
    texts = [f"word{'abcdefghij'[i % 10] * (i // 10 + 1)}" for i in range(MAX_WORDS // 4)]
    texts += ["kept " * 3]
    counts = np.ones((len(texts), 2), np.int64)
    vocabulary = Vocabulary.of(texts, counts)
    assert vocabulary.even.dtype == np.uint32
    assert len(vocabulary.even) <= MAX_WORDS
    assert (np.diff(vocabulary.even.astype(np.int64)) > 0).all()
    assert text_statistics(["kept"], vocabulary)[0, -1] == 0
    again = Vocabulary.restore(vocabulary.state())
    assert again.known == vocabulary.known


def test_halves_are_about_equal_and_none_of_the_reservoirs_business() -> None:
    keys = np.random.default_rng(1).integers(0, 2**64, 10_000, dtype=np.uint64)
    sides = halves(keys)
    assert set(sides.tolist()) == {0, 1}
    assert sides.mean() == pytest.approx(0.5, abs=0.03)
    assert sides[keys < 2**61].mean() == pytest.approx(0.5, abs=0.06)

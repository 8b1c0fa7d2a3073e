"""Which labels come: chance, repairable, or beyond repair."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from detectors.errors import InputError
from detectors.performance.metrics import measure
from detectors.performance.outcomes import Outcomes
from detectors.performance.selection import selection


def test_labels_by_chance_are_called_selected_as_rarely_as_said() -> None:
    rng, repeats = np.random.default_rng(1), 3000
    p_values = [selection(rng.random(400), rng.random(400) < 0.3).p_value for _ in range(repeats)]
    found = np.sum(np.array(p_values) < 0.05)
    assert stats.binom.ppf(1e-6, repeats, 0.04) <= found <= stats.binom.ppf(1 - 1e-6, repeats, 0.06)


def test_selected_labels_are_weighted_back() -> None:
    rng = np.random.default_rng(2)
    scores = rng.random(20_000)
    truth = (rng.random(20_000) < scores).astype(float)
    labelled = rng.random(20_000) < 0.1 + 0.8 * scores
    got = selection(scores, labelled)
    assert got.selected
    assert got.identifiable
    assert got.weights[~labelled].max() == 0
    assert got.weights[labelled].mean() == pytest.approx(1)
    rows = Outcomes(truth, (scores > 0.5).astype(float), scores[:, None], got.weights)
    plain = measure(rows.take(labelled), ["recall", "accuracy"], task="binary")
    bare = Outcomes(truth, rows.predicted, rows.scores)
    whole = measure(bare, ["recall", "accuracy"], task="binary")
    biased = measure(bare.take(labelled), ["recall"], task="binary")[0].value
    assert plain[0].value == pytest.approx(whole[0].value, abs=0.012)
    assert abs(biased - whole[0].value) > 0.05
    assert "weighted by inverse label rate" in got.text


def test_scores_without_labels_are_not_identifiable() -> None:
    rng = np.random.default_rng(3)
    scores = rng.random(5000)
    got = selection(scores, scores > 0.35)
    assert got.selected
    assert not got.identifiable
    assert got.unknown_share == pytest.approx(0.3, abs=0.02)
    assert "not identifiable for 30% of rows" in got.text


def test_missing_scores_are_a_bin() -> None:
    rng = np.random.default_rng(4)
    scores = rng.random(4000)
    scores[:1000] = np.nan
    labelled = rng.random(4000) < np.where(np.isnan(scores), 0.9, 0.4)
    got = selection(scores, labelled)
    assert got.selected
    assert got.rates[-1] == pytest.approx(0.9, abs=0.05)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_all_or_no_labels_are_not_selected(share: float) -> None:
    got = selection(np.linspace(0, 1, 500), np.full(500, bool(share)))
    assert not got.selected
    assert got.coverage == share


def test_few_rows_say_nothing() -> None:
    got = selection(np.array([0.1, 0.9]), np.array([True, False]))
    assert np.isnan(got.p_value)
    assert not got.selected
    none = selection(np.empty(0), np.empty(0, bool))
    assert np.isnan(none.coverage)
    with pytest.raises(InputError, match="must be alike"):
        selection(np.zeros(2), np.zeros(3, bool))

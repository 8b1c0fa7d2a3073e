"""From mixed rows to a matrix: exact small cases, and nothing that hurts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from detectors.errors import InputError
from detectors.inputs import MISSING, OUTSIDE
from detectors.multivariate.encode import Encoder, normal_scores
from detectors.profile import Profile
from tests.detectors.multivariate.tables import factor_rows, frame_of, window_of


def test_scores_are_van_der_waerdens_of_mid_ranks() -> None:
    scores = normal_scores(np.array([1, 2, 1]))
    raw = stats.norm.ppf([1 / 8, 1 / 2, 7 / 8])
    expected = raw / np.sqrt(np.mean([raw[0] ** 2, 0, 0, raw[2] ** 2]))
    assert scores == pytest.approx(expected)


def test_scores_of_nearly_one_value_are_zero() -> None:
    assert not normal_scores(np.array([0, 1000, 1])).any()
    assert not normal_scores(np.zeros(4, np.int64)).any()


def test_a_monotone_picture_of_a_column_gives_the_same_matrix() -> None:
    rng = np.random.default_rng(1)
    plain = rng.standard_normal((4000, 2))
    bent = np.column_stack([np.exp(plain[:, 0]), plain[:, 1]])
    encoded = []
    for values in (plain, bent):
        window = window_of(frame_of(values), values)
        encoded.append(Encoder.of(window.profile, window.sample).encode(window.sample))
    assert np.abs(encoded[0] - encoded[1]).max() < 0.25  # cells lie elsewhere, most in the tails
    assert np.corrcoef(encoded[0][:, 0], encoded[1][:, 0])[0, 1] > 0.999


def test_features_have_mean_0_and_variance_1_on_the_baseline() -> None:
    rng = np.random.default_rng(2)
    values, codes = factor_rows(rng, 5000), rng.integers(0, 3, (5000, 2)).astype(np.int32)
    window = window_of(frame_of(values, 2), values, codes)
    encoder = Encoder.of(window.profile, window.sample)
    matrix = encoder.encode(window.sample)
    assert matrix.mean(axis=0) == pytest.approx(0, abs=1e-9)
    assert matrix.std(axis=0) == pytest.approx(1, abs=1e-6)
    assert sum(label.startswith("c") for label in encoder.labels) == 4


def test_the_rarest_of_all_values_has_no_feature_of_its_own() -> None:
    rng = np.random.default_rng(3)
    codes = rng.choice(2, (1000, 1), p=[0.7, 0.3]).astype(np.int32)
    values = rng.standard_normal((1000, 1))
    window = window_of(frame_of(values, 1), values, codes)
    assert Encoder.of(window.profile, window.sample).labels == ("n0", "c0 = v0")


def test_what_is_no_value_is_nan_and_has_an_indicator_if_the_baseline_knows_it() -> None:
    rng = np.random.default_rng(4)
    values = rng.standard_normal((1000, 2))
    values[rng.random(1000) < 0.2, 0] = np.nan
    codes = rng.integers(0, 3, (1000, 1)).astype(np.int32)
    window = window_of(frame_of(values, 1), values, codes)
    encoder = Encoder.of(window.profile, window.sample)
    assert encoder.labels[:3] == ("n0", "n1", "n0 missing")
    rows = replace(
        window.sample.take(np.arange(3)),
        numeric=np.array([[np.nan, np.inf], [1e300, -1e300], [0.0, 0.0]]),
        categorical=np.array([[MISSING], [OUTSIDE], [0]], np.int32),
    )
    matrix = encoder.encode(rows)
    assert np.isnan(matrix[0]).tolist() == [True, True, False, True, True]
    assert np.isfinite(matrix[1:]).all()
    assert np.abs(matrix[1:]).max() < 5
    assert matrix[1, 3:].max() < 0  # outside the vocabulary is none of the values


def test_only_the_most_related_features_stay_where_there_is_no_room() -> None:
    rng = np.random.default_rng(5)
    values = rng.standard_normal((400, 100))
    values[:, 70] = values[:, 30] + 0.1 * rng.standard_normal(400)
    window = window_of(frame_of(values), values)
    encoder = Encoder.of(window.profile, window.sample)
    assert len(encoder.features) == 50
    assert encoder.left_out == 50
    assert {"n30", "n70"} <= set(encoder.labels)
    assert list(encoder.columns) == sorted(encoder.columns)


def test_other_columns_than_the_frames_are_refused() -> None:
    rng = np.random.default_rng(6)
    narrow, wide = rng.standard_normal((100, 2)), rng.standard_normal((100, 3))
    window, other = window_of(frame_of(narrow), narrow), window_of(frame_of(wide), wide)
    encoder = Encoder.of(window.profile, window.sample)
    with pytest.raises(InputError, match=r"sample has \(3, 0\) columns, the frame \(2, 0\)"):
        encoder.encode(other.sample)


def test_nothing_at_all_has_no_features() -> None:
    values = np.full((100, 2), np.nan)
    window = window_of(frame_of(values), values)
    assert Encoder.of(window.profile, window.sample).features == ()
    empty = window_of(frame_of(values), values[:0])
    assert Encoder.of(Profile(frame_of(values)), empty.sample).features == ()

"""The delay of labels, against a textbook case and a known law."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.errors import InputError
from detectors.performance.maturity import maturity

TREATED = [6.0, 6, 6, 7, 10, 13, 16, 22, 23]
WAITING = [6.0, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]


def test_the_remission_times_of_freireich() -> None:
    """6-MP arm of Freireich et al. 1963 as in Cox & Oakes 1984, table 1.2."""
    got = maturity(np.array(TREATED), np.array(WAITING))
    np.testing.assert_array_equal(got.ages, [6, 7, 10, 13, 16, 22, 23])
    want = [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    np.testing.assert_allclose(1 - got.arrived, want, atol=6e-4)
    np.testing.assert_allclose(got.error[:3], [0.0764, 0.0869, 0.0963], atol=1e-4)
    assert got.oldest == 35


def test_an_exponential_delay_with_rows_that_still_wait() -> None:
    rng = np.random.default_rng(1)
    delay, age = rng.exponential(2.0, 20_000), rng.uniform(0, 6, 20_000)
    came = delay <= age
    got = maturity(delay[came], age[~came])
    points = np.array([0.5, 1.0, 2.0, 4.0])
    np.testing.assert_allclose(got.share(points), 1 - np.exp(-points / 2), atol=0.01)
    naive = (delay[came][:, None] <= points).mean(axis=0)
    assert np.abs(naive - (1 - np.exp(-points / 2))).max() > 0.1
    assert got.age_of(0.5) == pytest.approx(-2 * np.log(1 - got.arrived[-1] / 2), abs=0.05)


def test_labels_that_never_come_are_not_awaited() -> None:
    got = maturity(np.arange(1.0, 51.0), np.full(50, 100.0))
    assert got.share(np.array([1000.0]))[0] == pytest.approx(0.5)
    np.testing.assert_allclose(got.maturity(np.array([25.0, 50.0]), 100.0), [0.5, 1.0])


def test_no_rows_and_no_labels() -> None:
    nothing = maturity(np.empty(0), np.empty(0))
    assert np.isnan(nothing.share(np.array([1.0]))).all()
    assert np.isnan(nothing.age_of(0.9))
    waiting = maturity(np.empty(0), np.ones(3))
    assert waiting.share(np.array([1.0]))[0] == 0
    np.testing.assert_array_equal(waiting.maturity(np.array([1.0]), 5.0), [0])
    with pytest.raises(InputError, match="must be numbers"):
        maturity(np.array([np.nan]), np.empty(0))


def test_labels_before_their_prediction_count_as_at_once() -> None:
    assert maturity(np.array([-5.0]), np.empty(0)).ages.tolist() == [0.0]

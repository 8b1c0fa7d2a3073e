"""Whether labels come as usual."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from detectors.errors import InputError, ParameterError
from detectors.quality.labels import UsualLabels, UsualShare

PREDICTIONS = np.full(40, 1_000)


def history(rng: np.random.Generator, windows: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Nine of ten predictions are labelled, one of five labels is positive; both vary."""
    labels = rng.binomial(1_000, rng.beta(90, 10, windows))
    return labels, rng.binomial(labels, rng.beta(40, 160, windows))


@pytest.fixture(name="usual")
def _usual() -> UsualLabels:
    return UsualLabels.of(PREDICTIONS, *history(np.random.default_rng(1)))


def test_ordinary_windows_pass(usual: UsualLabels) -> None:
    for labels, positives in zip(*history(np.random.default_rng(2), 300), strict=True):
        assert usual.find(1_000, int(labels), int(positives)) == ()


@pytest.mark.parametrize(
    ("labels", "positives", "severity", "text"),
    [
        (400, 80, "broken", "40 % of the predictions have a label (baseline 9"),
        (0, 0, "broken", "0 % of the predictions have a label"),
        (650, 130, "warning", "65 % of the predictions have a label (baseline 9"),
        (900, 420, "warning", "46.7 % of the labels are positive (baseline 1"),
        (900, 9, "warning", "1 % of the labels are positive"),
    ],
)
def test_other_rates_are_found(
    usual: UsualLabels, labels: int, positives: int, severity: str, text: str
) -> None:
    (finding,) = usual.find(1_000, labels, positives)
    assert (finding.kind, finding.column, finding.severity) == ("labels", "", severity)
    assert finding.text.startswith(text)


def test_few_records_and_no_positive_class_say_nothing(usual: UsualLabels) -> None:
    assert usual.find(20, 0, 0) == ()
    assert UsualLabels.of(PREDICTIONS, PREDICTIONS, None).find(1_000, 1_000, None) == ()
    assert UsualShare.of(np.array([1, 2]), np.array([50, 60])) is None


def test_the_level_holds_over_histories() -> None:
    """Rejections at 1 % over baselines of 30 windows, against an exact binomial bound."""
    rng = np.random.default_rng(3)
    repeats, found = 4_000, 0
    for _ in range(repeats):
        share = rng.beta(40, 160, 31)
        part = rng.binomial(800, share)
        usual = UsualShare.of(part[:-1], np.full(30, 800))
        assert usual is not None
        angle = 2 * np.arcsin(np.sqrt(part[-1] / 800)) - usual.mean
        error = np.sqrt(1 / 800 + usual.spread**2 * (1 + 1 / 30))
        found += 2 * stats.t.sf(abs(angle) / error, 29) < 0.01
    assert found <= stats.binom.ppf(1 - 1e-6, repeats, 0.015)
    assert found >= stats.binom.ppf(1e-6, repeats, 0.005)


def test_wrong_counts_and_levels_are_refused() -> None:
    with pytest.raises(InputError, match="no smaller"):
        UsualShare.of(np.array([5]), np.array([4]))
    with pytest.raises(ParameterError, match="alpha must be"):
        UsualLabels.of(PREDICTIONS, PREDICTIONS, None, alpha=0)

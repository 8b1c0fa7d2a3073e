"""Volume and freshness: whether records come, and how many."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from detectors.errors import InputError, ParameterError
from detectors.quality import UsualGaps, Volume, find_silence

MINUTE = 60_000_000


def weekly(rng: np.random.Generator, weeks: int) -> tuple[np.ndarray, np.ndarray]:
    """Daily volumes: 1,000 on weekdays, 150 on weekends, varying by a fifth."""
    phases = np.arange(7 * weeks) % 7
    mean = np.where(phases < 5, 1000, 150)
    return rng.poisson(mean * rng.gamma(25, 1 / 25, len(mean))), phases


@pytest.fixture
def volume() -> Volume:
    return Volume.of(*weekly(np.random.default_rng(22), 12))


def test_ordinary_volumes_pass(volume: Volume) -> None:
    rows, phases = weekly(np.random.default_rng(23), 200)
    for count, phase in zip(rows.tolist(), phases.tolist(), strict=True):
        assert volume.find(count, phase) == ()


@pytest.mark.parametrize(
    ("rows", "phase", "severity"),
    [(0, 2, "broken"), (50, 2, "broken"), (6000, 2, "broken"), (900, 6, "broken")],
)
def test_unusual_volumes_are_found(volume: Volume, rows: int, phase: int, severity: str) -> None:
    (finding,) = volume.find(rows, phase)
    assert finding.severity == severity
    assert finding.observed == rows
    assert finding.expected == pytest.approx(1000 if phase < 5 else 150, rel=0.15)


def test_the_phase_counts(volume: Volume) -> None:
    assert volume.find(150, 6) == ()
    assert volume.find(150, 2)[0].text.startswith("150 records in this window (about ")
    assert volume.find(0, 2)[0].text.startswith("no records in this window (about ")


def test_an_unknown_phase_is_judged_by_all(volume: Volume) -> None:
    assert volume.find(700, 99) == ()


def test_silent_phases_may_be_silent() -> None:
    rows, phases = np.tile([500, 0], 30), np.tile([0, 1], 30)
    nights = Volume.of(rows, phases)
    assert nights.find(0, 1) == ()
    assert nights.find(0, 0)[0].severity == "broken"


def test_one_window_knows_little() -> None:
    short = Volume.of(np.array([1000]), np.array([0]))
    assert short.find(300, 0) == ()
    assert short.find(0, 0)[0].severity == "broken"


def test_the_tails_are_negative_binomial() -> None:
    rows = np.full(40, 100)
    known = Volume.of(rows, np.zeros(40, int), alpha=0.01, ratio=1.0)
    shape = 1 / (known.dispersion * (1 + 1 / 40) + 1 / 4000)
    law = stats.nbinom(shape, shape / (shape + 100))
    low, high = law.ppf([0.01, 0.99])
    assert known.find(int(high) + 3, 0)
    assert known.find(int(low) - 3, 0)
    assert not known.find(int(high) - 3, 0)
    assert not known.find(int(low) + 3, 0)


def test_wrong_histories_and_parameters_are_refused() -> None:
    with pytest.raises(InputError, match="at least one window"):
        Volume.of(np.zeros(0, int), np.zeros(0, int))
    with pytest.raises(ParameterError, match="alpha must be"):
        Volume.of(np.ones(3, int), np.ones(3, int), alpha=2)


@pytest.mark.parametrize(("minutes", "severity"), [(19, None), (21, "warning"), (55, "broken")])
def test_silence_is_measured_in_usual_gaps(minutes: int, severity: str | None) -> None:
    times = np.array([0, 1, 2, 12, 13]) * MINUTE
    found = find_silence(13 * MINUTE, (13 + minutes) * MINUTE, UsualGaps.of(times[::-1]))
    assert [finding.severity for finding in found] == ([severity] if severity else [])


def test_silence_in_words() -> None:
    usual = UsualGaps(typical=MINUTE, longest=10 * MINUTE)
    (finding,) = find_silence(0, 51 * 3600 * 1_000_000, usual)
    assert finding.text == "no record for 2.12 days (longest usual gap 10 min)"


def test_fast_streams_may_pause_for_a_minute() -> None:
    usual = UsualGaps(typical=10, longest=2000)
    assert find_silence(0, MINUTE - 1, usual) == ()
    assert find_silence(0, MINUTE, usual)[0].severity == "broken"


def office_hours(days: int) -> np.ndarray:
    """A record a minute from 8 to 18 o'clock, none at night."""
    day = np.arange(8 * 60, 18 * 60) * MINUTE
    return np.concatenate([day + d * 24 * 60 * MINUTE for d in range(days)])


def test_nights_may_be_silent_and_noon_may_not() -> None:
    usual = UsualGaps.of(office_hours(20))
    noon, evening = (20 * 24 + 12) * 60 * MINUTE, (20 * 24 + 18) * 60 * MINUTE - MINUTE
    (finding,) = find_silence(noon, noon + 10 * MINUTE, usual)
    assert finding.severity == "broken"
    assert finding.text.endswith("(longest usual gap at this time of day 60 s)")
    assert find_silence(evening, evening + 14 * 60 * MINUTE, usual) == ()


def test_a_short_baseline_knows_no_times_of_day() -> None:
    usual = UsualGaps.of(office_hours(3))
    noon = 12 * 60 * MINUTE
    assert usual.by_hour == ()
    assert find_silence(noon, noon + 60 * MINUTE, usual) == ()


def test_rare_records_have_no_times_of_day() -> None:
    times = np.cumsum(np.random.default_rng(3).exponential(60, 400) * MINUTE).astype(np.int64)
    usual = UsualGaps.of(times)
    assert set(usual.by_hour) == {usual.longest}


def test_nights_are_less_regular_than_days() -> None:
    rng = np.random.default_rng(5)
    phases = np.tile([0, 1], 60)
    rows = np.where(phases == 0, rng.poisson(10_000, 120), rng.poisson(rng.gamma(1, 40, 120)))
    volume = Volume.of(rows, phases)
    assert volume.spreads[0] == pytest.approx(0.01, abs=0.02)
    assert volume.spreads[1] > 0.4
    assert volume.find(4_000, 0)
    assert not volume.find(4, 1)


def test_gaps_need_two_times() -> None:
    with pytest.raises(InputError, match="two event times"):
        UsualGaps.of(np.array([5]))

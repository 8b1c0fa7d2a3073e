"""What single values look like: decimals, repeats, damaged text, renamed categories."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from detectors.quality.atoms import Repeated, among, known_placeholders, newest
from detectors.quality.conversions import CONVERSIONS
from detectors.quality.decimals import on_grid, step_text, usual_decimals
from detectors.quality.distance import apart, distance, noise
from detectors.quality.encoding import damage
from detectors.quality.stuck import longest_run


@pytest.mark.parametrize("decimals", range(-3, 8))
def test_numbers_written_with_so_many_decimals_are_on_their_grid(decimals: int) -> None:
    rng = np.random.default_rng(decimals + 10)
    values = np.array([float(f"{x:.{max(decimals, 0)}f}") for x in rng.normal(0, 1e4, 500)])
    values = np.round(values, decimals)
    grids = np.array([float(decimals), decimals - 1.0, np.nan])
    shares = on_grid(np.repeat(values[:, None], 3, axis=1), grids).mean(axis=0)
    assert shares[0] == 1
    assert shares[1] < 0.2
    assert shares[2] == 0


def test_usual_decimals() -> None:
    rng = np.random.default_rng(1)
    assert usual_decimals(np.round(rng.gamma(2, 20, 1_000), 2)) == (1, 2)
    assert usual_decimals(rng.integers(0, 1_000, 1_000).astype(float)) == (-1, 0)
    coarse, fine = usual_decimals(rng.normal(size=1_000))
    assert (coarse, np.isnan(fine)) == (9, True)
    assert np.isnan(usual_decimals(np.arange(20.0))).all()


def test_steps_in_words() -> None:
    assert [step_text(d) for d in (-2.0, 0.0, 1.0, 4.0)] == ["100", "1", "0.1", "0.0001"]


def test_what_repeats_with_and_without_a_part() -> None:
    values = np.sort(np.concatenate([np.repeat([1.0, 2.0, 3.0], [300, 5, 2]), np.arange(10, 703)]))
    every = Repeated.of(values)
    assert every.values.tolist() == [1, 2, 3]
    assert every.usual.tolist() == [1, 2, 3]
    assert every.frequent.tolist() == [1]
    rest = every.without(np.array([3.0, 3.0, 2.0, 50.0]))
    assert rest.counts.tolist() == [300, 4, 0]
    assert rest.usual.tolist() == [1, 2]


def test_the_newest_value_stands_out() -> None:
    usual = np.array([0.0, 5.0])
    assert newest(np.array([5.0] * 9 + [999.0] * 4 + [1, 2, 3]), usual) == (999, 4)
    assert newest(np.repeat([-1.0, 999.0, 7.0], [5, 4, 1]), usual) == (-1, 5)
    assert np.isnan(newest(np.repeat([0.94, 0.96, 0.98], [5, 4, 4]), usual)[0])
    assert newest(np.array([5.0, 5.0, 1.0]), usual)[1] == 0
    assert among(np.array([np.nan, 5, 6]), usual).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("body", "value", "known"),
    [
        (np.linspace(0, 100, 500), -1, True),
        (np.linspace(-50, 100, 500), -1, False),
        (np.linspace(0, 100, 500), 999, True),
        (np.linspace(0, 100, 500), 99, False),
        (np.linspace(10, 100, 500), 0, False),
        (np.linspace(1_000, 1_100, 500), 0, True),
        (np.linspace(0, 100, 500), 12_345, False),
    ],
)
def test_placeholders_stand_apart(body: np.ndarray, value: float, *, known: bool) -> None:
    values = np.sort(np.concatenate([body, np.full(20, value)]))
    assert known_placeholders(values).tolist() == ([value] if known else [])


def test_distances_are_kolmogorov_smirnov_s() -> None:
    rng = np.random.default_rng(2)
    for n in (50, 400):
        a, b = rng.normal(size=300), rng.normal(0.5, 1, n)
        exact = stats.ks_2samp(a, b).statistic
        assert distance(a, b) == pytest.approx(exact, abs=1e-9)
        assert apart(np.sort(a), np.sort(b)) == pytest.approx(exact, abs=0.06)
    assert noise(1_000, 1_000) == pytest.approx(
        stats.kstwobign.isf(0.01) * np.sqrt(2 / 1_000), rel=0.01
    )
    assert apart(np.empty(0), np.ones(3)) == 0


@pytest.mark.parametrize("conversion", CONVERSIONS, ids=lambda each: each.words)
def test_conversions_can_be_undone(conversion: object) -> None:
    values = np.linspace(0.05, 0.95, 50)
    assert conversion.undo(conversion.apply(values)) == pytest.approx(values)  # type: ignore[attr-defined]


VOCABULARY = ("São Paulo", "Zürich", "Łódź", "R&D", "Oslo", "100 %", "who?")


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("SÃ£o Paulo", "São Paulo"),
        ("SÃƒÂ£o Paulo", "São Paulo"),
        ("S\N{REPLACEMENT CHARACTER}o Paulo", "São Paulo"),
        ("S?o Paulo", "São Paulo"),
        ("Z%C3%BCrich", "Zürich"),
        ("Z\\u00fcrich", "Zürich"),
        ("Z&uuml;rich", "Zürich"),
        ("R&amp;D", "R&D"),
        ("CafÃ©", "Café"),
        ("caf\N{REPLACEMENT CHARACTER}", ""),
        ("Genève", None),
        ("Basel", None),
        ("50 %", None),
        ("where?", None),
        ("A&B", None),
        ("東京", None),
    ],
)
def test_damaged_text_is_told_from_foreign(value: str, meant: str | None) -> None:
    assert damage(value, VOCABULARY) == meant


def test_the_longest_run() -> None:
    values, times = np.array([1.0, 2, 2, 2, 3]), np.array([0, 10, 20, 40, 50])
    assert longest_run(values, times) == (2, 3, 30)
    assert longest_run(values[:1], times[:1]) == (1, 1, 0)

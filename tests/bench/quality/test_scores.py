"""The bench's own arithmetic: rules against scipy, NAB's score against cases done by hand."""

import numpy as np
import pytest
from scipy import stats

import tests.bench.quality.__main__ as bench
from tests.bench.quality.nab import normalised, probation, score_file, sigmoid
from tests.bench.quality.report import Table, number
from tests.bench.quality.rules import chi2_p, ks_p

NOTHING = np.empty(0, dtype=np.int64)


def test_rules_are_scipys() -> None:
    rng = np.random.default_rng(1)
    a, b = np.sort(rng.standard_normal(500)), rng.standard_normal(300) + 0.1
    assert ks_p(a, b) == pytest.approx(stats.ks_2samp(a, b, method="asymp").pvalue)
    codes = [rng.integers(0, 4, size).astype(np.float64) for size in (400, 300)]
    table = [np.bincount(c.astype(int), minlength=4) for c in codes]
    assert chi2_p(*codes) == pytest.approx(stats.chi2_contingency(table, correction=False).pvalue)


def test_nab_rewards_early_detections_and_fines_false_ones() -> None:
    assert sigmoid(0.0) == 0.0
    assert sigmoid(4.0) == -1.0
    window = [(500, 599)]
    assert score_file(np.array([500]), window, 1000) == pytest.approx(1.0)
    assert score_file(NOTHING, window, 1000) == -1.0
    assert 0 < score_file(np.array([590]), window, 1000) < 0.5
    assert score_file(np.array([300]), window, 1000) == pytest.approx(-1.11)
    assert score_file(np.array([100]), window, 1000) == -1.0, "inside the probation period"
    assert probation(1000) == 150
    assert probation(10**6) == 750


def test_nab_is_scaled_between_silence_and_perfection() -> None:
    assert normalised(-5.0, 5) == 0.0
    assert normalised(5.0, 5) == 100.0


def test_tables_are_markdown() -> None:
    rows = (("a", "1", "2"), ("b", "3", "4"))
    table = Table("t", "Title", ("name", "x", "y"), rows, ("Note.",), (("b",), ("y",)))
    assert "| a | 1 | 2 |" in table.markdown()
    assert table.markdown().endswith("Note.")
    assert "| b | 4 |" in table.excerpt()
    assert "| a |" not in table.excerpt()
    assert [number(v) for v in (0.123, 12_345.0, np.inf, np.nan, 0.0)] == [
        "0.123",
        "12,345",
        "never",
        "-",
        "0",
    ]


def test_without_arguments_all_tables_are_run() -> None:
    assert bench._options([]).tables == ["1", "2", "3", "4", "5"]
    assert bench._options(["4", "--months", "1"]).tables == ["4"]
    with pytest.raises(SystemExit):
        bench._options(["6"])

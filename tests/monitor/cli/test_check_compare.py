"""The statistics behind `driftd check`: Holm, lower bounds, false alarms, power."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitor.cli.check_compare import Checked, Rule, compare
from monitor.cli.check_effects import distance_noise, function_noise, holm
from monitor.columnar import column_of
from monitor.errors import InputError
from monitor.record import Column, Numbers, RecordBatch, Texts
from monitor.schema import ColumnSpec

ALPHA = 0.05
SPECS = (ColumnSpec("a", "numeric"), ColumnSpec("b", "numeric"), ColumnSpec("c", "categorical"))


def test_holm_on_a_small_case() -> None:
    """R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")."""
    p_values = np.array([0.01, 0.04, 0.03, 0.005, np.nan])
    np.testing.assert_allclose(holm(p_values), [0.03, 0.06, 0.06, 0.02, np.nan])


@given(st.lists(st.floats(0, 1), max_size=20))
def test_holm_keeps_the_order_and_never_helps(p_values: list[float]) -> None:
    given_p = np.array(p_values)
    adjusted = holm(given_p)
    assert (adjusted >= given_p).all()
    assert (adjusted <= 1).all()
    assert (np.diff(adjusted[np.argsort(given_p, kind="stable")]) >= 0).all()


def batch(columns: dict[str, Column], rows: int) -> list[RecordBatch]:
    ids, times = tuple(map(str, range(rows))), np.zeros(rows, dtype=np.int64)
    return [RecordBatch("m", "", ids, times, columns)]


def draw(rng: np.random.Generator, rows: int, shift: float = 0.0) -> list[RecordBatch]:
    columns: dict[str, Column] = {
        "a": Numbers(rng.normal(shift, 1, rows)),
        "b": Numbers(rng.integers(0, 50, rows).astype(np.float64)),
        "c": Texts(rng.choice(20, rows, p=PARTS).astype(np.int32), tuple(map(str, range(20)))),
    }
    return batch(columns, rows)


PARTS = np.linspace(1, 3, 20) / np.linspace(1, 3, 20).sum()


def checked(rng: np.random.Generator, rule: Rule, shift: float = 0.0) -> Checked:
    return compare(draw(rng, 2_000), draw(rng, 700, shift), SPECS, rule)


@pytest.mark.slow
def test_false_drift_comes_at_most_as_often_as_promised() -> None:
    """Without the effect gate; exact upper bound of Binomial(400, alpha) at 1e-6."""
    rng, runs = np.random.default_rng(11), 400
    rule = Rule(ALPHA, min_effect=0.0, min_records=200)
    drifts = sum(checked(rng, rule).verdict == "drift" for _ in range(runs))
    assert drifts <= stats.binom.isf(1e-6, runs, ALPHA)


@pytest.mark.slow
def test_lower_bounds_hold_under_the_null_and_under_a_shift() -> None:
    """True effects: 0, and `2 Phi(shift / 2) - 1` for shifted normal distributions."""
    rng, runs, shift = np.random.default_rng(12), 200, 0.3
    true = {"a": 2 * stats.norm.cdf(shift / 2) - 1, "b": 0.0, "c": 0.0}
    wrong = dict.fromkeys(true, 0)
    for _ in range(runs):
        for column in checked(rng, Rule(ALPHA, 0.05, 200), shift).columns:
            wrong[column.name] += (column.effect_low or 0.0) > true[column.name]
    # Each bound errs with probability 0.05 at most, and at zero only when it is positive.
    assert max(wrong.values()) <= stats.binom.isf(1e-6, runs, 0.05)


def test_large_shifts_are_found_and_small_ones_are_only_shown() -> None:
    rng = np.random.default_rng(13)
    rule = Rule(ALPHA, 0.05, 200)
    assert checked(rng, rule, shift=0.5).columns[0].status == "drift"
    large = compare(draw(rng, 60_000), draw(rng, 60_000, 0.05), SPECS, rule)
    shown = {column.name: column for column in large.columns}["a"]
    assert shown.status == "stable"
    assert shown.p_value is not None
    assert shown.p_value < ALPHA


def test_noise_of_distances_is_rarely_exceeded_by_equal_samples() -> None:
    rng, n, m, runs = np.random.default_rng(14), 300, 900, 1_000
    bound = distance_noise(PARTS, PARTS, n, m)
    distances = [
        np.abs(rng.multinomial(n, PARTS) / n - rng.multinomial(m, PARTS) / m).sum() / 2
        for _ in range(runs)
    ]
    assert np.mean(distances) < bound
    assert sum(d > bound for d in distances) <= stats.binom.isf(1e-6, runs, 0.05)


def test_noise_of_functions_is_kolmogorovs_law() -> None:
    np.testing.assert_allclose(
        function_noise(np.array([0.01])), [stats.kstwobign.isf(0.05) / 10], rtol=1e-4
    )


def test_a_month_that_is_constant_in_the_current_file_is_not_broken() -> None:
    """The reference's own parts hold a single month too."""
    months = np.repeat(np.arange(1.0, 11.0), 400)
    reference = batch({"month": Numbers(months)}, len(months))
    current = batch({"month": Numbers(np.full(400, 10.0))}, 400)
    found = compare(reference, current, (ColumnSpec("month", "numeric"),), Rule(ALPHA, 0.05, 200))
    assert found.verdict == "drift"
    assert not [f for f in found.findings if f.severity == "broken"]


def test_a_hopeless_column_harms_no_other() -> None:
    rows = 500
    bad = column_of([None, [1.0], "x", True, 3] * 100)
    good = Numbers(np.random.default_rng(1).normal(0, 1, rows))
    infinite = Numbers(np.full(rows, np.inf))
    columns: dict[str, Column] = {"bad": bad, "good": good, "inf": infinite}
    specs = tuple(ColumnSpec(name, "numeric") for name in columns)
    found = compare(batch(columns, rows), batch(columns, rows), specs, Rule(ALPHA, 0.05, 200))
    by_name = {column.name: column.status for column in found.columns}
    assert by_name == {"bad": "insufficient", "good": "stable", "inf": "insufficient"}
    assert found.verdict == "stable"


def test_nothing_to_compare_is_an_input_error() -> None:
    rows = batch({"a": Numbers(np.zeros(3))}, 3)
    with pytest.raises(InputError, match="no column to compare"):
        compare(rows, rows, (ColumnSpec("a", "ignore"),), Rule(ALPHA, 0.05, 1))

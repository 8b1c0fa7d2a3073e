"""What columns are taken for, on values as they come in real logs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.columnar import column_of, values_of
from monitor.record import Mixed, Numbers, RecordBatch, Texts
from monitor.schema import KINDS, ColumnSpec, guess, infer_columns, sample_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

N = 400
RNG = np.random.default_rng(7)
PEOPLE = [f"p{i}" for i in range(N)]


def spec(name: str, values: Sequence[Any]) -> ColumnSpec:
    return guess(name, column_of(list(values))).spec


@pytest.mark.parametrize(
    ("name", "values", "kind"),
    [
        ("dep_delay", RNG.normal(10, 30, N), "numeric"),
        ("bedrooms", RNG.integers(1, 9, N), "numeric"),
        ("zip_class", RNG.integers(1, 9, N), "categorical"),
        ("model", [3] * N, "categorical"),
        ("late", RNG.integers(0, 2, N), "boolean"),
        ("num_faults", RNG.integers(0, 2, N), "numeric"),
        ("customer_id", RNG.permutation(N) + 10_000, "id"),
        ("row", np.arange(N), "id"),
        ("income", RNG.permutation(N) + 10_000, "numeric"),
        ("created_at", 1_700_000_000 + RNG.integers(0, 10**6, N), "datetime"),
        ("prediction", RNG.integers(1, 6, N), "categorical"),
        ("prediction", RNG.normal(0, 1, N), "numeric"),
        ("score.1", RNG.random(N), "numeric"),
        ("score.1", RNG.integers(0, 2, N), "numeric"),
        ("nothing", [None] * N, "ignore"),
        ("infinite", [math.inf] * N, "ignore"),
        ("carrier", RNG.choice(["UA", "AA", "B6"], N), "categorical"),
        ("only", ["x"] * N, "categorical"),
        ("answer", RNG.choice(["Yes", "no"], N), "boolean"),
        ("flag", RNG.integers(0, 2, N).astype(bool), "boolean"),
        ("when", [f"2013-01-{i % 28 + 1:02}T10:00:00Z" for i in range(N)], "datetime"),
        ("Date", [f"{i % 28 + 1}/10/2004" for i in range(N)], "datetime"),
        ("version", [f"{i % 3}.10.2004" for i in range(N)], "categorical"),
        ("uuid", [f"{i:032x}" for i in range(N)], "id"),
        ("zip_code", [f"{i:03}xx" for i in range(N)], "categorical"),
        ("review", [f"it was the {i}th time that I" for i in range(N)], "text"),
        ("embedding", [[0.1, 0.2]] * N, "embedding"),
        ("mostly", [*RNG.normal(0, 1, N), "n/a"], "numeric"),
        ("both", [*([1] * N), *(["a"] * N)], "categorical"),
    ],
)
def test_kinds(name: str, values: Sequence[Any], kind: str) -> None:
    plain = [value.item() if isinstance(value, np.generic) else value for value in values]
    assert spec(name, plain).kind == kind


def test_missing_values_change_nothing() -> None:
    values = [1.5, None, 2.5, None] * 100
    assert spec("x", values) == spec("x", [value for value in values if value is not None])


def test_a_column_with_all_kinds_of_nothing_is_ignored() -> None:
    empty = {
        "numbers": Numbers(np.full(3, np.nan)),
        "texts": Texts(np.full(3, -1, dtype=np.int32), ()),
        "mixed": Mixed((None, None)),
        "none": Numbers(np.empty(0)),
    }
    assert {column.kind for column in infer_columns(empty)} == {"ignore"}


@pytest.mark.parametrize(
    ("name", "low", "high", "meaning", "valid"),
    [
        ("y_pred_proba", 0, 1, "probability", (0, 1)),
        ("score.late", 0.1, 0.9, "probability", (0, 1)),
        ("credit_score", 300.5, 850.5, None, None),
        ("debt_to_income_ratio", 0, 3, "ratio", (0, math.inf)),
        ("ratio", -1, 1, None, None),
        ("loan_amount", -10, 10, "currency", None),
    ],
)
def test_meaning_is_what_the_name_says_if_the_values_agree(
    name: str, low: float, high: float, meaning: str | None, valid: tuple[float, float] | None
) -> None:
    found = spec(name, RNG.uniform(low, high, N).tolist())
    assert (found.meaning, found.range) == (meaning, valid)


def test_ranges_are_never_learned_from_the_smallest_and_largest_value() -> None:
    assert spec("dep_delay", RNG.uniform(0, 1, N).tolist()).range is None


def test_a_declared_range_goes_before_the_one_of_the_meaning() -> None:
    assert ColumnSpec("p", "numeric", range=(0.2, 0.8), meaning="probability").range == (0.2, 0.8)


@pytest.mark.parametrize(
    ("name", "unit"), [("dep_delay_minutes", "minutes"), ("tripKm", "km"), ("minute_hand", "")]
)
def test_unit_is_read_from_the_name(name: str, unit: str) -> None:
    assert spec(name, RNG.normal(0, 1, N).tolist()).unit == unit


@pytest.mark.parametrize(
    ("name", "values", "personal", "privacy"),
    [
        ("contact", [f"{p}@example.org" for p in PEOPLE], "e-mail addresses", "hash"),
        ("source", [f"10.0.{i // 200}.{i % 200}" for i in range(N)], "IP addresses", "hash"),
        ("peer", [f"2001:db8::{i:x}" for i in range(N)], "IP addresses", "hash"),
        ("call", [f"+49 30 {100000 + i}" for i in range(N)], "phone numbers", "drop"),
        ("email", PEOPLE, "e-mail addresses", "hash"),
        ("Name", [f"{p} Miller" for p in PEOPLE], "names of people", "drop"),
        ("firstName", PEOPLE, "names of people", "hash"),
        ("customer_id", PEOPLE, "customers", "hash"),
        ("phone", ["yes", "none"] * 200, "", "keep"),
        ("file_name", PEOPLE, "", "keep"),
        ("time", [f"{i % 24:02}:00:00" for i in range(N)], "", "keep"),
        ("shipment", PEOPLE, "", "keep"),
    ],
)
def test_personal_data_is_suspected_by_value_and_name(
    name: str, values: Sequence[str], personal: str, privacy: str
) -> None:
    found = guess(name, column_of(list(values)))
    assert (found.personal, found.spec.privacy) == (personal, privacy)


def test_ids_of_people_are_suspected_when_they_are_numbers_too() -> None:
    found = guess("user_id", Numbers(np.arange(float(N))))
    assert (found.spec.kind, found.personal, found.spec.privacy) == ("id", "users", "hash")


VALUES = st.one_of(
    st.none(), st.booleans(), st.floats(), st.integers(-(2**60), 2**60), st.text(max_size=5),
    st.lists(st.floats(), max_size=2),
)  # fmt: skip


@given(st.text(), st.lists(VALUES, max_size=60))
def test_anything_gets_a_kind_and_a_reason(name: str, values: list[Any]) -> None:
    found = guess(name, column_of(values))
    assert found.spec.name == name
    assert found.spec.kind in KINDS
    assert found.why


def batch(rows: int, **columns: Sequence[Any]) -> RecordBatch:
    made = {name: column_of(list(values)) for name, values in columns.items()}
    times = np.zeros(rows, dtype=np.int64)
    return RecordBatch("m", "", tuple(map(str, range(rows))), times, made)


def test_a_sample_spans_all_batches_and_knows_all_their_columns() -> None:
    first, second = batch(10, a=range(10)), batch(10, a=range(10, 20), b=["x"] * 10)
    sample = sample_columns([first, second], most=10)
    assert values_of(sample["a"]) == [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]
    assert values_of(sample["b"]) == [None] * 5 + ["x"] * 5


def test_a_sample_of_few_rows_is_all_of_them() -> None:
    (column,) = sample_columns([batch(3, a=[1, None, 3])]).values()
    assert values_of(column) == [1, None, 3]

"""Findings on windows with one thing wrong, in the words people read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.errors import InputError
from detectors.profile import fit_frame
from detectors.quality import (
    FaultHistory,
    QualityBaseline,
    count_faults,
    judge_quality,
)
from detectors.result import QualityKind
from tests.strategies import block_of, blocks, frames, profile_of

if TYPE_CHECKING:
    from detectors.inputs import Block
    from detectors.profile import Profile

ROWS = 1000
NAMES = ("delay", "age", "carrier", "note")


@dataclass
class Rows:
    """Ordinary rows to break: `delay` numeric, `age` in [0, 120], `carrier`, `note` (text)."""

    seed: int
    rows: int = ROWS
    delay: np.ndarray = field(init=False)
    age: np.ndarray = field(init=False)
    carrier: np.ndarray = field(init=False)
    unseen: dict[str, int] = field(default_factory=dict)
    note_missing: int = 0
    wrong: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        self.delay = rng.exponential(20, self.rows)
        self.delay[rng.random(self.rows) < 0.027] = np.nan
        self.age = rng.integers(18, 90, self.rows).astype(float)
        self.carrier = rng.choice(4, self.rows, p=[0.5, 0.3, 0.15, 0.05]).astype(np.int32)

    def block(self) -> Block:
        return block_of(
            [self.delay, self.age], [self.carrier], [self.unseen], [self.note_missing], self.wrong
        )


FRAME = fit_frame(
    {"delay": Rows(1).delay, "age": Rows(1).age},
    {"carrier": {"UA": 500, "DL": 300, "AA": 150, "HA": 50}},
    ["note"],
    {"age": (0.0, 120.0)},
)
PARTS = [profile_of(FRAME, Rows(seed).block()) for seed in range(30)]
WHOLE = profile_of(FRAME, *(Rows(seed).block() for seed in range(30)))
HISTORY = FaultHistory(np.full(30, ROWS), np.array([count_faults(part) for part in PARTS]))
BASELINE = QualityBaseline.of(WHOLE, HISTORY)


def texts(rows: Rows, baseline: QualityBaseline = BASELINE) -> list[tuple[str, str]]:
    found = judge_quality(baseline, profile_of(FRAME, rows.block()))
    return [(finding.severity, finding.text) for finding in found]


def test_ordinary_windows_have_no_findings() -> None:
    for seed in range(100, 200):
        assert texts(Rows(seed)) == []


def test_missing() -> None:
    rows = Rows(100)
    rows.delay[:530] = np.nan
    assert texts(rows) == [("broken", "delay: 54.3 % missing in this window (baseline 2.69 %)")]


def test_a_vanished_column_is_not_reported_as_missing_too() -> None:
    rows = Rows(100)
    rows.delay[:] = np.nan
    expected = "delay: vanished, none of the 1,000 records has a value (baseline 2.69 % missing)"
    assert texts(rows) == [("broken", expected)]


def test_a_presence_column_can_vanish() -> None:
    rows = Rows(100, note_missing=ROWS)
    assert texts(rows)[0][1].startswith("note: vanished, none of the 1,000 records")


def test_a_column_can_appear() -> None:
    never = QualityBaseline.of(profile_of(FRAME, Rows(1, note_missing=ROWS).block()))
    expected = "note: appeared, 1,000 records have a value (the baseline had none)"
    assert texts(Rows(100), never) == [("warning", expected)]


@pytest.mark.parametrize(("bad", "severity"), [(40, "warning"), (300, "broken"), (900, "broken")])
def test_wrong_types(bad: int, severity: str) -> None:
    rows = Rows(100)
    rows.age[:bad] = np.nan
    rows.wrong = (0, bad)
    expected = f"age: {bad / 10:g} % of the values have the wrong type (baseline 0 %)"
    assert texts(rows) == [(severity, expected)]


def test_out_of_range_says_how_far() -> None:
    rows = Rows(100)
    rows.age[:20] = 999
    expected = "age: 2 % of the values lie outside [0, 120] (baseline 0 %), largest 999"
    assert texts(rows) == [("warning", expected)]


def test_infinite() -> None:
    rows = Rows(100)
    rows.age[:250] = -np.inf
    assert texts(rows) == [("broken", "age: 25 % of the numbers are infinite (baseline 0 %)")]


def test_unseen_values_are_named() -> None:
    rows = Rows(100, unseen={"ZZ": 27, "Q": 3})
    rows.carrier[:30] = -3
    expected = "carrier: 3 % of the values are new (baseline 0 %), such as 'ZZ' (27), 'Q' (3)"
    assert texts(rows) == [("warning", expected)]


def test_constant_number() -> None:
    rows = Rows(100)
    rows.age[:] = 42.5
    assert texts(rows) == [("broken", "age: all 1,000 values are 42.5 (the baseline varies)")]


def test_constant_category() -> None:
    rows = Rows(100)
    rows.carrier[:] = 1
    assert texts(rows) == [("broken", "carrier: all 1,000 values are 'DL' (the baseline varies)")]


def test_what_is_constant_in_some_baseline_window_may_be_so() -> None:
    faults = HISTORY.faults.copy()
    faults[3, BASELINE.layout.constant] = 1
    rows = Rows(100)
    rows.age[:] = 42
    usual = QualityBaseline.of(WHOLE, replace(HISTORY, faults=faults))
    assert not any("the baseline varies" in text for _, text in texts(rows, usual))


def test_few_rows_may_be_equal() -> None:
    rows = Rows(100, rows=20)
    rows.age[:] = 42
    assert texts(rows) == []


def test_duplicates() -> None:
    rows = Rows(100)
    for column in (rows.delay, rows.age, rows.carrier):
        column[500:] = column[:500]
    found = texts(rows)
    assert [severity for severity, _ in found] == ["broken"]
    assert found[0][1].endswith("of the rows repeat an earlier row (baseline 0.217 %)")


def test_rows_that_lost_a_column_are_not_reported_as_repeated() -> None:
    rows = Rows(100)
    rows.delay[:] = np.nan
    assert profile_of(FRAME, rows.block()).duplicates() > 0.5
    assert [finding[1].split()[0] for finding in texts(rows)] == ["delay:"]


def test_broken_comes_first() -> None:
    rows = Rows(100, unseen={"ZZ": 30})
    rows.carrier[:30] = -3
    rows.age[:250] = np.inf
    assert [severity for severity, _ in texts(rows)] == ["broken", "warning"]


def test_an_empty_window_has_no_findings() -> None:
    assert texts(Rows(100, rows=0)) == []


def test_rates_that_vary_in_the_history_are_given_room() -> None:
    def stormy(seed: int) -> Rows:
        rows = Rows(seed)
        if seed % 6 == 0:
            rows.delay[:300] = np.nan
        return rows

    parts = [profile_of(FRAME, stormy(seed).block()) for seed in range(30)]
    whole = profile_of(FRAME, *(stormy(seed).block() for seed in range(30)))
    history = FaultHistory(np.full(30, ROWS), np.array([count_faults(part) for part in parts]))
    assert texts(stormy(102), QualityBaseline.of(whole, history)) == []
    assert texts(stormy(102))


@given(st.data())
def test_any_window_is_judged_without_warning(data: st.DataObject) -> None:
    frame = data.draw(frames())
    baseline, window = (profile_of(frame, data.draw(blocks(frame))) for _ in range(2))
    for finding in judge_quality(QualityBaseline.of(baseline), window):
        assert finding.column in ("", *frame.columns)
        assert finding.kind in QualityKind
        assert finding.text


def test_histories_and_windows_of_other_frames_are_refused() -> None:
    other: Profile = profile_of(fit_frame({"x": np.arange(3.0)}, {}, [], {}))
    with pytest.raises(InputError, match="counts per window"):
        QualityBaseline.of(other, HISTORY)
    with pytest.raises(InputError, match="another frame"):
        judge_quality(BASELINE, other)
    with pytest.raises(InputError, match="one row of faults per window"):
        FaultHistory(np.zeros(2, int), np.zeros((3, 4), int))

"""Rules that `driftd init` reads off a log."""

from __future__ import annotations

import numpy as np
import pytest

from monitor.cli.init_rules import rules_for
from monitor.record import Numbers, Texts
from monitor.schema import guess

ROWS = 2_000


def numbers(placeholder: float | None, missing: int = 0) -> Numbers:
    values = np.random.default_rng(1).gamma(3, 10, ROWS).round(2)
    if placeholder is not None:
        values[:60] = placeholder
    values[ROWS - missing :] = np.nan
    return Numbers(values)


@pytest.mark.parametrize(
    ("placeholder", "missing", "expected"),
    [
        (None, 0, {"missing": {"max": 0.01}}),
        (None, 3, {}),
        (-1.0, 3, {"sentinels": [-1]}),
        (9999.0, 0, {"missing": {"max": 0.01}, "sentinels": [9999]}),
        (0.0, 3, {}),
    ],
)
def test_what_is_always_there_and_what_stands_for_missing(
    placeholder: float | None, missing: int, expected: dict[str, object]
) -> None:
    column = numbers(placeholder, missing)
    rules, why = rules_for(guess("delay", column), column)
    assert rules == expected
    assert ("never missing in 2,000 records" in why) == ("missing" in expected)
    assert ("to stand for missing" in why) == ("sentinels" in expected)


def test_a_small_sample_says_nothing_of_missing_values() -> None:
    column = Texts(np.zeros(500, np.int32), ("a",))
    assert rules_for(guess("origin", column), column) == ({}, "")


def test_what_is_not_measured_has_no_rules() -> None:
    column = Texts(np.arange(ROWS, dtype=np.int32), tuple(f"a{i}@b.org" for i in range(ROWS)))
    assert rules_for(guess("email", column), column) == ({}, "")

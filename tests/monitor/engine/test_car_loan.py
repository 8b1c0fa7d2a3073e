"""NannyML's car-loan set with damaged data, through decoder, learner and engine.

From row 25,000 on two columns lack 22 % of their values instead of 10 %, and a category that the
reference never had goes from .8 % to 2 %: found in the first window after that row, and nothing is
before but one word on the category.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.monitor.engine.car_loan import CHANGE, CHUNK, DATA, told

pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the data folder is not part of driftd")


@pytest.fixture(name="windows", scope="module")
def _windows() -> list[list[dict[str, Any]]]:
    return told()


def test_the_damage_is_found_in_its_first_window(windows: list[list[dict[str, Any]]]) -> None:
    first = windows[CHANGE // CHUNK]
    assert {(f["column"], f["kind"]) for f in first} == {
        ("salary_range", "missing"),
        ("driver_tenure", "missing"),
        ("size_of_downpayment", "unseen"),
    }


def test_before_it_there_is_one_word_on_the_new_category(
    windows: list[list[dict[str, Any]]],
) -> None:
    before = [finding for window in windows[: CHANGE // CHUNK] for finding in window]
    (only,) = before
    assert before == windows[0]
    assert only["severity"] == "warning"
    assert only["text"].startswith("size_of_downpayment: a new value, '50%' (0.9")

"""NannyML's car-loan set with damaged data, through decoder, learner and engine.

From row 25,000 on two columns lack 22 % of their values instead of 10 %, and a category that the
reference never had goes from .8 % to 2 %: found in the first window after that row, and nothing is
before but one word on the category.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from monitor.decoders.layout import TableLayout
from monitor.decoders.tabular import ParquetDecoder
from monitor.drivers.learn import build_baseline
from monitor.model import ModelSpec, WindowSpec
from monitor.schema import infer_columns, sample_columns
from tests.monitor.engine import streams

if TYPE_CHECKING:
    from monitor.record import RecordBatch

DATA = Path("/work/shared/data/monitoring")
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="the data folder is not part of driftd")

CHUNK = 5_000
CHANGE = 25_000


def records(part: str) -> list[RecordBatch]:
    payload = (DATA / f"nannyml_car_loan_dq_{part}.parquet").read_bytes()
    layout = TableLayout(
        "loans",
        time="timestamp",
        prediction="y_pred",
        score="y_pred_proba",
        timezone="UTC",
        ignore=["repaid"],
    )
    decoded = ParquetDecoder(layout).decode(payload, 1_700_000_000_000_000)
    assert not decoded.problems
    return list(decoded.records)


@pytest.fixture(name="windows", scope="module")
def _windows() -> list[list[dict[str, Any]]]:
    """Findings about data by window."""
    reference = records("reference")
    columns = infer_columns(sample_columns(reference))
    spec = ModelSpec("loans", columns, WindowSpec(records=CHUNK), task="binary", positive="1")
    engine = streams.model_engine(spec, build_baseline(reference, spec), "c1")
    decisions = [d for seq, batch in enumerate(records("analysis"), 1)
                 for d in engine.feed([batch], seq)]  # fmt: skip
    decisions += engine.flush()
    found = [json.loads(decision.body)["findings"] for decision in decisions]
    return [[f for f in window if f["kind"] not in {"drift", "multivariate"}] for window in found]


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

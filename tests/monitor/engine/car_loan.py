"""NannyML's damaged car-loan data through decoder, learner and engine: what each window says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitor.decoders.layout import TableLayout
from monitor.decoders.tabular import ParquetDecoder
from monitor.drivers.learn import build_baseline
from monitor.model import ModelSpec, WindowSpec
from monitor.schema import infer_columns, sample_columns
from tests.monitor.engine import streams

if TYPE_CHECKING:
    from monitor.record import RecordBatch

DATA = Path(__file__).parents[4] / "shared/data/monitoring"
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


def told() -> list[list[dict[str, Any]]]:
    """Findings about data, window by window of the analysis."""
    reference = records("reference")
    columns = infer_columns(sample_columns(reference))
    spec = ModelSpec("loans", columns, WindowSpec(records=CHUNK), task="binary", positive="1")
    engine = streams.model_engine(spec, build_baseline(reference, spec), "c1")
    decisions = [d for seq, batch in enumerate(records("analysis"), 1)
                 for d in engine.feed([batch], seq)]  # fmt: skip
    decisions += engine.flush()
    found = [json.loads(decision.body)["findings"] for decision in decisions]
    return [[f for f in window if f["kind"] not in {"drift", "multivariate"}] for window in found]

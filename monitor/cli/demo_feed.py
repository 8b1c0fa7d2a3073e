"""The demo's traffic: a year of flights as a model service would log it.

Predictions go out in order of departure; the truth about a flight follows when it was known, hours
or days later. One month comes as a file that grows in a folder the daemon watches.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from monitor.cli.demo_data import FEATURES, MODEL, NEVER, VERSION, FlightLog
from monitor.columnar import values_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

BATCH = 1000
_ENCODER = msgspec.json.Encoder()


def records(log: FlightLog) -> Iterator[bytes]:
    """Native records as NDJSON, `BATCH` to a payload."""
    for batch in batches(log):
        yield _lines(_records(batch))


def batches(log: FlightLog) -> Iterator[FlightLog]:
    """The flights of every payload of `records`."""
    for start in range(0, len(log), BATCH):
        yield log.slice(start, min(start + BATCH, len(log)))


def labels(log: FlightLog, rows: NDArray[np.intp]) -> Iterator[bytes]:
    """The truths of some flights as NDJSON, `BATCH` to a payload."""
    for start in range(0, len(rows), BATCH):
        yield _lines(_labels(log, rows[start : start + BATCH]))


def known_between(log: FlightLog, after: int, until: int) -> NDArray[np.intp]:
    """Flights whose truth came out in `(after, until]` (microseconds), in that order."""
    known = np.flatnonzero(
        (log.label_times > after) & (log.label_times <= until) & (log.label_times < NEVER)
    )
    return known[np.argsort(log.label_times[known], kind="stable")]


def known_of(log: FlightLog, rows: int) -> NDArray[np.intp]:
    """Those of the first `rows` flights whose truth ever came out."""
    return np.flatnonzero(log.label_times[:rows] < NEVER)


def _records(log: FlightLog) -> list[dict[str, Any]]:
    features = [values_of(log.features[name]) for name in FEATURES]
    rows = zip(
        log.ids.tolist(),
        map(_time, log.times.tolist()),
        zip(*features, strict=True),
        values_of(log.predictions),
        log.scores.tolist(),
        strict=True,
    )
    return [
        {
            "id": name,
            "model": MODEL,
            "version": VERSION,
            "time": time,
            "features": dict(zip(FEATURES, values, strict=True)),
            "prediction": prediction,
            "scores": {"0": round(1 - score, 4), "1": score},
        }
        for name, time, values, prediction, score in rows
    ]


def _labels(log: FlightLog, rows: NDArray[np.intp]) -> list[dict[str, Any]]:
    words = (*log.labels.vocabulary, None)
    return [
        {
            "type": "label",
            "id": name,
            "model": MODEL,
            "time": _time(time),
            "label": words[code],
        }
        for name, time, code in zip(
            log.ids[rows].tolist(),
            log.label_times[rows].tolist(),
            log.labels.codes[rows].tolist(),
            strict=True,
        )
    ]


def _lines(rows: list[dict[str, Any]]) -> bytes:
    return _ENCODER.encode_lines(rows)


def _time(micros: int) -> str:
    return datetime.fromtimestamp(micros / 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

"""Payloads to columns, and columns to journal blocks and back: records per second, one thread.

    python tests/bench/speed/bench_decode.py

Records have 50 numeric and 10 text features (1.7 kB as NDJSON), blocks 60 numeric columns. Best
of several runs; what is decoded is checked before anything is timed.
"""

# ruff: noqa: E402  # thread counts only count before numpy is imported

from __future__ import annotations

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ARROW_NUM_THREADS"):
    os.environ[variable] = "1"

import csv
import io
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[3]))

import numpy as np
import pyarrow as pa

from monitor.columnar import columns_of, decode_block, encode_block
from monitor.decoders.arrow import ArrowDecoder
from monitor.decoders.layout import TableLayout
from monitor.decoders.native import NativeJson, NativeLines
from monitor.decoders.tabular import CsvDecoder, JsonLinesDecoder
from monitor.record import RecordBatch
from monitor.sources.confinement import Confinement
from monitor.sources.files import FilesSource

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from monitor.decoders.base import Decoder

NOW = 1_800_000_000_000_000
ROWS = 1_000
ARROW_ROWS = 50_000
SECONDS = 1.0


def records(rows: int) -> list[dict[str, Any]]:
    """Records as a model service writes them."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=(rows, 50)).round(4).tolist()
    words = rng.integers(0, 20, size=(rows, 10)).tolist()
    return [
        {
            "id": f"p-{row}",
            "model": "flights",
            "version": "7",
            "time": f"2013-06-01T05:{row // 60 % 60:02d}:{row % 60:02d}Z",
            "features": {f"feature_number_{at:02d}": value for at, value in enumerate(values[row])}
            | {f"category_{at}": f"word{word}" for at, word in enumerate(words[row])},
            "prediction": "0",
            "scores": {"0": 0.93, "1": 0.07},
            "segments": {"origin": "EWR"},
        }
        for row in range(rows)
    ]


def ndjson(rows: Sequence[dict[str, Any]]) -> bytes:
    """Lines without spaces."""
    return b"".join(json.dumps(row, separators=(",", ":")).encode() + b"\n" for row in rows)


def spread(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same records as rows of a flat table."""
    return [
        {"id": row["id"], "time": row["time"], "prediction": row["prediction"]} | row["features"]
        for row in rows
    ]


def as_csv(rows: Sequence[dict[str, Any]]) -> bytes:
    """A table with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def arrow(rows: int, *, ids: bool) -> bytes:
    """A native stream of 60 float columns."""
    rng = np.random.default_rng(1)
    columns: dict[str, Any] = {f"x{number}": rng.normal(size=rows) for number in range(60)}
    columns |= {
        "model": pa.array(["flights"]).take(pa.array(np.zeros(rows, dtype=int))),
        "time": pa.array(np.arange(rows) * 1_000_000, pa.timestamp("us", "UTC")),
        "prediction": rng.integers(0, 2, rows),
    }
    if ids:
        columns["id"] = [f"p-{row}" for row in range(rows)]
    table = pa.table(columns)
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def best(work: Callable[[], object]) -> float:
    """Shortest duration of one call, in seconds."""
    work()
    shortest = float("inf")
    started = time.perf_counter()
    while time.perf_counter() - started < SECONDS:
        before = time.perf_counter()
        work()
        shortest = min(shortest, time.perf_counter() - before)
    return shortest


def show(name: str, rows: int, size: int, seconds: float) -> None:
    """Print one row of the table."""
    print(f"{name:<34}{rows / seconds:>12,.0f} records/s{size / rows:>9,.0f} B/record")


def bench_decoder(name: str, decoder: Decoder, payload: bytes, rows: int) -> None:
    """Time one decoder on one payload."""
    decoded = decoder.decode(payload, NOW)
    if decoded.problems or sum(map(len, decoded.records)) != rows:
        raise SystemExit(f"{name}: {decoded.problems[:3]}")
    show(name, rows, len(payload), best(lambda: decoder.decode(payload, NOW)))


def bench_blocks() -> None:
    """Time the journal's block format."""
    rng = np.random.default_rng(1)
    rows = [
        {f"x{at}": value for at, value in enumerate(row)}
        for row in rng.normal(size=(ROWS, 60)).round(4).tolist()
    ]
    show("rows to columns", ROWS, 480 * ROWS, best(lambda: columns_of(rows)))
    ids = tuple(f"p-{row}" for row in range(ROWS))
    times = np.arange(ROWS, dtype=np.int64)
    batches = [RecordBatch("flights", "7", ids, times, columns_of(rows))]
    block = encode_block(batches)
    show("encode block", ROWS, len(block), best(lambda: encode_block(batches)))
    show("decode block", ROWS, len(block), best(lambda: decode_block(block)))


def bench_tail(payload: bytes, rows: int) -> None:
    """Time reading a file to its end."""
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "log.ndjson").write_bytes(payload * 20)

        def drain() -> None:
            source = FilesSource("logs", Confinement(Path(directory)), "*.ndjson")
            source.open(None)
            while source.read(1 << 20):
                pass

        show("tail a file", rows * 20, len(payload) * 20, best(drain))


def main() -> None:
    """Print the table."""
    rows = records(ROWS)
    lines = ndjson(rows)
    flat = spread(rows)
    layout = TableLayout("flights")
    bench_decoder("native NDJSON", NativeLines(), lines, ROWS)
    bench_decoder("native JSON array", NativeJson(), json.dumps(rows).encode(), ROWS)
    unknown = ndjson([row | {"trace_id": "4bf92f35"} for row in rows])
    bench_decoder("native NDJSON, unknown member", NativeLines(), unknown, ROWS)
    bench_decoder("flat NDJSON", JsonLinesDecoder(layout), ndjson(flat), ROWS)
    bench_decoder("CSV", CsvDecoder(layout), as_csv(flat), ROWS)
    for ids in (True, False):
        name = "Arrow stream" if ids else "Arrow stream, ids derived"
        bench_decoder(name, ArrowDecoder(), arrow(ARROW_ROWS, ids=ids), ARROW_ROWS)
    bench_blocks()
    bench_tail(lines, ROWS)


if __name__ == "__main__":
    main()

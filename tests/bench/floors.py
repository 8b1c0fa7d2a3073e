"""What the machine allows, measured beside us: decoding alone, and appending alone."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from monitor.decoders.arrow import ArrowDecoder
from monitor.decoders.native import NativeLines
from tests.bench.outcome import Outcome
from tests.bench.speed import bench_journal
from tests.bench.speed.bench_detectors import best
from tests.bench.traffic import ARROW, NDJSON, Payload

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.decoders.base import Decoder

NDJSON_ROWS = 1_000
ARROW_ROWS = 10_000


def decoding(*, quick: bool) -> list[Outcome]:
    """Payload to columns, one thread, beside parsers that only parse."""
    lines = bytes(Payload(NDJSON, NDJSON_ROWS).address(1))
    split = lines.splitlines()
    repeats = 5 if quick else 20

    def rate(work: Callable[[], object], rows: int) -> float:
        return rows / best(work, repeats)

    untyped = msgspec.json.Decoder()
    msgspec_rate = rate(lambda: list(map(untyped.decode, split)), NDJSON_ROWS)
    json_rate = rate(lambda: list(map(json.loads, split)), NDJSON_ROWS)
    note = f"json: {json_rate:,.0f} records/s"
    ours = rate(_work(NativeLines(), lines), NDJSON_ROWS)
    table = bytes(Payload(ARROW, ARROW_ROWS).address(1))
    arrow = rate(_work(ArrowDecoder(), table), ARROW_ROWS)
    peer = "msgspec to dicts, unchecked"
    return [
        Outcome(
            "decode NDJSON to columns", ours, "records/s", "more", None, peer, msgspec_rate, note
        ),
        Outcome("decode Arrow to columns", arrow, "records/s", "more"),
    ]


def _work(decoder: Decoder, payload: bytes) -> Callable[[], object]:
    now = time.time_ns() // 1_000
    if decoder.decode(payload, now).problems:
        msg = "the bench's own payload was refused"
        raise AssertionError(msg)
    return lambda: decoder.decode(payload, now)


def journal(*, quick: bool) -> list[Outcome]:
    """Entries to disk in the writer's transactions, beside bare append and fdatasync."""
    seconds = 1.0 if quick else 3.0
    with tempfile.TemporaryDirectory() as place:
        rate, group = bench_journal.bench_writer(Path(place), seconds, 16)
        bare = bench_journal.bench_append(Path(place), seconds)
    size = bench_journal.PAYLOAD_BYTES // 1_000
    name = f"journal entries of 1,000 records ({size} kB)"
    note = f"{group:.1f} entries a commit"
    peer = "append + fdatasync"
    return [Outcome(name, rate, "records/s", "more", None, peer, bare, note)]

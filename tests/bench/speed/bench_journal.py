"""Journal entries to disk: records per second that are durable when their future resolves.

Run: python tests/bench/speed/bench_journal.py [SECONDS]
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from monitor.archive import counters, journal, positions
from monitor.archive.archive import Archive
from monitor.archive.counters import Count
from monitor.archive.journal import Entry
from monitor.clock import SystemClock
from monitor.record import Position

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from sqlalchemy import Connection

RECORDS = 1_000
PAYLOAD_BYTES = 500_000


def _units(rng: np.random.Generator) -> Iterator[tuple[Callable[[Connection], int], int]]:
    """Yield what one request commits: an entry, the counters, the position; and its size."""
    payload = rng.bytes(PAYLOAD_BYTES)
    hashes = rng.bytes(8 * RECORDS)
    offset = 0
    while True:
        offset += PAYLOAD_BYTES
        entry = Entry("records", payload, RECORDS, 0, 0, hashes)
        counts = [Count("m", "http", outcome, RECORDS) for outcome in ("received", "accepted")]
        position = Position("http", {"offset": offset})

        def unit(
            connection: Connection,
            entry: Entry = entry,
            counts: list[Count] = counts,
            position: Position = position,
        ) -> int:
            counters.add(connection, counts)
            positions.save(connection, position, 0)
            return journal.append(connection, entry)

        yield unit, entry.size


def bench_writer(directory: Path, seconds: float, in_flight: int) -> tuple[float, float]:
    """Return acknowledged records per second and units per commit, `in_flight` units waiting."""
    units = _units(np.random.default_rng(0))
    done = 0
    with Archive(f"sqlite:///{directory / f'{in_flight}.db'}", SystemClock()) as archive:
        flying: deque[Future[int]] = deque()
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            unit, size = next(units)
            flying.append(archive.writer.submit(unit, size=size))
            if len(flying) >= in_flight:
                flying.popleft().result()
                done += 1
        for future in flying:
            future.result()
        elapsed = time.perf_counter() - start
        done += len(flying)
        return done * RECORDS / elapsed, archive.writer.units / archive.writer.groups


def bench_append(directory: Path, seconds: float) -> float:
    """Return records per second of a bare append and fdatasync per block: what the disk allows."""
    payload = np.random.default_rng(0).bytes(PAYLOAD_BYTES)
    done = 0
    with (directory / "bare").open("ab", buffering=0) as file:
        start = time.perf_counter()
        while time.perf_counter() - start < seconds:
            file.write(payload)
            os.fdatasync(file.fileno())
            done += 1
        return done * RECORDS / (time.perf_counter() - start)


def main(seconds: float) -> None:
    """Print the table."""
    print(f"journal: blocks of {RECORDS} records, {PAYLOAD_BYTES // 1000} kB, synchronous=FULL")
    print(f"{'':34}{'records/s':>12}{'units/commit':>14}")
    for in_flight in (1, 4, 16):
        with tempfile.TemporaryDirectory() as place:
            rate, group = bench_writer(Path(place), seconds, in_flight)
        print(f"{f'archive, {in_flight} requests at a time':34}{rate:12,.0f}{group:14.1f}")
    with tempfile.TemporaryDirectory() as place:
        print(f"{'bare append and fdatasync':34}{bench_append(Path(place), seconds):12,.0f}")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 5.0)

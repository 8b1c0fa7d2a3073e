"""The daemon as a service: how it starts, what it weighs, how fast it takes records in."""

from __future__ import annotations

import os
import statistics
import time
from typing import TYPE_CHECKING

from tests.bench.client import Sent, send
from tests.bench.outcome import Outcome
from tests.bench.traffic import ARROW, NDJSON

if TYPE_CHECKING:
    from tests.bench.daemon import Daemon, Site

NDJSON_ROWS = 1_000
ARROW_ROWS = 10_000
CONNECTIONS = 4
REPEATS = 3
WARM_BATCHES = 8
MILLION = 1_000_000
IDLE_SECONDS = 2.0
LAG_SECONDS = 120.0


def idle(site: Site) -> list[Outcome]:
    """Start with a built baseline and wait; best and worst of three."""
    ready, weight = [], []
    for _ in range(REPEATS):
        with site.daemon("idle") as daemon:
            time.sleep(IDLE_SECONDS)
            ready.append(daemon.ready_seconds)
            weight.append(daemon.rss)
    return [
        Outcome("process start to ready, best of 3", min(ready), "s", "less", 2.0),
        Outcome("resident memory of an idle daemon", max(weight), "MB", "less", 150.0),
    ]


def ndjson(site: Site, floor: float, *, quick: bool) -> list[Outcome]:
    """NDJSON to durable acknowledgement; `floor` is what decoding alone comes to."""
    found = _ingest(site, NDJSON, NDJSON_ROWS, 20_000 if quick else 150_000)
    return _outcomes("NDJSON in batches of 1,000", found, 30_000, floor)


def arrow(site: Site, floor: float, *, quick: bool) -> list[Outcome]:
    """Arrow streams to durable acknowledgement."""
    found = _ingest(site, ARROW, ARROW_ROWS, 200_000 if quick else 1_500_000)
    return _outcomes("Arrow in batches of 10,000", found, 300_000, floor)


def _ingest(site: Site, kind: str, rows: int, records: int) -> list[tuple[Sent, float, float]]:
    """Per run: what the client saw, records/s until judged, CPU microseconds a record."""
    runs = []
    with site.daemon("ingest") as daemon:
        batches = records // rows
        send(daemon.port, kind, rows, 0, WARM_BATCHES, 2)
        for run in range(1, REPEATS + 1):
            os.sync()  # what earlier runs left to be written is no part of this one
            cpu = daemon.cpu_seconds
            sent = send(daemon.port, kind, rows, run * batches + WARM_BATCHES, batches, CONNECTIONS)
            waited = _caught_up(daemon)
            used = daemon.cpu_seconds - cpu
            judged = sent.records / (sent.seconds + waited)
            runs.append((sent, judged, 1e6 * used / sent.records))
    return runs


def _caught_up(daemon: Daemon) -> float:
    """Seconds until the engine has judged everything that was acknowledged."""
    started = time.perf_counter()
    while daemon.metric("driftd_engine_lag_records"):
        if time.perf_counter() - started > LAG_SECONDS:
            msg = "the engine does not catch up"
            raise RuntimeError(msg)
        time.sleep(0.01)
    return time.perf_counter() - started


def _outcomes(
    name: str, runs: list[tuple[Sent, float, float]], target: float, floor: float
) -> list[Outcome]:
    sent, judged, _ = max(runs, key=lambda run: run[0].rate)
    rates = ", ".join(f"{run.rate:,.0f}" for run, _, _ in runs)
    late = f"p50 {1000 * sent.latency(0.5):.0f} ms, p99 {1000 * sent.latency(0.99):.0f} ms"
    acknowledged = Outcome(
        name=f"{name} to acknowledgement, best of {len(runs)}",
        value=sent.rate,
        unit="records/s",
        better="more",
        target=target,
        peer="decoding alone",
        peer_value=floor,
        note=f"runs {rates}; {late}",
    )
    note = f"{statistics.median(cpu for _, _, cpu in runs):.1f} us CPU of the daemon a record"
    end = Outcome(f"{name} until judged", judged, "records/s", "more", note=note)
    return [acknowledged, end]


def flat(site: Site, *, quick: bool) -> list[Outcome]:
    """Resident memory after each of five million records, and whether the engine keeps up."""
    step = MILLION // 10 if quick else MILLION
    batches = step // ARROW_ROWS
    weights, behind = [], []
    with site.daemon("flat") as daemon:
        seconds = 0.0
        for number in range(5):
            sent = send(daemon.port, ARROW, ARROW_ROWS, number * batches, batches, CONNECTIONS)
            seconds += sent.seconds
            behind.append(daemon.metric("driftd_engine_lag_records"))
            weights.append(daemon.rss)
        waited = _caught_up(daemon)
        rate = 5 * step / (seconds + waited)
        peak = daemon.peak
    shown = ", ".join(f"{weight:.0f}" for weight in weights)
    lag = f"lag at most {max(behind):,.0f} records, {waited:.1f} s to catch up"
    name = f"memory after {5 * step:,} records over after {step:,}"
    return [
        Outcome(name, weights[-1] / weights[0], "x", "less", 1.1, note=f"{shown} MB"),
        Outcome("most memory during that", peak, "MB", "less"),
        Outcome("sustained until judged", rate, "records/s", "more", note=lag),
    ]

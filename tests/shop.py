"""A small shop's model: what it logs, the history it was learned on, its configuration.

Event time begins at `START`; the history ends at `LIVE`, where streams of tests go on. Everything
follows from a record's number, so that a record can be made again.
"""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.daemon import CONFIG, Daemon, driftd, free_port

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

MODEL = "shop"
START = datetime(2024, 3, 4, tzinfo=UTC)
EVERY = timedelta(seconds=60)
WINDOWS = 60
PER_WINDOW = 300
LIVE = START + WINDOWS * EVERY
GAP = EVERY / PER_WINDOW
"""Between two records."""

REGIONS = ("north", "south")
COUNTRIES = ("de", "fr", "us")
BASELINE = "shop.baseline"
TIME_WINDOW = "{every: 60s, lateness: 10s}"


def record(
    number: int, time: datetime, *, prefix: str = "r", version: str = "1", shift: float = 0.0
) -> dict[str, Any]:
    """One prediction; `shift` moves the amount by that many standard deviations."""
    rng = random.Random(number)  # noqa: S311 - the same record for the same number
    return {
        "id": f"{prefix}-{number}",
        "model": MODEL,
        "version": version,
        "time": rfc3339(time),
        "features": {
            "amount": round(rng.gauss(50 + 10 * shift, 10), 3),
            "age": rng.randint(18, 80),
            "country": rng.choice(COUNTRIES),
        },
        "prediction": rng.choice("01"),
        "scores": {"1": round(rng.random(), 4)},
        "segments": {"region": rng.choice(REGIONS)},
    }


def label(number: int, time: datetime, *, prefix: str = "r") -> dict[str, Any]:
    """The truth about a record."""
    truth = "01"[number % 2]
    told = {"type": "label", "id": f"{prefix}-{number}", "model": MODEL, "label": truth}
    return {**told, "time": rfc3339(time)}


def rfc3339(time: datetime) -> str:
    """As driftd writes times."""
    return time.isoformat().replace("+00:00", "Z")


def lines(rows: Iterable[Any]) -> bytes:
    """NDJSON."""
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def stream(
    first: int, count: int, *, prefix: str = "r", shift: float = 0.0, start: datetime = LIVE
) -> list[dict[str, Any]]:
    """Records `first`, `first + 1`, ... at the usual pace; number 0 is at `start`."""
    numbers = range(first, first + count)
    return [record(n, start + n * GAP, prefix=prefix, shift=shift) for n in numbers]


def configuration(
    port: int, *, window: str = TIME_WINDOW, model: str = "", more: str = "", server: str = ""
) -> str:
    """`driftd.yaml`: `model` and `server` are further lines there, `more` further sections."""
    return f"""\
server: {{port: {port}{server}}}
archive: {{url: "sqlite:///driftd.db"}}
models:
  - name: {MODEL}
    baseline: {BASELINE}
    window: {window}
    min_records: 50
    segments: [region]
{model}{more}"""


def learn(folder: Path, *, window: str = TIME_WINDOW) -> bytes:
    """Build the shop's baseline with the real command; its bytes."""
    with (folder / "history.ndjson").open("wb") as file:
        file.write(lines(stream(0, WINDOWS * PER_WINDOW, prefix="b", start=START)))
    (folder / CONFIG).write_text(configuration(free_port(), window=window))
    done = driftd(folder, "baseline", "build", MODEL, "history.ndjson", "-o", BASELINE)
    assert done.returncode == 0, done.stderr
    return (folder / BASELINE).read_bytes()


def place(folder: Path, baseline: bytes, **options: str) -> Daemon:
    """A folder with configuration and baseline, and its daemon, not started."""
    port = free_port()
    (folder / BASELINE).write_bytes(baseline)
    (folder / CONFIG).write_text(configuration(port, **options))
    return Daemon(folder, port)

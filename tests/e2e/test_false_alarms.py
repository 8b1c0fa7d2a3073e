"""A/A: flights of the baseline period, drawn at random, are no news and raise no alert."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from monitor.cli.demo_data import FlightLog, load, month_start
from monitor.cli.demo_feed import records
from monitor.clock import MICROS
from monitor.record import Numbers, Texts
from tests.crash.kill_oracle import query
from tests.daemon import CONFIG, Daemon, driftd, eventually, free_port

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from monitor.record import Column

PER_WINDOW = 900
DAYS = 200
DAY = 86_400 * MICROS
LIVE = 15_796 * DAY
"""2013-04-01, behind the baseline; in UTC, as windows are."""

_CONFIG = """\
server: {{port: {port}}}
models:
  - name: flights
    task: binary
    positive: "1"
    baseline: flights.baseline
    window: {window}
    columns:
      dep_delay: {{kind: numeric, unit: minutes}}
      distance: {{kind: numeric, unit: miles}}
      hour: {{kind: numeric}}
      score.1: {{kind: numeric, meaning: probability}}
"""


@pytest.fixture(scope="module")
def history() -> FlightLog:
    log = load()
    return log.slice(0, int(np.searchsorted(log.times, month_start(4))))


def drawn(history: FlightLog, rows: NDArray[np.int64], times: NDArray[np.int64]) -> FlightLog:
    """Rows of the history under new ids and times."""

    def pick(column: Column) -> Column:
        if isinstance(column, Texts):
            return Texts(column.codes[rows], column.vocabulary)
        assert isinstance(column, Numbers)
        return Numbers(column.values[rows])

    return FlightLog(
        ids=np.array([f"aa-{n}" for n in range(len(rows))]),
        times=times,
        features={name: pick(column) for name, column in history.features.items()},
        scores=history.scores[rows],
        predictions=Texts(history.predictions.codes[rows], history.predictions.vocabulary),
        labels=Texts(history.labels.codes[rows], history.labels.vocabulary),
        label_times=history.label_times[rows],
    )


def prepared(folder: Path, history: FlightLog, window: str) -> Daemon:
    """A daemon whose baseline was built from the history."""
    port = free_port()
    (folder / CONFIG).write_text(_CONFIG.format(port=port, window=window))
    with (folder / "history.ndjson").open("wb") as file:
        file.writelines(records(history))
    built = driftd(
        folder, "baseline", "build", "flights", "history.ndjson", "-o", "flights.baseline"
    )
    assert built.returncode == 0, built.stderr
    return Daemon(folder, port)


def watched(daemon: Daemon, log: FlightLog, windows: int) -> list[tuple[str, str, str]]:
    """Send the log; the alerts that were opened, after all `windows` were judged."""
    with daemon:
        daemon.start()
        for payload in records(log):
            assert daemon.send(payload)["rejected"] == 0
        eventually(daemon.caught_up, "the engine has caught up")
        daemon.post("/v1/models/flights/check")
        assert daemon.stop() == 0
    archive = daemon.folder / "driftd.db"
    judged = "SELECT count(*) FROM decisions WHERE verdict <> 'insufficient'"
    assert query(archive, judged) == [(windows,)]
    return query(archive, 'SELECT kind, "column", severity FROM alerts')


@pytest.mark.slow
def test_days_of_rows_drawn_with_replacement(tmp_path: Path, history: FlightLog) -> None:
    rng = np.random.default_rng(1)
    rows = rng.integers(0, len(history), DAYS * PER_WINDOW)
    times = LIVE + np.arange(len(rows)) * (DAY // PER_WINDOW)
    daemon = prepared(tmp_path, history, "{every: 1d}")
    assert watched(daemon, drawn(history, rows, times), DAYS) == []


@pytest.mark.slow
def test_counted_windows_of_rows_drawn_without_replacement(
    tmp_path: Path, history: FlightLog
) -> None:
    rng = np.random.default_rng(2)
    rows = rng.permutation(len(history))
    windows = len(rows) // PER_WINDOW
    rows = rows[: windows * PER_WINDOW]
    times = LIVE + np.arange(len(rows)) * (DAY // PER_WINDOW)
    daemon = prepared(tmp_path, history, f"{{records: {PER_WINDOW}}}")
    assert watched(daemon, drawn(history, rows, times), windows) == []

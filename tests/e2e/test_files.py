"""Files that the running daemon reads: as they grow, after rotation, after restarts."""

from __future__ import annotations

import csv
import io
import os
import shutil
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.columnar import decode_block
from tests import shop
from tests.crash.kill_oracle import counts, query
from tests.daemon import CONFIG, Daemon, driftd, eventually

if TYPE_CHECKING:
    from pathlib import Path

NATIVE = 'sources: [{type: files, name: logs, path: "logs/app*"}]\n'
TABLE = """\
sources:
  - type: files
    name: logs
    path: "logs/app*"
    format: {format}
    model: shop
    table:
      scores: {{"1": score}}
      segments: [region]
      features: [amount, age, country]
      version_name: "7"
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    return tmp_path / "logs" / "app.ndjson"


def append(log: Path, content: bytes) -> None:
    with log.open("ab") as file:
        file.write(content)


def doors(daemon: Daemon) -> dict[str, int]:
    return dict(counts(daemon.folder / "driftd.db")["logs"])


def read(daemon: Daemon, lines: int) -> None:
    """Wait until so many lines were received from the files."""
    eventually(lambda: doors(daemon).get("received", 0) >= lines, f"{lines} lines are read")
    assert doors(daemon)["received"] == lines


def ids(daemon: Daemon) -> list[str]:
    """The ids in the journal, in its order."""
    archive = daemon.folder / "driftd.db"
    rows = query(archive, "SELECT payload FROM journal WHERE kind = 'records' ORDER BY seq")
    return [name for (payload,) in rows for batch in decode_block(payload)[0] for name in batch.ids]


def part(first: int, count: int) -> bytes:
    return shop.lines(shop.stream(first, count))


def test_a_log_is_followed_through_rotation_and_restarts(
    tmp_path: Path, log: Path, shop_baseline: bytes
) -> None:
    with shop.place(tmp_path, shop_baseline, more=NATIVE) as daemon:
        append(log, part(0, 10))
        daemon.start()
        read(daemon, 10)
        half = part(10, 1)
        append(log, part(11, 1) + half[:40])
        read(daemon, 11)  # half a line is no line yet
        append(log, half[40:] + b"{broken\n" + part(12, 1))
        read(daemon, 14)

        log.rename(log.with_name("app.ndjson.1"))
        append(log, part(13, 5))
        read(daemon, 19)

        shutil.copyfile(log, log.with_name("app.ndjson.2"))
        os.truncate(log, 0)
        append(log, part(18, 2))
        read(daemon, 21)

        daemon.kill()
        append(log, part(20, 5))
        log.rename(log.with_name("app.ndjson.3"))
        append(log, part(25, 5))
        daemon.start()
        read(daemon, 31)
        assert daemon.stop() == 0
        assert doors(daemon) == {"received": 31, "accepted": 30, "rejected": 1}
        assert sorted(ids(daemon)) == sorted(f"r-{n}" for n in range(30))
        daemon.start()
        append(log, part(30, 1))
        read(daemon, 32)
        assert doors(daemon)["accepted"] == 31


def rows(first: int, count: int) -> list[dict[str, Any]]:
    """Records as rows of a table."""
    return [
        {
            "id": row["id"],
            "time": row["time"],
            "prediction": row["prediction"],
            "score": row["scores"]["1"],
            "region": row["segments"]["region"],
            **row["features"],
        }
        for row in shop.stream(first, count)
    ]


def test_csv_is_followed_under_its_header(tmp_path: Path, log: Path, shop_baseline: bytes) -> None:
    def lines(first: int, count: int) -> bytes:
        text = io.StringIO()
        csv.DictWriter(text, list(rows(0, 1)[0]), lineterminator="\n").writerows(rows(first, count))
        return text.getvalue().encode()

    header = (",".join(rows(0, 1)[0]) + "\n").encode()
    with shop.place(tmp_path, shop_baseline, more=TABLE.format(format="csv")) as daemon:
        append(log, header + lines(0, 400))
        daemon.start()
        read(daemon, 400)
        daemon.kill()
        append(log, lines(400, 10))
        daemon.start()
        read(daemon, 410)
        assert doors(daemon) == {"received": 410, "accepted": 410}
        eventually(lambda: len(daemon.decisions()) == 3, "the first window is judged")
        assert {one["verdict"] for one in daemon.decisions()} == {"stable"}


def test_parquet_files_are_read_once(tmp_path: Path, log: Path, shop_baseline: bytes) -> None:
    def write(name: str, first: int, count: int) -> None:
        # As a job should: written under another name, then renamed into place.
        hidden = tmp_path / name
        pq.write_table(pa.Table.from_pylist(rows(first, count)), hidden)
        hidden.rename(log.with_name(name))

    with shop.place(tmp_path, shop_baseline, more=TABLE.format(format="parquet")) as daemon:
        write("app-1.parquet", 0, 400)
        daemon.start()
        read(daemon, 400)
        daemon.kill()
        write("app-2.parquet", 400, 50)
        daemon.start()
        read(daemon, 450)
        assert doors(daemon) == {"received": 450, "accepted": 450}
        eventually(lambda: len(daemon.decisions()) == 3, "the first window is judged")
        assert {one["verdict"] for one in daemon.decisions()} == {"stable"}


def test_a_path_outside_of_the_folder_is_refused(
    tmp_path: Path, log: Path, shop_baseline: bytes
) -> None:
    for path in ("../logs/app*", "/var/log/app*"):
        shop.place(tmp_path, shop_baseline, more=NATIVE.replace("logs/app*", path))
        done = driftd(tmp_path, "run")
        assert done.returncode == 2, path
        assert path in done.stderr or f"{CONFIG}:9" in done.stderr
        assert "Traceback" not in done.stderr

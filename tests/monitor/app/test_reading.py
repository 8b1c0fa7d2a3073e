"""Log files piece by piece hold what they hold at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from monitor.app import reading
from monitor.app.reading import LogFiles
from monitor.decoders.layout import TableLayout
from monitor.errors import InputError
from monitor.record import Limits

if TYPE_CHECKING:
    from pathlib import Path

LAYOUT = TableLayout(model="shop", time="when", id="", version="", label="", label_time="")
LIMITS = Limits(max_future_seconds=1e12)


def files(*paths: Path) -> LogFiles:
    return LogFiles(paths, LAYOUT, LIMITS, 0)


def rows(log: LogFiles) -> list[int]:
    """Rows of each piece."""
    return [sum(map(len, piece.records)) for piece in log.pieces()]


def moment(second: int) -> str:
    return f"2024-03-04T00:{second // 60:02}:{second % 60:02}Z"


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PIECE_BYTES", 200)
    monkeypatch.setattr(reading, "PIECE_ROWS", 7)


def test_ndjson_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "log.ndjson"
    lines = [json.dumps({"when": moment(i), "x": i}) for i in range(50)]
    path.write_text("\n".join(lines))
    log = files(path)
    found = rows(log)
    assert sum(found) == 50
    assert len(found) > 3
    assert log.done == log.total == path.stat().st_size


def test_every_piece_of_csv_has_the_header(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("when,x\n" + "".join(f"{moment(i)},{i}\n" for i in range(40)))
    log = files(path)
    found = rows(log)
    assert sum(found) == 40
    assert len(found) > 3
    assert log.rejected == 0


def test_parquet_in_pieces(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "log.parquet"
    times = pa.array(range(20), pa.timestamp("s", tz="UTC"))
    parquet.write_table(pa.table({"when": times, "x": list(range(20))}), path)
    log = files(path)
    assert rows(log) == [7, 7, 6]
    assert log.done == log.total


def test_several_files_follow_each_other(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text(f"when,x\n{moment(1)},1\n")
    log = files(tmp_path / "a.csv", tmp_path / "b.csv")
    assert rows(log) == [1, 1]


def test_rows_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(f"when,x\nyesterday,1\n{moment(2)},2\n")
    log = files(path)
    assert rows(log) == [1]
    assert log.rejected == 1
    assert "log.csv" in log.first


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        files(tmp_path / "absent.csv")
    with pytest.raises(InputError, match="cannot tell its format"):
        files(tmp_path / "log.xls")
    broken = tmp_path / "log.parquet"
    broken.write_bytes(b"PAR1")
    with pytest.raises(InputError, match="is not a Parquet file"):
        rows(files(broken))

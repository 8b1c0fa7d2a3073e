"""Parquet files: each once, batch by batch, across restarts and renames."""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.decoders.layout import TableLayout
from monitor.decoders.registry import FILE_FORMATS, decoder_class
from monitor.errors import InputError
from monitor.record import Position
from monitor.sources.confinement import Confinement
from monitor.sources.parquet import ParquetSource

if TYPE_CHECKING:
    from pathlib import Path


class Reader:
    """A source, its decoder and its caller."""

    def __init__(self, directory: Path, pattern: str = "*.parquet", batch_rows: int = 4) -> None:
        self._make = lambda: ParquetSource(
            "tables", Confinement(directory), pattern, batch_rows=batch_rows
        )
        self._decoder = decoder_class(FILE_FORMATS["parquet"])(TableLayout("m", id="key"))
        self._state: str | None = None
        self.ids: list[str] = []
        self.restart()

    def restart(self) -> None:
        self.source = self._make()
        self.source.open(None if self._state is None else Position("t", json.loads(self._state)))

    def read(self) -> bool:
        delivery = self.source.read(1 << 20)
        if delivery is None:
            return False
        assert delivery.content == "arrow"
        self._state = json.dumps(delivery.position.state)
        decoded = self._decoder.decode(delivery.payload, 0)
        assert not decoded.problems
        self.ids += [name for batch in decoded.records for name in batch.ids]
        return True

    def drain(self) -> list[str]:
        while self.read():
            pass
        return self.ids


def write(path: Path, start: int, rows: int = 10, group: int = 6) -> list[str]:
    keys = [str(key) for key in range(start, start + rows)]
    table = pa.table({"key": keys, "x": [1.5] * rows})
    hidden = path.with_name(f".{path.name}")
    pq.write_table(table, hidden, row_group_size=group)
    hidden.rename(path)
    os.utime(path, (start + 1, start + 1))
    return keys


def test_all_rows_of_all_files_oldest_first(tmp_path: Path) -> None:
    later, earlier = write(tmp_path / "a.parquet", 10), write(tmp_path / "b.parquet", 0)
    reader = Reader(tmp_path)
    assert reader.drain() == earlier + later
    assert not reader.read()
    assert reader.drain() + write(tmp_path / "c.parquet", 20) == reader.drain()


def test_a_restart_after_every_delivery(tmp_path: Path) -> None:
    keys = write(tmp_path / "a.parquet", 0, 23, 7) + write(tmp_path / "b.parquet", 30, 5)
    reader = Reader(tmp_path)
    while reader.read():
        reader.source.read(1)
        reader.source.close()
        reader.restart()
    assert reader.ids == keys


def test_renamed_and_copied_files_are_known_and_rewritten_ones_are_new(tmp_path: Path) -> None:
    keys = write(tmp_path / "a.parquet", 0)
    reader = Reader(tmp_path)
    reader.drain()
    (tmp_path / "a.parquet").rename(tmp_path / "b.parquet")
    shutil.copy(tmp_path / "b.parquet", tmp_path / "c.parquet")
    reader.restart()
    assert reader.drain() == keys
    assert reader.drain() + write(tmp_path / "b.parquet", 50) == reader.drain()


def test_incomplete_and_damaged_files_are_reported_and_left(tmp_path: Path) -> None:
    keys = write(tmp_path / "good.parquet", 0)
    body = (tmp_path / "good.parquet").read_bytes()
    half = tmp_path / "half.parquet"
    half.write_bytes(body[:100])
    (tmp_path / "junk.parquet").write_bytes(b"PAR1" + b"\xff" * 50 + b"PAR1")
    damaged = bytearray(body)
    damaged[4:100] = b"\xff" * 96
    (tmp_path / "torn.parquet").write_bytes(damaged)
    reader = Reader(tmp_path)
    assert reader.drain() == keys
    assert set(reader.source.faults) == {
        str(tmp_path / f"{name}.parquet") for name in ("half", "junk", "torn")
    }
    finished = write(half, 100)
    assert reader.drain() == keys + finished


def test_links_that_lead_outside_are_not_read(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    write(tmp_path / "secret.parquet", 0)
    (root / "a.parquet").symlink_to(tmp_path / "secret.parquet")
    reader = Reader(root)
    assert reader.drain() == []
    assert "outside" in reader.source.faults[str(root / "a.parquet")]


def test_what_can_never_work_is_said_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = ParquetSource("tables", Confinement(tmp_path), "*.parquet")
    with pytest.raises(InputError, match="something else before"):
        source.open(Position("tables", {"tails": []}))
    with pytest.raises(InputError, match="not a directory"):
        ParquetSource("tables", Confinement(tmp_path / "none"), "*").check()
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InputError, match=r"driftd\[parquet\]"):
        source.check()

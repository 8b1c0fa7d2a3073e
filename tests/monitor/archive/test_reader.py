"""Readers never write, see one state, and are bounded."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from monitor.archive import positions
from monitor.archive.archive import Archive
from monitor.archive.reader import Reader
from monitor.clock import ManualClock
from monitor.errors import OverloadedError, StorageError
from monitor.record import Position

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection


def _save(archive: Archive, offset: int) -> None:
    position = Position("files", {"offset": offset})
    archive.writer.submit(lambda c: positions.save(c, position, 0)).result(30)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO positions VALUES ('x', '{}', 0)",
        "DELETE FROM journal",
        "CREATE TABLE t (x)",
        "DROP TABLE journal",
    ],
)
def test_writing_through_a_reader_fails(archive: Archive, statement: str) -> None:
    with pytest.raises(StorageError, match="readonly database"):
        archive.reader.run(lambda c: c.execute(text(statement)))


def test_turning_the_pragma_off_does_not_help(archive: Archive) -> None:
    def stubborn(connection: Connection) -> None:
        connection.exec_driver_sql("PRAGMA query_only=OFF")
        connection.exec_driver_sql("DELETE FROM journal")

    with pytest.raises(StorageError, match="readonly database"):
        archive.reader.run(stubborn)


def test_transaction_sees_one_state_and_does_not_block_the_writer(archive: Archive) -> None:
    _save(archive, 1)
    with archive.reader.transaction() as connection:
        before = positions.load_all(connection)
        _save(archive, 2)
        assert positions.load_all(connection) == before
    assert archive.reader.run(positions.load_all) == (Position("files", {"offset": 2}),)


def test_one_reader_too_many_is_told_to_come_back(archive: Archive, url: str) -> None:
    with (
        Reader(url, connections=1, wait_seconds=0.01) as reader,
        reader.transaction(),
        pytest.raises(OverloadedError, match="too many readers"),
    ):
        reader.run(positions.load_all)


def test_closed_archive_can_be_read(url: str, tmp_path: Path) -> None:
    with Archive(url, ManualClock()) as archive:
        _save(archive, 1)
    assert not (tmp_path / "driftd.db-wal").exists()
    with Reader(url) as reader:
        assert len(reader.run(positions.load_all)) == 1


def test_missing_archive_is_not_created(url: str, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="there is no archive"):
        Reader(url)
    assert list(tmp_path.iterdir()) == []


def test_second_daemon_is_refused(archive: Archive, url: str) -> None:
    with pytest.raises(StorageError, match="in use by another driftd"):
        Archive(url, ManualClock())


def test_refused_archive_gives_its_lock_back(url: str, tmp_path: Path) -> None:
    (tmp_path / "driftd.db").write_bytes(b"junk" * 1000)
    for _ in range(2):
        with pytest.raises(StorageError, match="not a database"):
            Archive(url, ManualClock())


def test_archive_of_a_killed_daemon_can_be_read(archive: Archive, tmp_path: Path) -> None:
    _save(archive, 1)
    copy = tmp_path / "copy"
    copy.mkdir()
    # What a crash leaves. Copied by another process: closing the file in this one would drop
    # the locks that SQLite holds on it.
    subprocess.run(["cp", tmp_path / "driftd.db", tmp_path / "driftd.db-wal", copy], check=True)
    assert (copy / "driftd.db-wal").stat().st_size > 0
    with Reader(f"sqlite:///{copy / 'driftd.db'}") as reader:
        assert reader.run(positions.load_all) == (Position("files", {"offset": 1}),)

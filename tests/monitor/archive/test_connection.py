"""The lock, the file, and the pragmas that promise P1 stands on."""

from __future__ import annotations

import multiprocessing
import os
import stat
from typing import TYPE_CHECKING

import pytest

from monitor.archive.connection import (
    ArchiveLock,
    database_path,
    wal_reset_bug,
    write_engine,
)
from monitor.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("version", "affected"),
    [
        ("3.40.1", True),
        ("3.44.5", True),
        ("3.44.6", False),
        ("3.44.9", False),
        ("3.45.0", True),
        ("3.50.6", True),
        ("3.50.7", False),
        ("3.51.0", True),
        ("3.51.2", True),
        ("3.51.3", False),
        ("3.52.0", False),
        ("4.0.0", False),
    ],
)
def test_knows_which_sqlite_has_the_wal_reset_bug(version: str, *, affected: bool) -> None:
    assert wal_reset_bug(version) is affected


def test_writer_waits_for_the_disk(url: str) -> None:
    engine = write_engine(url)
    with engine.begin() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
            for name in ("journal_mode", "synchronous", "page_size", "busy_timeout")
        }
    engine.dispose()
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,
        "page_size": 16_384,
        "busy_timeout": 5000,
    }


def test_file_and_log_are_private(url: str, tmp_path: Path) -> None:
    engine = write_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE t (x)")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    engine.dispose()
    assert modes == {"driftd.db": 0o600, "driftd.db-wal": 0o600, "driftd.db-shm": 0o600}


def test_second_lock_names_the_holder(tmp_path: Path) -> None:
    path = tmp_path / "driftd.db"
    with ArchiveLock(path), pytest.raises(StorageError, match=f"process {os.getpid()}"):
        ArchiveLock(path)
    ArchiveLock(path).release()


def _hold(path: Path, held: multiprocessing.synchronize.Event) -> None:
    ArchiveLock(path)
    held.set()
    multiprocessing.Event().wait(60)


def test_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    path = tmp_path / "driftd.db"
    spawn = multiprocessing.get_context("spawn")
    held = spawn.Event()
    child = spawn.Process(target=_hold, args=(path, held))
    child.start()
    try:
        assert held.wait(30)
        with pytest.raises(StorageError, match=f"process {child.pid}"):
            ArchiveLock(path)
    finally:
        child.kill()
        child.join()
    ArchiveLock(path).release()


def test_lock_in_a_missing_directory_says_so(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="No such file or directory"):
        ArchiveLock(tmp_path / "missing" / "driftd.db")


@pytest.mark.parametrize(
    "url", ["sqlite://", "sqlite:///:memory:", "sqlite:///x.db?mode=memory", "x.db"]
)
def test_refuses_urls_that_name_no_file(url: str) -> None:
    with pytest.raises(StorageError, match=r"archive\.url"):
        database_path(url)


def test_other_databases_have_no_file() -> None:
    assert database_path("postgresql+psycopg://driftd@db/driftd") is None

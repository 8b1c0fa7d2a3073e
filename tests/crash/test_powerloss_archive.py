"""Promise P1: what the archive acknowledged is there after the power failed.

A child appends to a journal on a disk that drops every write that was not fsynced, and is killed
at a random moment. The oracle is outside of it: what the child had printed as acknowledged must be
in the image of the disk, and SQLite must find that image sound. The same oracle has to object when
the archive does not wait for the disk (`synchronous=NORMAL`), or it would prove nothing.
"""

from __future__ import annotations

import random
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from monitor.archive import journal
from monitor.archive.archive import Archive
from monitor.archive.journal import Entry
from monitor.clock import ManualClock
from tests.crash.powerloss_disk import Disk, build_shim

CHILD = Path(__file__).with_name("powerloss_child.py")


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_shim(tmp_path_factory.mktemp("shim"))


@pytest.fixture
def disk(tmp_path: Path, shim: Path) -> Disk:
    return Disk.format(tmp_path / "disk", shim)


def _run_until_power_fails(disk: Disk, synchronous: str, seed: int) -> dict[int, str]:
    """Return what the child had acknowledged (number to SHA-256) when it was killed."""
    rng = random.Random(seed)  # noqa: S311  (a reproducible moment, no secret)
    url = f"sqlite:///{disk.mounted / 'driftd.db'}"
    child = disk.start([str(CHILD), url, synchronous])
    assert child.stdout is not None
    try:
        lines = [child.stdout.readline() for _ in range(rng.randint(1, 400))]
        time.sleep(rng.uniform(0.0, 0.01))
    finally:
        child.kill()
        lines += child.stdout.readlines()
        child.stdout.close()
        child.wait()
    assert child.returncode == -signal.SIGKILL, "the child ended by itself"
    whole = [line.split() for line in lines if line.endswith(b"\n")]
    assert whole, "the child died before it acknowledged anything"
    return {int(number): digest.decode() for number, digest in whole}


def _stored(image: Path) -> dict[int, str]:
    """Return what SQLite alone, without any code of ours, finds in the image."""
    with closing(sqlite3.connect(image / "driftd.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        try:
            rows = connection.execute("SELECT seq, sha256 FROM journal").fetchall()
        except sqlite3.OperationalError:  # not even the table survived
            return {}
    return {seq: digest.hex() for seq, digest in rows}


def _lost(image: Path, acknowledged: dict[int, str]) -> set[int]:
    return {number for number, _ in acknowledged.items() - _stored(image).items()}


@pytest.mark.parametrize("seed", range(10))
def test_nothing_acknowledged_is_lost(disk: Disk, seed: int) -> None:
    acknowledged = _run_until_power_fails(disk, "FULL", seed)
    image = disk.after_power_loss()
    assert _lost(image, acknowledged) == set()
    # The machine comes back: the archive opens, payloads are whole, numbers go on.
    with Archive(f"sqlite:///{image / 'driftd.db'}", ManualClock()) as archive:
        entries = archive.reader.run(lambda c: journal.read(c, 0, 10_000, 1 << 30))
        assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
        after = Entry("control", b"after", 0, 0, 0)
        seq = archive.writer.submit(lambda c: journal.append(c, after)).result(30)
    assert seq == len(entries) + 1 > max(acknowledged)


def test_the_oracle_catches_an_archive_that_does_not_wait(tmp_path: Path, shim: Path) -> None:
    losses = []
    for seed in range(3):
        disk = Disk.format(tmp_path / str(seed), shim)
        acknowledged = _run_until_power_fails(disk, "NORMAL", seed)
        losses.append(len(_lost(disk.after_power_loss(), acknowledged)))
    assert any(losses), "synchronous=NORMAL lost nothing: the power-loss tests prove nothing"


WRITES = """
import os, sys
def write(name, content, sync):
    descriptor = os.open(os.path.join(sys.argv[1], name), os.O_RDWR | os.O_CREAT)
    os.write(descriptor, content)
    if sync:
        os.fsync(descriptor)
    return descriptor
def sync_names():
    os.fsync(os.open(sys.argv[1], os.O_RDONLY))
kept = write("kept", b"synced", True)
write("empty", b"never synced", False)
sync_names()
os.write(kept, b" and a tail that was not")
write("unnamed", b"synced, but its name was not", True)
os.remove(os.path.join(sys.argv[1], "empty"))
elsewhere = write("../elsewhere", b"outside", True)
"""


def test_the_disk_keeps_exactly_what_was_synced(disk: Disk) -> None:
    child = disk.start(["-c", WRITES, str(disk.mounted)])
    child.communicate(timeout=30)
    assert child.returncode == 0
    image = disk.after_power_loss()
    assert {path.name: path.read_bytes() for path in image.iterdir()} == {
        "kept": b"synced",
        "empty": b"",
    }

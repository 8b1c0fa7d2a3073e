"""Promise P1 on the whole daemon: what it answered with 200 is there after the power failed.

The daemon writes to a disk that keeps only what was fsynced (see `test_powerloss_archive.py`, which
also shows that the disk catches an archive that does not wait). Clients send until it is killed;
then a second daemon starts on what the disk has left, and the clients go on with that one.
"""

from __future__ import annotations

import random
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests import shop
from tests.crash.kill_oracle import Journal, check_counts, check_decisions, counts, query
from tests.crash.kill_traffic import Client, Story
from tests.crash.powerloss_disk import Disk, build_shim
from tests.daemon import CONFIG, Daemon, driftd, eventually

if TYPE_CHECKING:
    from pathlib import Path

CLIENTS = 3
PARCELS = 60
SEED = 20_240_305


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk.format(tmp_path / "disk", build_shim(tmp_path))


def revived(disk: Disk, lost: Daemon, baseline: bytes) -> Daemon:
    """A daemon on what is left; configuration and baseline were on another disk."""
    image = disk.after_power_loss()
    (image / CONFIG).write_text(shop.configuration(lost.port))
    (image / shop.BASELINE).write_bytes(baseline)
    return Daemon(image, lost.port)


@pytest.mark.slow
def test_what_was_acknowledged_survives_the_power_failure(disk: Disk, shop_baseline: bytes) -> None:
    rng, story = random.Random(SEED), Story()  # noqa: S311 - reproducible, no secret
    up, over = threading.Event(), threading.Event()
    with ExitStack() as stack:
        daemon = stack.enter_context(shop.place(disk.mounted, shop_baseline))
        daemon.shim = {
            "LD_PRELOAD": str(disk.shim),
            "POWERLOSS_WATCH": str(disk.mounted),
            "POWERLOSS_SHADOW": str(disk.shadow),
        }
        daemon.start()
        clients = [
            Client(f"c{n}", daemon, story, random.Random(rng.random()), up, over)  # noqa: S311
            for n in range(CLIENTS)
        ]
        stack.callback(over.set)
        for client in clients:
            client.start()
        eventually(lambda: sum(len(c.acknowledged) for c in clients) >= PARCELS, "some answers")
        daemon.kill()
        over.set()
        told = {key for client in clients for p in list(client.acknowledged) for key in p.keys}
        after = stack.enter_context(revived(disk, daemon, shop_baseline))
        archive = after.folder / "driftd.db"
        assert query(archive, "PRAGMA integrity_check") == [("ok",)]
        assert told <= set(Journal.read(archive, 60, 10).keys)
        after.start()
        for client in clients:
            client.join(60)
            assert not client.is_alive()
            assert not client.failures
        eventually(after.caught_up, "the engine has caught up")
        assert after.stop() == 0
    journal = Journal.read(archive, 60, 10)
    sent = {key for client in clients for parcel in client.acknowledged for key in parcel.keys}
    assert set(journal.keys) == sent
    assert set(journal.keys.values()) == {1}
    check_counts(counts(archive), journal)
    assert check_decisions(archive, journal) > 0
    assert driftd(after.folder, "replay").returncode == 0

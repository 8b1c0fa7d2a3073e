"""Append to a journal until killed; print `number sha256` of every acknowledged entry.

Usage: powerloss_child.py URL SYNCHRONOUS
"""

from __future__ import annotations

import os
import sys
from collections import deque
from typing import TYPE_CHECKING

from monitor.archive import journal
from monitor.archive.archive import Archive
from monitor.archive.journal import Entry
from monitor.clock import SystemClock

if TYPE_CHECKING:
    from concurrent.futures import Future

IN_FLIGHT = 4
"""So that groups of several units form."""

CHECKPOINT_PAGES = 150
"""Some commits apart: enough to lose without waiting, and the power fails in checkpoints too."""


def _acknowledge(entry: Entry, done: Future[int]) -> None:
    os.write(1, f"{done.result()} {entry.sha256.hex()}\n".encode())


def main(url: str, synchronous: str) -> None:
    """Write for ever."""
    clock = SystemClock()
    archive = Archive(url, clock, synchronous="NORMAL" if synchronous == "NORMAL" else "FULL")
    pragma = f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}"
    archive.writer.submit(lambda c: c.exec_driver_sql(pragma).all()).result()
    flying: deque[Future[int]] = deque()
    number = 0
    while True:
        number += 1
        payload = b"%d " % number * (1 + number * 37 % 2000)
        entry = Entry("records", payload, 1, 0, clock.now(), number.to_bytes(8, "little"))
        future = archive.writer.submit(lambda c, e=entry: journal.append(c, e))
        future.add_done_callback(lambda done, e=entry: _acknowledge(e, done))
        flying.append(future)
        if len(flying) >= IN_FLIGHT:
            flying.popleft().result()


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Promises P1 to P5 on the real daemon: killed at random moments under load, and started again.

Clients send over HTTP, a log file grows beside them, windows close, alerts go out; SIGKILL comes
while it starts, works or stops. What a client was told, what it sent and what a receiver heard is
then held against the archive by an oracle outside of the process.
"""

from __future__ import annotations

import json
import random
import signal
import threading
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import pytest

from tests import shop
from tests.alerts.receiver import SECRET, Receiver, receiving
from tests.crash.kill_oracle import Journal, check_counts, check_decisions, counts, query
from tests.crash.kill_traffic import Client, Log, Story
from tests.daemon import driftd, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.daemon import Daemon

KILLS, MANY_KILLS = 50, 200
CLIENTS = 4
SEED = 20_240_304
LOG = "log"
MORE = """\
sources:
  - {{type: http}}
  - {{type: files, name: log, path: "logs/app*"}}
alerts:
  channels:
    - name: ops
      type: webhook
      url: "{url}"
      secret_file: hook.secret
      allow_http: true
      allow_networks: [127.0.0.0/8]
"""


class Siege:
    """Everything around the daemon under test."""

    def __init__(self, daemon: Daemon, seed: int) -> None:
        self.daemon = daemon
        self.rng = random.Random(seed)  # noqa: S311 - reproducible moments, no secret
        self.up, self.over = threading.Event(), threading.Event()
        story = Story()
        self.clients = [
            Client(f"c{n}", daemon, story, self._child(), self.up, self.over)
            for n in range(CLIENTS)
        ]
        self.log = Log(daemon.folder / "logs", story, self._child(), self.over)

    def _child(self) -> random.Random:
        return random.Random(self.rng.random())  # noqa: S311 - as above

    def begin(self) -> None:
        """Start all who send."""
        for thread in (*self.clients, self.log):
            thread.start()

    def round(self) -> bool:
        """One life of the daemon; whether SIGKILL ended it."""
        process = self.daemon.launch()
        if self.rng.random() < 0.15:
            time.sleep(self.rng.uniform(0, 2))
        else:
            self.daemon.wait_ready()
            self.up.set()
            time.sleep(self.rng.uniform(0, 0.5))
            if self.rng.random() < 0.1:
                with suppress(OSError):
                    self.daemon.ask("POST", "/v1/models/shop/check")
            if self.rng.random() < 0.1:
                process.send_signal(signal.SIGTERM)
                time.sleep(self.rng.uniform(0, 0.4))
        self.up.clear()
        return self.daemon.kill() == -signal.SIGKILL

    def end(self) -> None:
        """Start once more, let everybody finish, stop cleanly."""
        self.daemon.start()
        self.up.set()
        self.over.set()
        for thread in (*self.clients, self.log):
            thread.join(60)
            assert not thread.is_alive(), thread.name
        written = len(self.log.keys) + self.log.bad
        archive = self.daemon.folder / "driftd.db"
        eventually(lambda: counts(archive)[LOG]["received"] >= written, "the log is read")
        eventually(self.daemon.caught_up, "the engine has caught up")
        waiting = "SELECT count(*) FROM outbox WHERE state <> 'delivered'"
        eventually(lambda: query(archive, waiting) == [(0,)], "all messages are delivered")
        assert self.daemon.stop() == 0


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def kills(*, many: bool) -> int:
    return MANY_KILLS if many else KILLS


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_a_daemon_killed_at_random_moments_keeps_its_promises(
    tmp_path: Path, shop_baseline: bytes, receiver: Receiver, kills: int
) -> None:
    more = MORE.format(url=receiver.url())
    daemon = shop.place(tmp_path, shop_baseline, more=more)
    (tmp_path / "hook.secret").write_text(SECRET)
    (tmp_path / "logs").mkdir()
    with ExitStack() as stack:
        stack.enter_context(daemon)
        siege = Siege(daemon, SEED)
        stack.callback(siege.over.set)
        siege.begin()
        while kills:
            kills -= siege.round()
            assert not [client.failures for client in siege.clients if client.failures]
        siege.end()
    _judge(siege, receiver)


def _judge(siege: Siege, receiver: Receiver) -> None:
    """The oracle."""
    folder = siege.daemon.folder
    archive = folder / "driftd.db"
    assert query(archive, "PRAGMA integrity_check") == [("ok",)]
    journal = Journal.read(archive, 60, 10)
    doors = counts(archive)

    acknowledged = {key for client in siege.clients for p in client.acknowledged for key in p.keys}
    written = set(siege.log.keys)
    # Nothing acknowledged is lost (P1), nothing is there twice, nothing was made up.
    assert set(journal.keys) == acknowledged | written
    assert set(journal.keys.values()) == {1}

    check_counts(doors, journal)
    answered = sum(client.answered for client in siege.clients)
    unanswered = sum(client.unanswered for client in siege.clients)
    assert answered <= doors["http"]["received"] <= answered + unanswered
    # A file's position is in the transaction of its records: each line was received once.
    lines = doors[LOG]
    assert lines["accepted"] == len(siege.log.keys)
    assert lines["rejected"] == siege.log.bad
    assert lines["received"] == lines["accepted"] + lines["rejected"]

    made = check_decisions(archive, journal)
    assert made > len(siege.clients)
    replayed = driftd(folder, "replay", "--json")
    assert replayed.returncode == 0, replayed.stdout + replayed.stderr
    again = json.loads(replayed.stdout)
    assert again["identical"]
    assert len(again["decisions"]) == made

    # Each message that a decision put into the outbox got there, under one id and one body (P5).
    stored = dict(query(archive, "SELECT id, body FROM outbox"))
    assert stored
    assert {(got.headers["webhook-id"], got.body) for got in receiver.got} == set(stored.items())

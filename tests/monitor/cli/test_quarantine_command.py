"""`driftd quarantine list|reingest`, the latter against a real daemon in this process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from monitor.app.app import Daemon
from monitor.cli.main import main
from monitor.clock import ManualClock
from monitor.config.load import load
from monitor.decoders.native import NativeLines
from monitor.record import Limits
from tests.daemon import eventually, free_port
from tests.monitor.drivers.setting import CONFIG, LIVE, config_text, place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BAD = [
    b"{no json",
    b'{"model":"shop","id":"late","time":"2030-01-01T00:00:00Z"}',
    b"\xff\x1b[31m",
]


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    """A daemon with three rejected lines; its configuration is in the current directory."""
    text = config_text().replace("port: 0", f"port: {free_port()}")
    place(tmp_path, text)
    monkeypatch.chdir(tmp_path)
    clock = ManualClock(LIVE)
    daemon = Daemon(tmp_path / CONFIG, clock)
    try:
        daemon.start()
        decoded = NativeLines(Limits()).decode(b"\n".join(BAD), LIVE)
        assert daemon._intake.submit(decoded, "http").result(10).rejected == 3
        yield daemon
    finally:
        daemon.stop()


def test_list(daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quarantine", "list"]) == 0
    out, err = capsys.readouterr()
    assert [row.split()[0] for row in out.splitlines()] == ["id", "3", "2", "1"]
    assert "{no json" in out
    assert err == "3 of 3 lines; 0 were dropped to keep the bounds.\n"


def test_list_as_json(daemon: Daemon, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quarantine", "list", "--json", "--limit", "2"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(line["id"], line["line"], line["reason"]) for line in found] == [
        (3, 3, "not_utf8"),
        (2, 2, "time_in_future"),
    ]
    assert main(["quarantine", "list", "--json", "--reason", "not_json"]) == 0
    (line,) = json.loads(capsys.readouterr().out)
    assert (line["payload"], line["source"]) == ("{no json", "http")


def test_a_line_whose_reason_is_gone_is_accepted(
    daemon: Daemon, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = daemon._clock
    assert isinstance(clock, ManualClock)
    clock.advance(10 * 365 * 86_400)
    eventually(lambda: daemon._driver.alive, "it runs")
    assert main(["quarantine", "reingest", "2"]) == 0
    assert capsys.readouterr() == ("", "1 of 1 lines were accepted.\n")
    assert main(["quarantine", "reingest", "--all"]) == 0
    out, err = capsys.readouterr()
    assert err == "0 of 2 lines were accepted.\n"
    assert sorted(line.split(":")[0] for line in out.splitlines()) == ["not_json", "not_utf8"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "name the lines to send again, or --all of them"),
        (["1", "--all"], "name the lines to send again, or --all of them"),
        (["999"], "404"),
        (["x"], "is not a valid integer"),
    ],
)
def test_a_wrong_call(
    daemon: Daemon, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["quarantine", "reingest", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_without_a_daemon_it_says_where_it_looked(
    daemon: Daemon, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.stop()
    port = load(daemon._path).server.port
    assert main(["quarantine", "reingest", "1"]) == 2
    assert f"no driftd answers at http://127.0.0.1:{port}/" in capsys.readouterr().err
    assert main(["quarantine", "list"]) == 0

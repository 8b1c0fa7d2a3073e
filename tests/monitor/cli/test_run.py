"""`driftd run` as a process: its address, its signals, its exit codes."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from monitor.cli import run
from tests.daemon import PROGRAM, Daemon, driftd, environment, eventually, free_port
from tests.monitor.drivers.setting import CONFIG, config_text, place

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    port = free_port()
    place(tmp_path, config_text().replace("port: 0", f"port: {port}"))
    with Daemon(tmp_path, port) as started:
        yield started


def test_it_reloads_on_hup_and_stops_on_term(daemon: Daemon) -> None:
    daemon.start()
    (daemon.folder / CONFIG).write_text("models: []")
    daemon.reload()
    eventually(lambda: "was not reloaded" in daemon.log, "the bad file is refused")
    assert daemon.ask("GET", "/readyz").status == 200
    text = config_text(min_records=30).replace("port: 0", f"port: {daemon.port}")
    (daemon.folder / CONFIG).write_text(text)
    daemon.reload()
    eventually(lambda: '"reloaded"' in daemon.log, "the good one is taken")
    assert daemon.stop() == 0


def test_it_says_where_it_listens(tmp_path: Path) -> None:
    place(tmp_path)
    process = subprocess.Popen(
        [sys.executable, *PROGRAM, "run"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate()


def test_what_cannot_run_is_2_and_one_sentence(tmp_path: Path) -> None:
    done = driftd(tmp_path, "run")
    assert (done.returncode, done.stdout) == (2, "")
    assert "driftd.yaml" in done.stderr
    assert "Traceback" not in done.stderr


class Broken:
    """A daemon whose reload meets something that nobody thought of."""

    def reload(self) -> None:
        raise ZeroDivisionError("oops")


def test_a_reload_that_fails_in_any_way_does_not_stop_the_daemon(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run._reload(Broken())  # type: ignore[arg-type]
    assert "the configuration was not reloaded:\noops" in capsys.readouterr().err

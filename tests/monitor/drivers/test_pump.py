"""From a real file into a real journal: exactly once, whatever fails between the two."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from monitor.archive import positions
from monitor.clock import ManualClock
from monitor.decoders.native import NativeLines
from monitor.drivers import pump as module
from monitor.drivers.pump import Pump
from monitor.errors import InputError, OverloadedError
from monitor.sources.confinement import Confinement
from monitor.sources.files import FilesSource
from tests.daemon import eventually
from tests.monitor.intake.gate import NOW, gate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.monitor.intake.gate import Gate


class Log:
    """A growing file, and a pump that reads it."""

    def __init__(self, folder: Path, gate: Gate) -> None:
        self.path = folder / "a.ndjson"
        self.path.touch()
        self.folder, self.gate = folder, gate
        self.pump = self.restarted()

    def restarted(self) -> Pump:
        """A pump as after a restart of the process."""
        source = FilesSource("log", Confinement(self.folder), "*.ndjson")
        reader = self.gate.archive.reader
        self.pump = Pump(source, NativeLines(), self.gate.intake, reader, ManualClock(NOW))
        return self.pump

    def write(self, *ids: str) -> None:
        with self.path.open("a") as file:
            file.writelines(json.dumps({"model": "m", "id": name}) + "\n" for name in ids)

    def drain(self) -> None:
        """Open at the saved position and read to the end."""
        self.pump._open()
        try:
            while self.pump.run_once():
                pass
        finally:
            self.pump._source.close()


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    (tmp_path / "logs").mkdir()
    with gate(tmp_path) as opened:
        yield Log(tmp_path / "logs", opened)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors and idleness wait for no time worth mentioning."""
    monkeypatch.setattr(module, "ERROR_SECONDS", 0.01)
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.01)


def test_what_is_in_the_file_comes_in_once(log: Log) -> None:
    log.write("a", "b")
    log.drain()
    log.write("c")
    log.drain()
    log.restarted()
    log.drain()
    assert log.gate.ids() == ["a", "b", "c"]
    assert log.gate.doors() == {"received": 3, "accepted": 3}
    assert log.gate.position("log") is not None


def test_bad_lines_go_to_the_quarantine_with_their_number(log: Log) -> None:
    log.write("a")
    with log.path.open("ab") as file:
        file.write(b"{bad\n\n\xff\n")
    log.write("b")
    log.drain()
    assert log.gate.ids() == ["a", "b"]
    kept = {line.payload: (line.source, line.reason) for line in log.gate.kept()}
    assert kept == {b"{bad": ("log", "not_json"), b"\xff": ("log", "not_utf8")}
    assert log.gate.doors() == {"received": 4, "accepted": 2, "rejected": 2}


class Crash(Exception):  # noqa: N818 - it stands for SIGKILL
    """The process ends here."""


@pytest.mark.parametrize("after", [False, True])
def test_after_a_failed_commit_it_reads_the_same_again(
    log: Log, monkeypatch: pytest.MonkeyPatch, *, after: bool
) -> None:
    log.write("a")
    log.drain()
    log.write("b", "c")
    real = positions.save

    def dying(*arguments: Any) -> None:
        if after:
            real(*arguments)
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(positions, "save", dying)
        with pytest.raises(Crash):
            log.drain()
    assert log.gate.ids() == ["a"]
    log.drain()
    assert log.gate.ids() == ["a", "b", "c"]
    assert log.gate.doors() == {"received": 3, "accepted": 3}


def test_a_full_queue_is_waited_for(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    refusals = [OverloadedError("busy", 0.001)] * 3
    real = log.gate.intake.submit

    def submit(*arguments: Any, **more: Any) -> Any:
        if refusals:
            raise refusals.pop()
        return real(*arguments, **more)

    monkeypatch.setattr(log.gate.intake, "submit", submit)
    log.write("a")
    log.drain()
    assert (log.gate.ids(), refusals, log.pump.state.deliveries) == (["a"], [], 1)


def test_stopping_while_the_queue_is_full_loses_nothing(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    def submit(*_: Any, **__: Any) -> None:
        log.pump._stop.set()
        raise OverloadedError("busy", 60)

    log.write("a")
    with monkeypatch.context() as patch:
        patch.setattr(log.gate.intake, "submit", submit)
        log.drain()
    assert log.gate.position("log") is None
    log.restarted()
    log.drain()
    assert log.gate.ids() == ["a"]


@pytest.mark.usefixtures("impatient")
def test_the_thread_goes_on_after_any_error(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    errors: list[Exception] = [InputError("gone"), OSError("disk"), KeyError("x")]
    said: list[str] = []
    real = log.pump._source.read

    def read(most: int) -> Any:
        if errors:
            raise errors.pop()
        return real(most)

    complain = log.pump._complain

    def listen(error: Exception) -> None:
        complain(error)
        said.append(log.pump.state.failing)

    monkeypatch.setattr(log.pump._source, "read", read)
    monkeypatch.setattr(log.pump, "_complain", listen)
    log.write("a")
    log.pump.start()
    try:
        eventually(lambda: log.gate.ids() == ["a"], "it reads on", 10, 0.01)
        log.write("b")
        eventually(lambda: log.gate.ids() == ["a", "b"], "and on", 10, 0.01)
    finally:
        log.pump.stop()
    assert said == ["KeyError: 'x'", "OSError: disk", "InputError: gone"]
    assert log.pump.state.failing == ""
    log.pump.stop()


def test_stop_before_start_is_harmless(log: Log) -> None:
    log.pump.stop()
    assert log.pump.name == "log"

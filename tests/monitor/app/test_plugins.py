"""A daemon whose windows are judged elsewhere: the worker's word becomes a finding, and replays."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from monitor.app.app import Daemon
from monitor.app.models import ArchiveResolver
from monitor.app.plugins import workers_of
from monitor.archive import decisions
from monitor.archive.archive import Archive
from monitor.clock import ManualClock
from monitor.config.load import load
from monitor.drivers.replay import replay
from monitor.errors import ConfigError
from tests import shop as lines
from tests.daemon import eventually
from tests.monitor.drivers.setting import CONFIG, EVERY, LIVE, config_text, place

if TYPE_CHECKING:
    from pathlib import Path

ALIBI = os.environ.get("DRIFTD_ALIBI_PYTHON", "")
PER_WINDOW = 80
AUTO = "{name: moments}, {name: correlation}, {name: embedding}"
LSDD = "{name: alibi_lsdd, columns: [amount]}"

pytest.importorskip("pyarrow")


def configured(folder: Path, python: str, detector: str = LSDD) -> None:
    more = f"plugins:\n  alibi_detect: {{python: {python}, timeout: 30s, memory: 4GiB}}\n"
    place(folder, config_text(model=f"    detectors: [{AUTO}, {detector}]\n", more=more))


def records(first: int, windows: int, shift: float = 0.0) -> bytes:
    """Records of some windows, and one behind them."""
    found = []
    for number in range(windows * PER_WINDOW + 1):
        place_ = first * PER_WINDOW + number
        time = lines.START + 40 * lines.EVERY + place_ * (lines.EVERY / PER_WINDOW)
        record = lines.record(place_, time)
        record["features"]["amount"] += shift
        found.append(record)
    return lines.lines(found)


def judged(folder: Path, shift: float) -> list[dict[str, Any]]:
    """What workers said, as the daemon's decisions tell it."""
    clock = ManualClock(LIVE + 90 * EVERY)
    daemon = Daemon(folder / CONFIG, clock)
    try:
        daemon.start()
        for step in range(4):
            _send(daemon, records(step, 1, shift))
            eventually(lambda: daemon._plugins.wait_idle(60), "windows are judged", 120)
    finally:
        daemon.stop()
    return [
        finding
        for body in bodies(folder)
        for finding in body["findings"]
        if finding["kind"] == "external"
    ]


def _send(daemon: Daemon, payload: bytes) -> None:
    import http.client  # noqa: PLC0415 - beside its only use

    link = http.client.HTTPConnection(daemon.address.removeprefix("http://"), timeout=30)
    link.request("POST", "/v1/records", payload, {"content-type": "application/x-ndjson"})
    answer = link.getresponse()
    assert answer.status == 200, answer.read()
    answer.read()
    link.close()
    last = daemon._archive.reader.run(_last)
    assert daemon._driver.wait_for(last, 60)


def _last(link: Any) -> int:
    from monitor.archive import journal  # noqa: PLC0415 - beside its only use

    return int(journal.last_seq(link))


def rows(archive: Archive) -> list[Any]:
    query = decisions.Query()
    found = archive.reader.run(lambda link: decisions.following(link, query, 0, decisions.MAX_PAGE))
    return list(found)


def bodies(folder: Path) -> list[dict[str, Any]]:
    config = load(folder / CONFIG)
    with Archive(config.archive.url, ManualClock(LIVE)) as archive:
        made = rows(archive)
        again = replay(archive.reader, ArchiveResolver(archive.reader), tuple(made))
        assert again.identical
        return [json.loads(row.body) for row in made]


def test_a_worker_that_cannot_work_is_a_finding_and_replays(tmp_path: Path) -> None:
    # This Python has no alibi-detect: its worker ends as it starts.
    configured(tmp_path, sys.executable)
    found = judged(tmp_path, 0.0)
    assert found
    assert {finding["severity"] for finding in found} == {"warning"}
    assert found[0]["measure"] == "alibi_lsdd"
    assert "could not judge the window from" in found[0]["text"]
    assert "it ended with status 1: importlib.metadata.PackageNotFoundError" in found[0]["text"]
    assert any("it is started again in" in finding["text"] for finding in found[1:])


@pytest.mark.slow
@pytest.mark.skipif(not ALIBI, reason="no alibi-detect: run `make plugins`")
def test_the_real_one_finds_a_shift_and_replays(tmp_path: Path) -> None:
    configured(tmp_path, ALIBI)
    found = judged(tmp_path, 30.0)
    assert found
    assert "differs from the baseline (p = 0, level 0.001)" in found[0]["text"]
    assert found[0]["effect"] > 0


def test_a_detector_without_its_plug_in_is_refused(tmp_path: Path) -> None:
    text = config_text(model=f"    detectors: [{LSDD}]\n")
    with pytest.raises(ConfigError, match=r"set plugins\.alibi_detect\.python"):
        place(tmp_path, text)


def test_limits_and_program_come_from_the_configuration(tmp_path: Path) -> None:
    configured(tmp_path, "venv/bin/python")
    config = load(tmp_path / CONFIG)
    worker = workers_of(config.plugins, ManualClock())["alibi_detect"]
    assert worker._limits.request == 30.0
    assert worker._limits.memory == 4 << 30
    assert worker._command[0] == str(tmp_path / "venv/bin/python")
    assert worker._command[-1].endswith("monitor/plugins/worker/alibi.py")
    assert config.models[0].detectors[-1].name == "alibi_lsdd"

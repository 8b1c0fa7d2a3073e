"""The whole daemon inside the test process: real HTTP, real archive, port 0."""

from __future__ import annotations

import http.client
import json
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitor.app.app import Daemon
from monitor.app.settings import Routes
from monitor.archive import baselines as stored
from monitor.clock import ManualClock, SystemClock
from monitor.config.load import load
from monitor.errors import ConfigError, InputError, StorageError
from tests import shop as lines
from tests.daemon import eventually
from tests.monitor.drivers.setting import (
    BASELINE,
    CONFIG,
    EVERY,
    LIVE,
    MODEL,
    config_text,
    learned,
    place,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NDJSON = "application/x-ndjson"


@dataclass
class Running:
    """A daemon and a way to ask it."""

    daemon: Daemon
    clock: ManualClock

    def ask(self, method: str, path: str, body: bytes | None = None, kind: str = NDJSON) -> Any:
        """Status, and JSON or text."""
        host = self.daemon.address.removeprefix("http://")
        link = http.client.HTTPConnection(host, timeout=10)
        try:
            link.request(method, path, body, {"content-type": kind})
            answer = link.getresponse()
            text = answer.read().decode()
            is_json = "json" in (answer.getheader("content-type") or "")
            return answer.status, json.loads(text) if is_json and text else text
        finally:
            link.close()

    def get(self, path: str) -> Any:
        """The answer of a 200."""
        status, answer = self.ask("GET", path)
        assert status == 200, answer
        return answer

    def send(self, payload: bytes) -> Any:
        """The receipt."""
        status, answer = self.ask("POST", "/v1/records", payload)
        assert status == 200, answer
        return answer

    def caught_up(self) -> bool:
        """Whether all records are in windows."""
        return bool(self.get("/v1/status")["lag_records"] == 0)


@contextmanager
def running(folder: Path) -> Iterator[Running]:
    """A started daemon; its clock stands an hour after the baseline's end."""
    clock = ManualClock(LIVE + 60 * EVERY)
    daemon = Daemon(folder / CONFIG, clock)
    try:
        daemon.start()
        up = Running(daemon, clock)
        eventually(lambda: bool(up.get("/v1/status")["config"]), "it is configured", 20, 0.01)
        yield up
    finally:
        daemon.stop()


def shop_lines(windows: int, per_window: int = 40) -> bytes:
    """Records of `windows` windows after the baseline, and one behind them."""
    found = []
    for number in range(windows * per_window + 1):
        time = lines.START + (40 * lines.EVERY) + number * (lines.EVERY / per_window)
        found.append(lines.record(number, time))
    return lines.lines(found)


def test_records_come_in_and_a_decision_comes_out(folder: Path) -> None:
    with running(folder) as up:
        assert up.ask("GET", "/readyz")[0] == 200
        receipt = up.send(shop_lines(3) + b"not json\n" + b'{"model":"other"}\n')
        assert (receipt["received"], receipt["accepted"], receipt["rejected"]) == (123, 121, 2)
        assert up.send(shop_lines(3))["duplicate"] == 121
        eventually(up.caught_up, "the engine caught up", 20, 0.02)
        page = up.get(f"/v1/decisions?model={MODEL}")
        whole = [item for item in page["items"] if not item["segment"]]
        assert [item["records"] for item in whole] == [40, 40]
        doors = up.get("/v1/status")["doors"]
        assert doors["received"] == sum(n for name, n in doors.items() if name != "received") == 244
        up.clock.advance(120)
        status, made = up.ask("POST", f"/v1/models/{MODEL}/check", b"", "application/json")
        assert (status, sum(one["records"] for one in made if not one["segment"])) == (200, 41)


def test_after_a_restart_everything_is_as_it_was(folder: Path) -> None:
    with running(folder) as up:
        up.send(shop_lines(2))
        eventually(up.caught_up, "the engine caught up", 20, 0.02)
        before = up.get("/v1/decisions")["items"]
    with running(folder) as up:
        assert up.get("/v1/decisions")["items"] == before
        assert up.send(shop_lines(3))["duplicate"] == 81
        eventually(up.caught_up, "the engine caught up", 20, 0.02)
        found = up.get("/v1/decisions")["items"]
        assert [one["records"] for one in found if not one["segment"]] == [40, 40]
        assert found[-len(before) :] == before


def test_metrics_parse(folder: Path) -> None:
    with running(folder) as up:
        up.send(shop_lines(2) + b"x\n")
        eventually(up.caught_up, "the engine caught up", 20, 0.02)
        families = {f.name: f for f in text_string_to_metric_families(up.get("/metrics"))}
        records = {
            (s.labels["model"], s.labels["outcome"]): s.value
            for s in families["driftd_records"].samples
            if s.value
        }
        assert records == {(MODEL, "accepted"): 81, ("", "rejected"): 1}
        statuses = families["driftd_drift_status"].samples
        assert {s.labels["column"] for s in statuses} == {"amount", "age", "country", "note"}


def test_stop_is_harmless_when_called_twice_or_before_start(folder: Path) -> None:
    daemon = Daemon(folder / CONFIG, SystemClock())
    daemon.stop()
    daemon.stop()
    with running(folder) as up:
        up.daemon.stop()


def test_one_archive_has_one_daemon(folder: Path) -> None:
    with running(folder), pytest.raises(StorageError, match=r"driftd\.db"):
        Daemon(folder / CONFIG, SystemClock())


@pytest.mark.parametrize(
    ("damage", "error", "said"),
    [
        (lambda folder: (folder / CONFIG).unlink(), ConfigError, "cannot be read"),
        (lambda folder: (folder / BASELINE).unlink(), InputError, "shop.baseline"),
        (lambda folder: (folder / BASELINE).write_bytes(b"DRIFTDB2x"), StorageError, "damaged"),
        (
            lambda folder: (folder / CONFIG).write_text("models: []"),
            ConfigError,
            "nothing to watch",
        ),
    ],
)
def test_what_cannot_be_built_says_why_and_holds_nothing(
    folder: Path, damage: Any, error: type[Exception], said: str
) -> None:
    damage(folder)
    with pytest.raises(error, match=re.escape(said)):
        Daemon(folder / CONFIG, SystemClock())
    place(folder)
    Daemon(folder / CONFIG, SystemClock()).stop()


def test_a_reload_takes_all_over(folder: Path) -> None:
    with running(folder) as up:
        before = up.get("/v1/status")
        (folder / BASELINE).write_bytes(learned(segments=("region", "country")).to_bytes())
        more = "    sampling: {rate: 1e-9}\nbudget: {false_alarms: 7, per_days: 70}\n"
        text = config_text(segments="[region, country]", min_records=30, model=more)
        (folder / CONFIG).write_text(text)
        assert up.ask("POST", "/-/reload", b"")[0] in {200, 204}
        eventually(lambda: up.get("/v1/status")["config"] != before["config"], "it is taken", 10)
        after = up.get("/v1/status")
        assert "7 false alarms per 70 days" in after["budget"]
        assert up.send(shop_lines(1))["sampled_out"] == 41
        detail = up.get(f"/v1/models/{MODEL}")
        assert "country=de" in detail["model"]["segments"]
        assert "driftd_config_last_reload_successful 1.0" in up.get("/metrics")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("models: []", "nothing to watch"),
        (config_text(window="{every: 61s, lateness: 1s}"), "other windows"),
        (config_text(more="limits: {depth: 5}\n"), "limits: changed; restart driftd"),
        (config_text(more="sources: [{type: files, path: '*.x'}]\n"), "sources: changed"),
    ],
)
def test_a_reload_that_is_refused_changes_nothing(folder: Path, text: str, said: str) -> None:
    with running(folder) as up:
        before = up.get("/v1/status")["config"]
        old = up.daemon.config
        (folder / CONFIG).write_text(text)
        status, problem = up.ask("POST", "/-/reload", b"")
        assert status >= 400
        assert said in json.dumps(problem)
        with pytest.raises(ConfigError, match=re.escape(said)):
            up.daemon.reload()
        assert (up.daemon.config, up.get("/v1/status")["config"]) == (old, before)
        assert "driftd_config_last_reload_successful 0.0" in up.get("/metrics")
        assert up.send(shop_lines(1))["accepted"] == 41


def test_a_reload_with_the_same_file_changes_nothing(folder: Path) -> None:
    with running(folder) as up:
        before = up.get("/v1/status")["config"]
        up.daemon.reload()
        assert up.get("/v1/status")["config"] == before
        active = up.daemon._archive.reader.run(stored.active)
        assert active == {MODEL: learned().id}


def test_files_are_followed_and_bad_lines_kept(folder: Path) -> None:
    (folder / "logs").mkdir()
    more = "sources: [{type: files, path: 'logs/*.ndjson', format: native}]\n"
    place(folder, config_text(more=more))
    (folder / "logs" / "a.ndjson").write_bytes(shop_lines(1) + b"{bad\n")
    with running(folder) as up:
        read = lambda: bool(up.get("/v1/status")["doors"]["received"] == 42)  # noqa: E731
        eventually(read, "the file is read", 20, 0.02)
        (bad,) = up.get("/v1/quarantine")["items"]
        assert (bad["preview"], bad["line"], bad["reason"]) == ("{bad", 42, "not_json")
        payload = json.dumps({"ids": [bad["entry_id"]]}).encode()
        status, receipt = up.ask("POST", "/v1/quarantine/reingest", payload, "application/json")
        assert (status, receipt["rejected"]) == (200, 1)
        assert len(up.get("/v1/quarantine")["items"]) == 1


@pytest.mark.parametrize(
    ("routes", "severity", "names"),
    [
        ("", "warning", ["ops", "dev"]),
        ("[{channels: [dev]}]", "warning", ["dev"]),
        ("[{match: {severity: critical}, channels: [dev]}]", "warning", []),
        ("[{match: {severity: critical}, channels: [dev, ops]}]", "critical", ["dev", "ops"]),
        ("[{match: {model: shop}, channels: [dev]}, {channels: [ops, dev]}]", "x", ["dev", "ops"]),
    ],
)
def test_routes(folder: Path, routes: str, severity: str, names: list[str]) -> None:
    (folder / "secret").write_text("whsec_" + "A" * 43 + "=\n")
    (folder / "secret").chmod(0o600)
    hook = "{name: %s, type: webhook, url: 'https://example.org/x', secret_file: secret}"
    more = f"alerts:\n  channels: [{hook % 'ops'}, {hook % 'dev'}]\n"
    more += f"  routes: {routes}\n" if routes else ""
    config = place(folder, config_text(more=more))
    assert list(Routes(config).channels(MODEL, severity)) == names


def test_the_configuration_is_read_from_the_given_file(folder: Path) -> None:
    with running(folder) as up:
        assert up.daemon.config == load(folder / CONFIG)

"""What `driftd run` does with a configuration: says what is wrong, and reloads all or nothing."""

from __future__ import annotations

import re
import signal
from http import HTTPStatus
from typing import TYPE_CHECKING

import pytest

from tests import shop
from tests.daemon import CONFIG, NDJSON, Daemon, driftd, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "0123456789abcdef0123456789abcdef"  # noqa: S105 - a token of a test
RELOADED = "driftd_config_last_reload_successful"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory, shop_baseline: bytes) -> Iterator[Daemon]:
    with shop.place(tmp_path_factory.mktemp("configured"), shop_baseline) as running:
        yield running.start()


def metric(daemon: Daemon, name: str) -> float:
    """The value of a metric without labels."""
    text = daemon.ask("GET", "/metrics").text
    found = re.search(rf"^{name} (\S+)$", text, re.MULTILINE)
    assert found, name
    return float(found[1])


def test_a_typo_is_named_with_its_line_and_what_was_meant(
    tmp_path: Path, shop_baseline: bytes
) -> None:
    shop.place(tmp_path, shop_baseline, window="{evry: 60s, lateness: 10s}", more="budgett: {}\n")
    done = driftd(tmp_path, "run")
    assert done.returncode == 2
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert "driftd.yaml:6: models[0].window.evry: unknown key, did you mean 'every'?" in lines
    assert "driftd.yaml:9: budgett: unknown key, did you mean 'budget'?" in lines
    assert lines[-1].startswith("driftd: ")
    assert not (tmp_path / "driftd.db").exists()


def test_a_missing_baseline_is_one_sentence(tmp_path: Path, shop_baseline: bytes) -> None:
    shop.place(tmp_path, shop_baseline)
    (tmp_path / shop.BASELINE).unlink()
    done = driftd(tmp_path, "run")
    assert done.returncode == 2
    assert shop.BASELINE in done.stderr
    assert "Traceback" not in done.stderr


def test_a_baseline_of_other_windows_is_refused(tmp_path: Path, shop_baseline: bytes) -> None:
    shop.place(tmp_path, shop_baseline, window="{every: 1h}")
    done = driftd(tmp_path, "run")
    assert done.returncode == 2
    assert "driftd baseline build shop ROWS" in done.stderr


def test_others_reach_the_daemon_with_a_token_only(tmp_path: Path, shop_baseline: bytes) -> None:
    daemon = shop.place(tmp_path, shop_baseline, server=", host: 0.0.0.0")
    refused = driftd(tmp_path, "run")
    assert refused.returncode == 2
    assert refused.stderr.startswith("driftd.yaml:1: server.host: 0.0.0.0 can be reached from")

    (tmp_path / "tokens").write_text(TOKEN)
    text = shop.configuration(daemon.port, server=", host: 0.0.0.0, token_file: tokens")
    (tmp_path / CONFIG).write_text(text)
    record = shop.lines(shop.stream(0, 1))
    with daemon:
        daemon.start()
        kind = {"content-type": NDJSON}
        for shown in ({}, {"authorization": "Bearer " + TOKEN[::-1]}):
            answer = daemon.ask("POST", "/v1/records", record, kind | shown)
            assert answer.status == HTTPStatus.UNAUTHORIZED
            assert daemon.ask("GET", "/v1/status", headers=shown).status == HTTPStatus.UNAUTHORIZED
            assert daemon.ask("GET", "/metrics", headers=shown).status == HTTPStatus.UNAUTHORIZED
        right = kind | {"authorization": "Bearer " + TOKEN}
        assert daemon.ask("POST", "/v1/records", record, right).json()["accepted"] == 1
        # The token never gets into the log.
        assert TOKEN not in daemon.log


def test_a_second_daemon_on_the_archive_refuses(daemon: Daemon, shop_baseline: bytes) -> None:
    assert daemon.process is not None
    done = driftd(daemon.folder, "run")
    assert done.returncode == 2
    assert f"in use by another driftd (process {daemon.process.pid})" in done.stderr
    assert daemon.send(shop.lines(shop.stream(0, 1)))["received"] == 1


def test_a_port_that_is_taken_is_named(
    daemon: Daemon, tmp_path: Path, shop_baseline: bytes
) -> None:
    other = shop.place(tmp_path, shop_baseline)
    (tmp_path / CONFIG).write_text(shop.configuration(daemon.port))
    done = driftd(other.folder, "run")
    assert done.returncode == 2
    assert f"127.0.0.1:{daemon.port}: cannot listen" in done.stderr


def test_a_reload_takes_all_or_nothing(daemon: Daemon) -> None:
    file = daemon.folder / CONFIG
    right = file.read_text()
    unknown = shop.lines([{**shop.record(1, shop.LIVE), "model": "elsewhere"}])
    before = daemon.get("/v1/status")["config"]

    file.write_text(right.replace("every:", "evry:"))
    daemon.reload()
    eventually(lambda: metric(daemon, RELOADED) == 0, "the reload failed")
    assert "did you mean 'every'?" in daemon.log
    refused = daemon.ask("POST", "/-/reload")
    assert refused.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "did you mean 'every'?" in refused.text
    assert daemon.get("/v1/status")["config"] == before
    assert daemon.send(shop.lines(shop.stream(100, 1)))["accepted"] == 1

    # What is bound to the process is not taken over half.
    file.write_text(right.replace("driftd.db", "other.db") + "budget: {false_alarms: 2}\n")
    refused = daemon.ask("POST", "/-/reload")
    assert refused.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "archive: changed; restart driftd" in refused.text
    assert daemon.get("/v1/status")["config"] == before

    assert daemon.send(unknown)["rejected"] == 1
    file.write_text(right + "budget: {false_alarms: 2}\n")
    daemon.reload()
    eventually(lambda: metric(daemon, RELOADED) == 1, "the reload worked")
    eventually(lambda: daemon.get("/v1/status")["config"] != before, "the budget is in force")


def test_signals_stop_it_cleanly(tmp_path: Path, shop_baseline: bytes) -> None:
    with shop.place(tmp_path, shop_baseline) as daemon:
        for number in (signal.SIGTERM, signal.SIGINT):
            daemon.start()
            assert daemon.process is not None
            daemon.process.send_signal(number)
            assert daemon.ended() == 0

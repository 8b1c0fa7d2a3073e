"""`driftd backtest`: files and journal, built and learned baselines, people and machines."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from monitor.cli.backtest import _grouped
from monitor.cli.main import main
from monitor.drivers.backtest import Fired
from tests import shop
from tests.monitor.drivers import setting

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = f"""\
models:
  - name: {shop.MODEL}
    baseline: shop.baseline
    window: {{every: 60s, lateness: 10s}}
    min_records: 50
"""
WHOLE = 120


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory: a log of two hours, shifted in its last quarter."""
    per, start = 100, shop.START
    rows = [
        shop.record(n, start + n * shop.EVERY / per, shift=1.5 if n >= 90 * per else 0.0)
        for n in range(WHOLE * per)
    ]
    (tmp_path / "log.ndjson").write_bytes(shop.lines(rows))
    (tmp_path / "driftd.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main(["backtest", "--json", *arguments]) == 0
    return json.loads(capsys.readouterr().out)


def test_the_first_part_teaches_and_the_rest_is_judged(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    days = str(60 / 1440)
    found = told(capsys, "log.ndjson", "--baseline-days", days)
    assert found["records"] == 6_000
    assert found["from"] == "2024-03-04T01:00:00Z"
    assert found["to"] == "2024-03-04T02:00:00Z"
    fired = [alert for alert in found["alerts"] if alert["column"] == "amount"]
    assert [alert["since"] for alert in fired] == ["2024-03-04T01:30:00Z"]
    assert fired[0]["windows"] <= 2
    assert found["expected_false_alarms"] == pytest.approx(1 / 720, rel=0.01)
    assert found["shares"]["columns"] > 0.5
    assert main(["backtest", "log.ndjson", "--baseline-days", days]) == 0
    out = capsys.readouterr().out
    assert "6,000 records in 0 days, 2024-03-04 01:00 UTC to 2024-03-04 02:00 UTC." in out
    assert "Baseline of shop: 6,000 records in 60 windows; false alarms within the budget" in out
    assert "amount rose" in out
    assert "would have been seen" in out
    assert "Often near the line or over it: amount" in out


def test_a_built_baseline_judges_the_whole_log(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (folder / "log.ndjson").read_bytes().splitlines(keepends=True)
    (folder / "history.ndjson").write_bytes(b"".join(lines[:6_000]))
    assert main(["baseline", "build", shop.MODEL, "history.ndjson"]) == 0
    capsys.readouterr()
    found = told(capsys, "log.ndjson")
    assert found["records"] == 12_000
    (stream,) = found["streams"]
    assert sum(stream["verdicts"].values()) == WHOLE
    assert stream["columns"]["amount"]["over"] >= 1
    assert stream["stage"] == "armed"


def test_the_journal_of_an_archive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    setting.filled(tmp_path / "live")
    monkeypatch.chdir(tmp_path / "live")
    found = told(capsys)
    assert found["records"] == 800
    assert "amount" in {alert["column"] for alert in found["alerts"]}
    part = told(capsys, "--to", "2024-03-04T00:42:00Z")
    assert part["records"] == 200
    assert part["alerts"] == []


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["log.ndjson", "--from", "2024-01-01"], "leave LOGS out"),
        (["log.ndjson", "--model", "other"], "there is no model 'other'"),
        (["log.ndjson"], "shop.baseline"),
        ([], "there is no archive"),
    ],
)
def test_wrong_calls(
    folder: Path, arguments: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["backtest", *arguments]) == 2
    assert text in capsys.readouterr().err


def test_logs_of_other_models(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (folder / "driftd.yaml").read_text().replace(f"name: {shop.MODEL}", "name: other")
    (folder / "driftd.yaml").write_text(text)
    assert main(["backtest", "log.ndjson", "--baseline-days", "1"]) == 2
    assert "no records of a model in the configuration" in capsys.readouterr().err


def test_a_model_that_learns_is_tested_after_what_it_learned(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (folder / "driftd.yaml").read_text().replace("shop.baseline", "{learn: 60m}")
    (folder / "driftd.yaml").write_text(text)
    found = told(capsys, "log.ndjson")
    assert found["from"] == "2024-03-04T01:00:00Z"
    assert found["records"] == 6_000


def test_a_rule_that_fires_again_and_again_is_told_once() -> None:
    one = Fired("m", "", "x", "unseen", "warning", 1, 2, None, 1, "new values")
    drift = replace(one, kind="drift")
    shown, times = _grouped(
        [one, drift, replace(one, fired=5, resolved=7), replace(drift, fired=6)]
    )
    assert [(alert.kind, alert.resolved) for alert in shown] == [
        ("unseen", 7), ("drift", 2), ("drift", 2)
    ]  # fmt: skip
    assert times == [2, 1, 1]

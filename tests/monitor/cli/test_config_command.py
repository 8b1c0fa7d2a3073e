"""`driftd config check|show|schema`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from monitor.cli.main import main
from monitor.config.describe import json_schema
from monitor.config.load import load
from tests.monitor.drivers import setting

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """
models:
  - {name: flights, baseline: flights.parquet, window: {records: 5000}}
alerts:
  channels: [{name: ops, type: webhook, url: "https://x.org/token", secret_file: ops.secret}]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "driftd.yaml"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_check_says_ok_and_what_the_budget_means(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (path.parent / "flights.parquet").touch()
    (path.parent / "ops.secret").write_text("whsec_" + "A" * 43 + "=\n")
    assert main(["config", "check", "-c", str(path)]) == 0
    first, second, third = capsys.readouterr().out.splitlines()
    assert first == f"{path}: OK: 1 model, records from HTTP, alerts to 1 channel."
    assert "one false alarm per 30 days" in second
    assert third.startswith("flights: its baseline is a file of rows")


def test_check_says_how_soon_changes_are_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    setting.place(tmp_path)
    assert main(["config", "check", "-c", str(tmp_path / "driftd.yaml")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("Shares: columns ")
    assert lines[3].startswith("shop: line 10^")
    assert lines[3].endswith(" per column; armed; about 100 records a window")
    assert lines[4].startswith("  windows until a shift in one typical column is found, about: ")
    assert "1 sd in " in lines[4]
    assert "has not seen a week" in lines[5]
    assert any(line.startswith("shop region=north: line") for line in lines)


def test_check_says_it_to_machines_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    setting.place(tmp_path, baseline=setting.learned(every=setting.EVERY))
    assert main(["config", "check", "--json", "-c", str(tmp_path / "driftd.yaml")]) == 0
    told = json.loads(capsys.readouterr().out)
    whole = told["streams"][0]
    assert (whole["model"], whole["segment"], whole["stage"]) == ("shop", "", "armed")
    assert whole["windows"]["1"] >= 1
    assert set(whole["windows"]) == {"0.05", "0.1", "0.2", "0.5", "1"}
    assert told["missing"] == []


def test_check_says_what_a_short_history_does_not_promise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    window = "{every: 20m, lateness: 10s, idle: 30s}"
    baseline = setting.learned(every=20 * setting.EVERY)
    setting.place(tmp_path, setting.config_text(window=window), baseline)
    assert main(["config", "check", "-c", str(tmp_path / "driftd.yaml")]) == 0
    out = capsys.readouterr().out
    assert "; cold; " in out
    assert "no guarantee: NONE (exchangeable rows assumed)" in out


def test_check_looks_for_the_files_unless_told_otherwise(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (path.parent / "ops.secret").mkdir()
    assert main(["config", "check", "-c", str(path)]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"{path}: models[0].baseline: {path.parent}/flights.parquet does not exist",
        f"{path}: alerts.channels[0].secret_file: {path.parent}/ops.secret is not a file",
        "driftd: 2 problems in the configuration",
    ]
    assert main(["config", "check", "-c", str(path), "--syntax-only"]) == 0


def test_check_as_json(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "check", "-c", str(path), "--syntax-only", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is True
    assert len(told["digest"]) == 64


def test_problems_go_to_standard_error_and_exit_2(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text("modls: []", encoding="utf-8")
    assert main(["config", "check", "-c", str(path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert f"{path}:1: modls: unknown key, did you mean 'models'?" in err.splitlines()


def test_show_fills_in_defaults_and_masks_secrets(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["config", "show", "-c", str(path)]) == 0
    text = capsys.readouterr().out
    assert "token" not in text.replace("token_file", "")
    shown = yaml.safe_load(text)
    assert shown["server"]["port"] == 8642
    assert shown["models"][0]["window"]["records"] == 5000
    assert shown["models"][0]["label_horizon"] == "14d"


def test_what_show_prints_is_a_configuration(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text(TEXT.partition("alerts:")[0], encoding="utf-8")
    before = load(path)
    assert main(["config", "show", "-c", str(path), "--json"]) == 0
    path.write_text(capsys.readouterr().out, encoding="utf-8")
    assert load(path) == before


def test_schema_knows_every_section_and_its_words() -> None:
    schema = json_schema()
    assert set(schema["properties"]) == {
        "server", "archive", "budget", "limits", "models", "sources", "alerts", "retrain",
        "privacy", "plugins",
    }  # fmt: skip
    window = schema["$defs"]["WindowConfig"]
    assert window["additionalProperties"] is False
    assert window["properties"]["records"]["description"] == "Records per window."


def test_schema_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "schema"]) == 0
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert printed == json_schema()


def test_check_says_that_a_model_has_to_learn_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "driftd.yaml"
    path.write_text("models: [{name: flights, baseline: {learn: 14d, rolling: 30d, refresh: 12d}}]")
    assert main(["config", "check", "-c", str(path)]) == 0
    assert "flights: learns what is normal from 14d of its log" in capsys.readouterr().out

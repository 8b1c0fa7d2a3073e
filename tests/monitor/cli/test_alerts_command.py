"""`driftd alerts list|dead-letters|redeliver`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, update

from monitor.archive.tables import outbox
from monitor.cli.main import main
from tests.monitor.drivers.setting import filled

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory: an archive with open alerts; messages to `dev` were given up."""
    filled(tmp_path)
    engine = create_engine(f"sqlite:///{tmp_path / 'driftd.db'}")
    dead = {"state": "dead", "last_reason": "auth", "attempts": 3, "next_attempt_at": None}
    with engine.begin() as link:
        link.execute(update(outbox).where(outbox.c.channel == "dev").values(**dead))
    engine.dispose()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_list(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["alerts", "list"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split() == ["opened", "state", "severity", "model", "segment", "what"]
    assert len(rows) == 3
    assert all("firing" in row and "amount rose" in row for row in rows)


def test_list_as_json_is_newest_first(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["alerts", "list", "--json"]) == 0
    opened = json.loads(capsys.readouterr().out)
    assert {alert["key"]["segment"] for alert in opened} == {"", "region=north", "region=south"}
    assert main(["alerts", "list", "--all", "--json"]) == 0
    everything = json.loads(capsys.readouterr().out)
    for found in (opened, everything):
        times = [alert["opened_at"] for alert in found]
        assert times == sorted(times, reverse=True)
    assert main(["alerts", "list", "--limit", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == everything[:1]


def letters(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    assert main(["alerts", "dead-letters", "--json"]) == 0
    found: list[dict[str, str]] = json.loads(capsys.readouterr().out)
    return found


def test_dead_letters_can_be_sent_again(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = letters(capsys)
    assert {(one["channel"], one["reason"]) for one in found} == {("dev", "auth")}
    name = found[0]["id"]
    assert main(["alerts", "dead-letters"]) == 0
    assert name in capsys.readouterr().out
    assert main(["alerts", "redeliver", name, "dev"]) == 0
    assert f"{name} waits for its delivery to dev again." in capsys.readouterr().err
    assert len(letters(capsys)) == len(found) - 1


@pytest.mark.parametrize("arguments", [["msg_0", "dev"], ["msg_0", "nobody"]])
def test_what_is_no_dead_letter_is_not_found(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(["alerts", "redeliver", *arguments]) not in {0, 70}
    said = f"there is no dead letter {arguments[0]} for channel {arguments[1]}"
    assert said in capsys.readouterr().err


def test_a_wrong_limit_is_a_wrong_call(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["alerts", "list", "--limit", "0"]) == 2
    assert "Error: " in capsys.readouterr().err
